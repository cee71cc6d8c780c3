//! Functions.
//!
//! [`ErasedFunction`] is what the server calls, in encoded values. A [`FunctionAdapter`] makes one
//! of a typed [`tf_provider::Function`].

use async_trait::async_trait;
use rmpv::Value;
use serde::de::DeserializeOwned;
use tf_provider::schema::FunctionSchema;
use tf_provider::{AttributePath, Diagnostics, Function};

use super::diagnostics::Report;
use super::encoded::{Encoded, decode, encode};

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

/// A typed function, whose input is a tuple of its arguments.
pub struct FunctionAdapter<T> {
    function: T,
    schema: FunctionSchema,
}

impl<T: Function> FunctionAdapter<T> {
    /// Adapts a function, and reports the mistakes in its definition.
    pub fn new(function: T, diags: &mut Diagnostics) -> Self {
        let schema = function.schema(diags).unwrap_or_default();
        Self { function, schema }
    }
}

#[async_trait]
impl<T> ErasedFunction for FunctionAdapter<T>
where
    T: Function + 'static,
    T::Input<'static>: DeserializeOwned,
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
                    "Terraform sent an argument that is not well-formed or is nested too deep.",
                    AttributePath::function_argument(index),
                );
                return None;
            };
            trees.push(tree);
        }
        let input = decode(Value::Array(trees), diags)?;
        let Some(output) = self.function.call(diags, input).await else {
            diags.fail_if_silent("A function returned nothing");
            return None;
        };
        encode(&output, diags)
    }
}
