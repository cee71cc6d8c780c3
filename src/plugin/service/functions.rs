//! Functions.

use std::sync::Arc;

use tf_provider::Diagnostics;

use super::{
    super::{convert, proto::call_function},
    absent::unknown,
    note_type,
};
use crate::framework::Catalog;

pub(super) async fn call(
    catalog: Arc<Catalog>,
    request: call_function::Request,
) -> call_function::Response {
    note_type(&request.name);
    let Some(function) = catalog.functions.get(&request.name) else {
        return unknown("Unknown function", "function", &request.name);
    };
    let mut diags = Diagnostics::default();
    let arguments = request.arguments.into_iter();
    let arguments = arguments.map(|argument| convert::value(Some(argument)));
    let result = function.call(arguments.collect(), &mut diags).await;
    let error = convert::function_error(&diags);
    call_function::Response {
        result: result.filter(|_| error.is_none()).map(convert::dynamic),
        error,
    }
}
