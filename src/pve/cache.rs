//! Responses that serve every reader, until a write may have changed them.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;

use crate::pve::error::Error;
use crate::pve::single_flight::SingleFlight;

/// Responses of one kind by what was requested. Errors are not kept.
pub(crate) struct Cache<K, V: Clone>(Arc<Mutex<State<K, V>>>);

struct State<K, V: Clone> {
    /// The write epoch that the responses are of.
    epoch: u64,
    cached: HashMap<K, V>,
    requests: HashMap<K, Arc<SingleFlight<Result<V, Error>>>>,
}

impl<K, V: Clone> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            epoch: 0,
            cached: HashMap::new(),
            requests: HashMap::new(),
        })))
    }
}

impl<K, V> Cache<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// The cached response, or the one that `fetch` returns: one request for all callers at the
    /// same time. `epoch` tells the write epoch; a response is kept only where it is the same
    /// before and after the request.
    pub(crate) async fn get<F>(
        &self,
        key: K,
        epoch: impl Fn() -> u64 + Send + 'static,
        fetch: impl FnOnce() -> F,
    ) -> Result<V, Error>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        // A response is kept before its flight ends, and flights are joined under the same lock,
        // so that no caller comes between the two and asks again.
        let flight = {
            let mut state = lock(&self.0);
            let begun = epoch();
            state.invalidate_before(begun);
            if let Some(cached) = state.cached.get(&key) {
                return Ok(cached.clone());
            }
            let flight = Arc::clone(state.requests.entry(key.clone()).or_default());
            flight.join(|| {
                let (state, request) = (Arc::clone(&self.0), fetch());
                async move {
                    let response = request.await;
                    let mut state = lock(&state);
                    state.invalidate_before(epoch());
                    if let (Ok(value), true) = (&response, state.epoch == begun) {
                        state.cached.insert(key, value.clone());
                    }
                    response
                }
                .boxed()
            })
        };
        flight.await
    }
}

impl<K, V: Clone> State<K, V> {
    fn invalidate_before(&mut self, epoch: u64) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.cached.clear();
            self.requests.clear();
        }
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
