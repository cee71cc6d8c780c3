//! Functions, over [`tf_provider::Function`].

use async_trait::async_trait;
use rmpv::Value;
use serde::de::DeserializeOwned;
use tf_provider::{AttributePath, Diagnostics, Function, schema::FunctionSchema};

use super::{
    Encoded,
    diagnostics::Report,
    encoded::{decode, encode},
};

/// A function, as the server calls it.
///
/// An error about one argument has the argument's index as its path
/// ([`AttributePath::function_argument`]).
#[async_trait]
pub trait ErasedFunction: Send + Sync + 'static {
    /// Parameters, return type and documentation.
    fn schema(&self) -> &FunctionSchema;
    /// Calls the function. `None` after an error.
    async fn call(&self, arguments: Vec<Encoded>, diags: &mut Diagnostics) -> Option<Encoded>;
}

/// Makes an [`ErasedFunction`] of a typed function, whose input is a tuple of its arguments.
pub struct FunctionAdapter<T> {
    function: T,
    schema: FunctionSchema,
}

impl<T: Function> FunctionAdapter<T> {
    /// Wraps a function.
    pub fn new(function: T) -> Self {
        let schema = function.schema(&mut Diagnostics::default());
        Self {
            function,
            schema: schema.unwrap_or_default(),
        }
    }
}

#[async_trait]
impl<T> ErasedFunction for FunctionAdapter<T>
where
    T: Function + 'static,
    for<'a> T::Input<'a>: DeserializeOwned,
{
    fn schema(&self) -> &FunctionSchema {
        &self.schema
    }

    async fn call(&self, arguments: Vec<Encoded>, diags: &mut Diagnostics) -> Option<Encoded> {
        let mut trees = Vec::with_capacity(arguments.len());
        for (index, argument) in (0..).zip(&arguments) {
            let Some(tree) = argument.tree() else {
                diags.fail(
                    "Unreadable value",
                    "Terraform sent an argument that is not well-formed or nests too deep.",
                    AttributePath::function_argument(index),
                );
                return None;
            };
            trees.push(tree);
        }
        let input = decode(&Value::Array(trees), diags)?;
        match self.function.call(diags, input).await {
            Some(output) => encode(&output, diags),
            None => {
                diags.fail_if_silent("A function returned nothing");
                None
            }
        }
    }
}
