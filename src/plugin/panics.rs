//! Panics. A panic ends one call, not the process. Its place is reported, and its payload never: it
//! can hold a secret.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use futures_util::FutureExt;

thread_local! {
    /// The place of the last panic of this thread.
    static LAST: Cell<Option<Place>> = const { Cell::new(None) };
}

/// A place in the source: file, line.
pub(super) type Place = (String, u32);

/// Replaces the standard library's message about a panic, which contains the payload, by a log line
/// with the place. For a process whose stderr Terraform reads.
pub(super) fn silence() {
    panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("", 0), |l| (l.file(), l.line()));
        tracing::error!(file, line, "The provider panicked");
    }));
}

/// Runs a future. A panic in it becomes `Err` with its place.
pub(super) async fn caught<F: Future>(future: F) -> Result<F::Output, Place> {
    store_places();
    // Only the future itself is lost. It shares locks, which recover, and channels, which close.
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    // Without an await in between, this is still the thread that panicked.
    caught.map_err(|_| LAST.take().unwrap_or_default())
}

/// Makes each panic store its place for [`caught`], before the previous hook runs.
fn store_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|l| (l.file().to_owned(), l.line()));
            LAST.set(place);
            next(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_its_place() {
        let (result, line) = (caught(async { panic!("hunter2") }).await, line!());
        let result: Result<(), Place> = result;
        assert_eq!(result, Err((file!().to_owned(), line)));
    }

    #[tokio::test]
    async fn without_a_panic_the_value_comes_through() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
    }
}
