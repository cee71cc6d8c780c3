//! What was read of users, kept until the next write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;

use super::ask::Ask;
use super::call::Call;
use super::client::Client;
use super::single_flight::SingleFlight;
use super::{Error, Owner, UserId};

type Answer = Result<Option<Arc<Owner>>, Error>;

/// Answers about users: one request for each user serves all its tokens, until something is
/// written.
#[derive(Default)]
pub(super) struct Reads(Mutex<State>);

#[derive(Default)]
struct State {
    /// Counts the writes, so that an answer from before one is not kept after it.
    epoch: u64,
    known: HashMap<UserId, Option<Arc<Owner>>>,
    asking: HashMap<UserId, Arc<SingleFlight<Answer>>>,
}

enum Found {
    Known(Option<Arc<Owner>>),
    Asking {
        epoch: u64,
        flight: Arc<SingleFlight<Answer>>,
    },
}

impl Reads {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything now, and again when the guard is dropped: before a write, and after
    /// it, however it ends.
    pub(super) fn outdate(&self) -> Outdated<'_> {
        self.forget();
        Outdated(self)
    }

    fn forget(&self) {
        let mut state = self.state();
        state.epoch += 1;
        state.known.clear();
        state.asking.clear();
    }

    fn look_up(&self, user: &UserId) -> Found {
        let mut state = self.state();
        if let Some(known) = state.known.get(user) {
            return Found::Known(known.clone());
        }
        Found::Asking {
            epoch: state.epoch,
            flight: Arc::clone(state.asking.entry(user.clone()).or_default()),
        }
    }

    fn keep(&self, user: &UserId, epoch: u64, answer: &Answer) {
        let mut state = self.state();
        if let (Ok(owner), true) = (answer, state.epoch == epoch) {
            state.known.insert(user.clone(), owner.clone());
        }
    }
}

/// A write is under way, and what is read meanwhile may be of before it.
pub(super) struct Outdated<'a>(&'a Reads);

impl Drop for Outdated<'_> {
    fn drop(&mut self) {
        self.0.forget();
    }
}

impl Client {
    pub(super) async fn cached_owner(&self, user: &UserId, call: &Call) -> Answer {
        let (epoch, flight) = match self.reads().look_up(user) {
            Found::Known(known) => return Ok(known),
            Found::Asking { epoch, flight } => (epoch, flight),
        };
        let run = flight.join(|| {
            let (client, user) = (self.clone(), user.clone());
            async move { client.fetch_owner(&user, &Call::default()).await }.boxed()
        });
        let answer = call.bound(run).await.unwrap_or_else(|stopped| {
            let ask = Ask::get(&["access", "users", &user.to_string()]);
            Err(self.stop(stopped, &ask))
        });
        self.reads().keep(user, epoch, &answer);
        answer
    }
}
