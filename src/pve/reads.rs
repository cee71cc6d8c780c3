//! What was read, kept until the next write, or for good where no write changes it.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;

use super::api::rights::Question;
use super::call::{Call, Stopped};
use super::single_flight::SingleFlight;
use super::{AclView, Audit, Error, Owner, Rights, Roles, UserId};

/// Answers that serve every reader.
#[derive(Default)]
pub(super) struct Reads {
    /// One request for each user serves all its tokens.
    pub(super) owners: Kept<UserId, Option<Arc<Owner>>>,
    /// One request serves the access control list of everything.
    pub(super) acl: Kept<(), Arc<AclView>>,
    /// Roles, or why they could not be read. No write changes them.
    pub(super) roles: Kept<(), Result<Arc<Roles>, Error>>,
    /// What users may do, or why it could not be read. No write changes it.
    pub(super) rights: Kept<Question, Result<Arc<Rights>, Error>>,
    /// A handful of requests serve all who look at all tokens.
    pub(super) audit: Kept<(), Arc<Audit>>,
}

impl Reads {
    /// Forgets what a write can change, now and again when the guard is dropped: before a write,
    /// and after it, however it ends.
    pub(super) fn outdate(&self) -> Outdated<'_> {
        self.forget();
        Outdated(self)
    }

    fn forget(&self) {
        self.owners.forget();
        self.acl.forget();
        self.audit.forget();
    }
}

/// A write is under way, and what is read meanwhile may be of before it.
pub(super) struct Outdated<'a>(&'a Reads);

impl Drop for Outdated<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

/// Answers of one kind by what was asked.
pub(super) struct Kept<K, V: Clone>(Mutex<State<K, V>>);

struct State<K, V: Clone> {
    /// Counts the writes, so that an answer from before one is not kept after it.
    epoch: u64,
    known: HashMap<K, V>,
    asking: HashMap<K, Arc<SingleFlight<Result<V, Error>>>>,
}

impl<K, V: Clone> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::new(State {
            epoch: 0,
            known: HashMap::new(),
            asking: HashMap::new(),
        }))
    }
}

impl<K: Clone + Eq + Hash, V: Clone + Send + Sync + 'static> Kept<K, V> {
    /// The answer that is kept, or the one that `fetch` gives: once for all who ask at the same
    /// time. Errors are not kept.
    pub(super) async fn get<F>(
        &self,
        key: &K,
        call: &Call,
        fetch: impl FnOnce() -> F,
        stopped: impl FnOnce(Stopped) -> Error,
    ) -> Result<V, Error>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        let (epoch, flight) = {
            let mut state = self.state();
            if let Some(known) = state.known.get(key) {
                return Ok(known.clone());
            }
            let flight = Arc::clone(state.asking.entry(key.clone()).or_default());
            (state.epoch, flight)
        };
        let run = flight.join(|| fetch().boxed());
        let answer = call
            .bound(run)
            .await
            .unwrap_or_else(|why| Err(stopped(why)));
        self.keep(key, epoch, &answer);
        answer
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self) {
        let mut state = self.state();
        state.epoch += 1;
        state.known.clear();
        state.asking.clear();
    }

    fn keep(&self, key: &K, epoch: u64, answer: &Result<V, Error>) {
        let mut state = self.state();
        if let (Ok(answer), true) = (answer, state.epoch == epoch) {
            state.known.insert(key.clone(), answer.clone());
        }
    }
}
