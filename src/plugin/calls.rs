//! Runs the work behind each call.
//!
//! Work is a task of its own, not a part of the connection: a caller that goes away must not drop
//! a write half-way, whose answer may be a secret that exists nowhere else. The tasks are counted,
//! so that the process can end as soon as the last one has answered.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tf_provider::{AttributePath, Diagnostics};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, error_span, field::Empty};

use super::panics::caught;
use crate::framework::{CallContext, Report};

/// An answer that can say why there is no answer.
pub(super) trait Answer: Send + 'static {
    /// The answer that holds these diagnostics and nothing else.
    fn refused(diags: Diagnostics) -> Self;
}

/// The calls that are running.
#[derive(Clone, Default)]
pub(super) struct Calls {
    running: TaskTracker,
    /// Cancelled and replaced by [`Calls::stop`].
    cancel: Arc<Mutex<CancellationToken>>,
}

impl Calls {
    /// Does the work of one call to its end, whether or not anybody waits for it. A panic in it
    /// becomes a diagnostic.
    pub async fn run<A: Answer>(
        &self,
        rpc: &'static str,
        work: impl Future<Output = A> + Send + 'static,
    ) -> A {
        let cancel = self.token().clone();
        let work = CallContext { cancel }.scope(async {
            let start = Instant::now();
            let answer = work.await;
            tracing::debug!(elapsed_ms = start.elapsed().as_millis(), "Answered");
            answer
        });
        // At every level: its fields say of any line which call wrote it.
        let span = error_span!("call", tf_rpc = rpc, tf_type = Empty);
        let task = self.running.spawn(caught(work).instrument(span));
        match task.await {
            Ok(Ok(answer)) => answer,
            Ok(Err((file, line))) => fault(format!("The provider panicked at {file}:{line}.")),
            Err(_) => fault("The provider ended before it had answered.".to_owned()),
        }
    }

    /// Asks the running calls to stop waiting and retrying. Later calls are not affected: after
    /// an interrupt Terraform still closes ephemeral resources.
    pub fn stop(&self) {
        std::mem::take(&mut *self.token()).cancel();
    }

    /// Waits until no call is running.
    pub async fn finished(&self) {
        self.running.close();
        self.running.wait().await;
    }

    fn token(&self) -> MutexGuard<'_, CancellationToken> {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer of a call that this provider failed to carry out through a fault of its own.
fn fault<A: Answer>(what: String) -> A {
    let mut diags = Diagnostics::default();
    let detail = format!(
        "{what} This is a bug in the provider. Other operations are not affected; what this one \
         had done by then is not known, so look before you repeat it."
    );
    diags.fail("The provider failed", detail, AttributePath::root());
    A::refused(diags)
}
