//! Reachability of a host, remembered for the lifetime of its client.
//!
//! A plan reads every object. If a host is down, each of them would wait for the same timeout, so
//! one attempt stands for all: a read during the attempt waits for its outcome, and a read after a
//! failed attempt fails at once. A write makes another attempt, and any success clears the failure.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::MutexGuard;

use crate::pve::error::Error;

/// The result of the latest attempts to reach the host.
#[derive(Default)]
pub(crate) struct Reachability {
    /// Whether an attempt has succeeded.
    answered: AtomicBool,
    /// The error of the latest attempt, if that did not get through.
    verdict: Mutex<Option<Error>>,
    /// Held during the first attempt.
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

    /// Records the outcome of an attempt.
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
