//! Which node of the cluster is asked.
//!
//! Any node answers for the whole cluster, so when one cannot be reached the next is asked. Two
//! things must not happen on the way: a write that may have taken effect is not sent again, and
//! what was just written is not read from a node that does not know of it yet. So a write moves on
//! only where it certainly changed nothing, and after it everything stays with the node that took
//! it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::pve::client::{Client, Proof};
use crate::pve::error::Error;
use crate::pve::net::endpoint::Endpoint;
use crate::pve::net::request::{Ask, Reply};
use crate::pve::net::retry;

/// The nodes by their places in the settings: the endpoint is the first, the others follow.
#[derive(Default)]
pub(crate) struct Failover {
    /// The one that answered last.
    in_use: AtomicUsize,
    /// The one that took a write.
    wrote: OnceLock<usize>,
}

impl Failover {
    fn in_use(&self) -> usize {
        let answered = self.in_use.load(Ordering::Relaxed);
        self.wrote.get().copied().unwrap_or(answered)
    }

    /// Which of so many nodes to ask, and which ones then.
    fn order(&self, nodes: usize) -> (usize, impl Iterator<Item = usize> + use<>) {
        let first = self.in_use();
        let nodes = if self.wrote.get().is_some() { 0 } else { nodes };
        (first, (first + 1..nodes).chain(0..first.min(nodes)))
    }

    fn note(&self, node: usize, outcome: &Result<Reply, Error>) {
        self.in_use.store(node, Ordering::Relaxed);
        let took_a_write = match outcome {
            Ok(reply) => reply.request.is_write(),
            Err(error) => error.may_have_taken_effect(),
        };
        if took_a_write {
            // The first one stays: a second can only be the same.
            let _ = self.wrote.set(node);
        }
    }
}

impl Client {
    /// The node that is asked at present.
    pub fn endpoint(&self) -> &Endpoint {
        self.node(self.failover().in_use())
    }

    fn node(&self, number: usize) -> &Endpoint {
        let settings = self.settings();
        let others = number.checked_sub(1);
        let other = others.and_then(|number| settings.other_endpoints.get(number));
        other.unwrap_or(&settings.endpoint)
    }

    /// Sends a request to the node in use, and to the others in turn where that is safe.
    pub(crate) async fn send(&self, ask: &Ask, proof: &Proof) -> Result<Reply, Error> {
        let nodes = 1 + self.settings().other_endpoints.len();
        let (mut node, mut others) = self.failover().order(nodes);
        let mut tried = Vec::new();
        loop {
            let endpoint = self.node(node);
            let outcome = self.ask_node(endpoint, ask, proof, &tried).await;
            let next = match &outcome {
                Err(error) if may_move_on(ask, error) => others.next(),
                _ => None,
            };
            let Some(next) = next else {
                self.failover().note(node, &outcome);
                self.reachability().note(&outcome);
                return outcome;
            };
            tracing::warn!(
                endpoint = %endpoint,
                next = %self.node(next),
                path = ask.path,
                "a node cannot be asked, trying the next one"
            );
            tried.push(endpoint.to_string());
            node = next;
        }
    }

    async fn ask_node(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        proof: &Proof,
        tried: &[String],
    ) -> Result<Reply, Error> {
        let retries = self.settings().retries.lost_read;
        let mut repetition = 0;
        loop {
            match self.exchange(endpoint, ask, proof, tried).await {
                Err(Error::Lost { .. }) if ask.is_read() && repetition < retries => {
                    repetition += 1;
                    retry::before_read(repetition).await;
                }
                outcome => return outcome,
            }
        }
    }
}

/// Whether another node may be asked the same: it was not asked here, or asking twice is no harm.
fn may_move_on(ask: &Ask, error: &Error) -> bool {
    // 595 says that nobody was there to do it (recording `440-pvedaemon-down`).
    let was_not_asked = error.is_unreachable()
        || matches!(error, Error::ProxyHop { answer } if answer.status == 595);
    let gave_no_answer = matches!(
        error,
        Error::Lost { .. } | Error::Timeout { .. } | Error::ProxyHop { .. }
    );
    was_not_asked || (ask.is_repeatable() && gave_no_answer)
}
