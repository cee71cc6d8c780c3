//! The context of the requests of a Terraform call.

use std::time::Duration;

use tokio::time::Instant;

use crate::framework::CallContext;
use crate::pve::Context;

/// The cancellation of the current Terraform call.
pub fn context() -> Context {
    call_within(None)
}

/// The same with a time limit in seconds from now.
pub fn call_within(seconds: Option<i64>) -> Context {
    let limit = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Context {
        cancel: CallContext::current().cancel,
        deadline: limit
            .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds))),
    }
}
