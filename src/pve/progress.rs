//! The step that a connection has come to, noted by what takes part in it.
//!
//! A connection is one future of a library, whose time runs out as a whole. Its parts (the resolver,
//! the handshake) run in the same task and note where they are, so that an error can name the step
//! that waited.

use std::cell::Cell;

/// A step of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The name of the host is resolved.
    Resolve,
    /// The connection is made.
    Connect,
    /// The TLS handshake, on a connection that was accepted.
    Handshake,
}

tokio::task_local! {
    static STEP: Cell<Step>;
}

/// Runs `work`, in which [`note`] and [`noted`] work. An address needs no resolver, so a request
/// begins with the connection.
pub(crate) async fn tracked<T>(work: impl Future<Output = T>) -> T {
    STEP.scope(Cell::new(Step::Connect), work).await
}

/// Notes that this step has begun. Outside of a request, where a connection that nobody waits for
/// is finished, it does nothing.
pub(crate) fn note(step: Step) {
    // The error says that nothing is tracked here.
    let _ = STEP.try_with(|current| current.set(step));
}

/// The step that was noted last.
pub(crate) fn noted() -> Step {
    STEP.try_with(Cell::get).unwrap_or(Step::Connect)
}
