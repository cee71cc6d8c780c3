//! The running calls.
//!
//! The work of a call is a task of its own, not a part of the connection: a caller that goes away
//! must not interrupt a write, whose response may be a secret that exists nowhere else. The tasks
//! are tracked, so that the process can end as soon as the last one has responded.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures_util::stream::{self, Stream};
use tf_provider::{AttributePath, Diagnostics};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tracing::field::Empty;
use tracing::{Instrument, error_span};

use super::panics::{Place, caught};
use crate::framework::{Context, Report, Sink};

/// A response, or an event of a stream, that can consist of diagnostics alone.
pub(super) trait FromDiagnostics: Send + 'static {
    /// The response that holds these diagnostics and nothing else.
    fn from_diagnostics(diags: Diagnostics) -> Self;
}

/// The reason why a call has no other response than diagnostics.
pub(super) struct Refusal(pub Diagnostics);

/// The calls that are running.
#[derive(Clone, Default)]
pub(super) struct RunningCalls {
    tasks: TaskTracker,
    /// Cancelled and replaced by [`RunningCalls::stop`].
    cancel: Arc<Mutex<CancellationToken>>,
}

/// The events of a call that responds with a stream.
pub(super) type EventStream<E> = Pin<Box<dyn Stream<Item = Result<E, Status>> + Send>>;

/// The sending half of an [`EventStream`].
pub(super) struct Events<E>(mpsc::Sender<E>);

impl<E> Events<E> {
    /// Sends an event. Whether the caller still listens.
    pub async fn send(&self, event: E) -> bool {
        self.0.send(event).await.is_ok()
    }
}

#[async_trait]
impl<T: Send + 'static, E: From<T> + Send> Sink<T> for Events<E> {
    async fn send(&self, event: T) -> bool {
        Events::send(self, event.into()).await
    }
}

impl RunningCalls {
    /// Runs the work of one call to its end, also when its caller has gone. A panic becomes a
    /// diagnostic.
    pub async fn run<R: FromDiagnostics>(
        &self,
        rpc: &'static str,
        work: impl Future<Output = Result<R, Refusal>> + Send + 'static,
    ) -> R {
        let task = self.tasks.spawn(guarded(self.token().clone(), rpc, work));
        let result = match task.await {
            Ok(Ok(result)) => result,
            Ok(Err(place)) => Err(panicked(&place)),
            Err(_) => Err(bug("The provider ended before the call had finished.")),
        };
        result.unwrap_or_else(|Refusal(diags)| R::from_diagnostics(diags))
    }

    /// Runs the work of one call that responds with a stream, in the same way. The stream ends with
    /// the work.
    pub fn stream<E, F>(
        &self,
        rpc: &'static str,
        work: impl FnOnce(Events<E>) -> F,
    ) -> EventStream<E>
    where
        E: FromDiagnostics,
        F: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        let (sender, mut receiver) = mpsc::channel(1);
        let work = guarded(self.token().clone(), rpc, work(Events(sender.clone())));
        self.tasks.spawn(async move {
            let result = work.await.unwrap_or_else(|place| Err(panicked(&place)));
            if let Err(Refusal(diags)) = result {
                // Fails only without a caller.
                let _ = sender.send(E::from_diagnostics(diags)).await;
            }
        });
        Box::pin(stream::poll_fn(move |context| {
            receiver.poll_recv(context).map(|event| event.map(Ok))
        }))
    }

    /// Asks the running calls to stop waiting and retrying. Later calls are not affected: after an
    /// interrupt, Terraform still closes ephemeral resources.
    pub fn stop(&self) {
        std::mem::take(&mut *self.token()).cancel();
    }

    /// Waits until no call is running.
    pub async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn token(&self) -> MutexGuard<'_, CancellationToken> {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work with the context and the log fields of a call, whose panic becomes an error.
fn guarded<T: Send>(
    cancel: CancellationToken,
    rpc: &'static str,
    work: impl Future<Output = T> + Send,
) -> impl Future<Output = Result<T, Place>> + Send {
    let work = Context { cancel }.scope(async {
        let start = Instant::now();
        let response = work.await;
        tracing::debug!(elapsed_ms = start.elapsed().as_millis(), "Responded");
        response
    });
    // At every level: its fields name the call on each line of its log.
    let span = error_span!("call", tf_rpc = rpc, tf_type = Empty);
    caught(work).instrument(span)
}

fn panicked((file, line): &Place) -> Refusal {
    bug(&format!("The provider panicked at {file}:{line}."))
}

/// The refusal of a call that a bug in the provider has ended.
fn bug(what: &str) -> Refusal {
    let mut diags = Diagnostics::default();
    let detail = format!(
        "{what} This is a bug in the provider. Other operations are not affected. The operation may \
         have partly completed: check the object on the server before retrying."
    );
    diags.fail("The provider failed", detail, AttributePath::root());
    Refusal(diags)
}
