//! Functions.

use std::sync::Arc;

use tf_provider::Diagnostics;

use super::record_type;
use super::unimplemented::unknown;
use crate::framework::Catalog;
use crate::plugin::calls::Refusal;
use crate::plugin::convert;
use crate::plugin::proto::call_function;

pub(super) async fn call(
    catalog: Arc<Catalog>,
    request: call_function::Request,
) -> Result<call_function::Response, Refusal> {
    record_type(&request.name);
    let Some(function) = catalog.functions.get(&request.name) else {
        return Err(unknown("Unknown function", "function", &request.name));
    };
    let mut diags = Diagnostics::default();
    let arguments = request.arguments.into_iter();
    let arguments = arguments.map(|argument| convert::value(Some(argument)));
    let result = function.call(arguments.collect(), &mut diags).await;
    let error = convert::function_error(&diags);
    Ok(call_function::Response {
        result: result.filter(|_| error.is_none()).map(convert::dynamic),
        error,
    })
}
