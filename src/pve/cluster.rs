//! What was read, kept until the next write, or for good where no write changes it.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;

use crate::pve::api::access::Owner;
use crate::pve::api::acl::AclView;
use crate::pve::api::rights::Question;
use crate::pve::audit::Audit;
use crate::pve::context::{Context, Stopped};
use crate::pve::error::Error;
use crate::pve::id::UserId;
use crate::pve::permissions::privileges::Rights;
use crate::pve::permissions::roles::Roles;
use crate::pve::single_flight::SingleFlight;

/// Answers that serve every reader.
#[derive(Default)]
pub(crate) struct Reads {
    /// One request for each user serves all its tokens.
    pub(crate) owners: Kept<UserId, Option<Arc<Owner>>>,
    /// One request serves the access control list of everything.
    pub(crate) acl: Kept<(), Arc<AclView>>,
    /// Roles, or why they could not be read. No write changes them.
    pub(crate) roles: Kept<(), Result<Arc<Roles>, Error>>,
    /// What users may do, or why it could not be read. No write changes it.
    pub(crate) rights: Kept<Question, Result<Arc<Rights>, Error>>,
    /// A handful of requests serve all who look at all tokens.
    pub(crate) audit: Kept<(), Arc<Audit>>,
}

impl Reads {
    /// Forgets what a write can change, now and again when the guard is dropped: before a write,
    /// and after it, however it ends.
    pub(crate) fn outdate(&self) -> Outdated<'_> {
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
pub(crate) struct Outdated<'a>(&'a Reads);

impl Drop for Outdated<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

/// Answers of one kind by what was asked.
pub(crate) struct Kept<K, V: Clone>(Arc<Mutex<State<K, V>>>);

struct State<K, V: Clone> {
    /// Counts the writes, so that an answer from before one is not kept after it.
    epoch: u64,
    known: HashMap<K, V>,
    asking: HashMap<K, Arc<SingleFlight<Result<V, Error>>>>,
}

impl<K, V: Clone> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            epoch: 0,
            known: HashMap::new(),
            asking: HashMap::new(),
        })))
    }
}

impl<K, V> Kept<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// The answer that is kept, or the one that `fetch` gives: once for all who ask at the same
    /// time. Errors are not kept.
    pub(crate) async fn get<F>(
        &self,
        key: &K,
        context: &Context,
        fetch: impl FnOnce() -> F,
        stopped: impl FnOnce(Stopped) -> Error,
    ) -> Result<V, Error>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        // An answer is kept before its run ends, and runs are joined under the same lock, so
        // that nobody comes between the two and asks again.
        let run = {
            let mut state = lock(&self.0);
            if let Some(known) = state.known.get(key) {
                return Ok(known.clone());
            }
            let epoch = state.epoch;
            let flight = Arc::clone(state.asking.entry(key.clone()).or_default());
            flight.join(|| {
                let (state, key, fetched) = (Arc::clone(&self.0), key.clone(), fetch());
                async move {
                    let answer = fetched.await;
                    lock(&state).keep(key, epoch, &answer);
                    answer
                }
                .boxed()
            })
        };
        let answer = context.bound(run).await;
        answer.unwrap_or_else(|why| Err(stopped(why)))
    }

    fn forget(&self) {
        let mut state = lock(&self.0);
        state.epoch += 1;
        state.known.clear();
        state.asking.clear();
    }
}

impl<K: Eq + Hash, V: Clone> State<K, V> {
    fn keep(&mut self, key: K, epoch: u64, answer: &Result<V, Error>) {
        if let (Ok(answer), true) = (answer, self.epoch == epoch) {
            self.known.insert(key, answer.clone());
        }
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
