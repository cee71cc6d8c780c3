//! What exists already, while a change is still being made.
//!
//! A server shows a secret once. An operation notes the state that is true as soon as it has one
//! ([`keep`]), so that nothing that fails afterwards, not even a panic, loses it: the adapter then
//! responds with that state.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use serde::Serialize;
use tf_provider::Diagnostics;

use super::encoded::{Encoded, encode};

tokio::task_local! {
    static KEPT: Kept;
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Option<Encoded>>>);

/// Notes the state that is true now, in place of one that was noted before. Every value of it must
/// be known. Outside of a change, it does nothing.
pub fn keep<T: Serialize>(state: &T) {
    let encoded = encode(state, &mut Diagnostics::default());
    let _ = KEPT.try_with(|kept| {
        let mut kept = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = encoded;
    });
}

/// The result of a change, or the payload of its panic, and the state that it has noted last.
pub(super) async fn keeping<F: Future>(
    change: F,
) -> (Result<F::Output, Box<dyn Any + Send>>, Option<Encoded>) {
    let kept = Kept::default();
    // Only the future itself is lost. It shares locks, which recover.
    let guarded = AssertUnwindSafe(KEPT.scope(kept.clone(), change)).catch_unwind();
    let outcome = guarded.await;
    let mut noted = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
    (outcome, noted.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_noted_survives_a_panic() {
        let change = async {
            keep(&"first");
            keep(&"second");
            panic!("after the write");
        };
        let (outcome, kept): (Result<(), _>, _) = keeping(change).await;
        assert!(outcome.is_err());
        assert_eq!(kept.unwrap().tree(), Some("second".into()));
    }

    #[tokio::test]
    async fn a_change_that_notes_nothing_keeps_nothing() {
        keep(&"outside");
        let (outcome, kept) = keeping(async { 7 }).await;
        assert_eq!(outcome.ok(), Some(7));
        assert!(kept.is_none());
    }
}
