//! The context of the requests of a Terraform call.

use std::time::Duration;

use tokio::time::Instant;

use crate::framework;
use crate::pve::Context;

/// The cancellation of the current Terraform call.
pub fn context() -> Context {
    call_within(None)
}

/// The same with a time limit, counted from now.
pub fn call_within(limit: Option<Duration>) -> Context {
    Context {
        cancel: framework::Context::current().cancel,
        deadline: limit.and_then(|limit| Instant::now().checked_add(limit)),
        ..Context::default()
    }
}
