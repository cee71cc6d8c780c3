//! The context of a running call: what a method needs beside its arguments.
//!
//! The typed traits of `tf-provider` have no parameter for cancellation, so it travels in a
//! task-local. The server enters a [`Context::scope`] for each call. Code that waits or retries
//! takes the token from [`Context::current`] and passes it on as an argument.

use std::future::Future;

use tokio_util::sync::CancellationToken;

tokio::task_local! {
    static CONTEXT: Context;
}

/// The context of one call.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Cancelled when Terraform asks running operations to wind down (`StopProvider`). The call
    /// then stops to wait and to retry, and responds with what exists.
    pub cancel: CancellationToken,
}

impl Context {
    /// Runs a future in which [`Context::current`] is this context.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CONTEXT.scope(self, future).await
    }

    /// The context of the running call. Outside of a call, a context that is never cancelled.
    pub fn current() -> Self {
        CONTEXT.try_with(Clone::clone).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scope_passes_its_token_to_the_code_inside() {
        let context = Context::default();
        let inside = context
            .clone()
            .scope(async { Context::current().cancel })
            .await;
        context.cancel.cancel();
        assert!(inside.is_cancelled());
    }

    #[test]
    fn outside_of_a_call_nothing_is_cancelled() {
        assert!(!Context::current().cancel.is_cancelled());
    }
}
