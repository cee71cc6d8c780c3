//! The context of the call being answered: what travels beside the arguments.
//!
//! The typed traits of `tf-provider` have no parameter for cancellation, so it travels in a
//! task-local. The server enters a [`CallContext::scope`] for each call; code that waits or
//! retries asks [`CallContext::current`] and hands what it needs on as plain arguments.

use std::future::Future;

use tokio_util::sync::CancellationToken;

tokio::task_local! {
    static CONTEXT: CallContext;
}

/// What the server knows about the call being answered.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// Cancelled when Terraform asks running operations to wind down (`StopProvider`):
    /// stop waiting and retrying, answer with what is true.
    pub cancel: CancellationToken,
}

impl CallContext {
    /// Runs a future in which [`CallContext::current`] is this context.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CONTEXT.scope(self, future).await
    }

    /// The context of the call being answered; one that is never cancelled outside of any call.
    pub fn current() -> Self {
        CONTEXT.try_with(Clone::clone).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scope_hands_its_own_token_to_the_code_inside() {
        let context = CallContext::default();
        let seen = context
            .clone()
            .scope(async { CallContext::current().cancel })
            .await;
        context.cancel.cancel();
        assert!(seen.is_cancelled());
    }

    #[test]
    fn outside_a_call_nothing_is_cancelled() {
        assert!(!CallContext::current().cancel.is_cancelled());
    }
}
