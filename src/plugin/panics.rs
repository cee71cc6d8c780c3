//! A panic ends one call, not the process, and says where it happened but never what was at hand:
//! a payload can hold a secret.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use futures_util::FutureExt;

thread_local! {
    /// Where this thread panicked last.
    static LAST: Cell<Option<Place>> = const { Cell::new(None) };
}

/// A place in the source: file, line.
pub(super) type Place = (String, u32);

/// Makes panics write a log line with their place, in place of the standard library's message
/// with the payload. For the process whose stderr Terraform reads.
pub(super) fn silence() {
    panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("", 0), |l| (l.file(), l.line()));
        tracing::error!(file, line, "The provider panicked");
    }));
}

/// Runs a future; a panic in it becomes `Err` with its place.
pub(super) async fn caught<F: Future>(future: F) -> Result<F::Output, Place> {
    watch();
    // Only the future itself is lost: what it shares with others is locks, which recover, and
    // channels, which close.
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    // No await in between: this is still the thread that panicked.
    caught.map_err(|_| LAST.take().unwrap_or_default())
}

/// Makes panics leave their place behind for [`caught`], before whatever was done about them.
fn watch() {
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
