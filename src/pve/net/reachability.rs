//! Whether a host can be reached at all, remembered for as long as its client lives.
//!
//! A plan reads every object. Where a host is down each of them would wait for the same time-out,
//! so one attempt stands for all: whoever reads while it is under way waits for how it ends, and
//! whoever reads after it failed is told so at once. A write is worth another attempt, and
//! whatever gets through ends the verdict.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::MutexGuard;

use crate::pve::error::Error;

/// What is known of the way to the host.
#[derive(Default)]
pub(crate) struct Reachability {
    /// Somebody has got through.
    answered: AtomicBool,
    /// The error of the latest attempt, if that did not get through.
    verdict: Mutex<Option<Error>>,
    /// Held by the one who tries first.
    trying: tokio::sync::Mutex<()>,
}

impl Reachability {
    /// Lets one read after the other try until one has got through. The error of the attempt
    /// before, where that has failed.
    pub(crate) async fn first_attempt(&self) -> Result<Option<MutexGuard<'_, ()>>, Error> {
        if let Some(verdict) = self.verdict() {
            return Err(verdict);
        }
        if self.answered.load(Ordering::Acquire) {
            return Ok(None);
        }
        let turn = self.trying.lock().await;
        match self.verdict() {
            Some(verdict) => Err(verdict),
            None if self.answered.load(Ordering::Acquire) => Ok(None),
            None => Ok(Some(turn)),
        }
    }

    /// Notes how an attempt ended.
    pub(crate) fn note<T>(&self, outcome: &Result<T, Error>) {
        let failed = outcome
            .as_ref()
            .err()
            .filter(|error| error.is_unreachable());
        if failed.is_none() {
            self.answered.store(true, Ordering::Release);
        }
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = failed.cloned();
    }

    fn verdict(&self) -> Option<Error> {
        let verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        verdict.clone()
    }
}
