//! One run of some work for all callers at the same time.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

/// At most one run of some work at a time. Every caller during the run gets its result.
///
/// The run lasts while a caller waits for it: it is dropped when the last one has left.
pub(crate) struct SingleFlight<T: Clone>(Mutex<Option<WeakShared<BoxFuture<'static, T>>>>);

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> SingleFlight<T> {
    /// Joins the run that is under way, or starts one.
    pub(crate) fn join(
        &self,
        start: impl FnOnce() -> BoxFuture<'static, T>,
    ) -> Shared<BoxFuture<'static, T>> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = running
            .as_ref()
            .and_then(WeakShared::upgrade)
            .filter(|run| run.peek().is_none());
        under_way.unwrap_or_else(|| {
            let run = start().shared();
            *running = run.downgrade();
            run
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use tokio::sync::Notify;

    use super::SingleFlight;

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_run() {
        let flight = SingleFlight::<usize>::default();
        let runs = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Notify::new());
        let start = || {
            let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
            async move {
                gate.notified().await;
                runs.fetch_add(1, Ordering::SeqCst) + 1
            }
            .boxed()
        };
        let (first, second) = (flight.join(start), flight.join(start));
        gate.notify_one();
        assert_eq!(tokio::join!(first, second), (1, 1));
        gate.notify_one();
        assert_eq!(
            flight.join(start).await,
            2,
            "a finished run is not handed out again"
        );
    }

    #[tokio::test]
    async fn a_run_outlives_a_caller_who_leaves() {
        let flight = SingleFlight::<u8>::default();
        let gate = Arc::new(Notify::new());
        let waiting = Arc::clone(&gate);
        let mut first = flight.join(|| {
            async move {
                waiting.notified().await;
                7
            }
            .boxed()
        });
        let second = flight.join(|| async { 0 }.boxed());
        assert!((&mut first).now_or_never().is_none());
        drop(first);
        gate.notify_one();
        assert_eq!(second.await, 7);
    }
}
