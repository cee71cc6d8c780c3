//! The nodes of a cluster, and the choice among them.
//!
//! Any node answers for the whole cluster, so when one cannot be reached the next is asked. Two
//! things must not happen on the way: a write that may have taken effect is not sent again, and
//! what was just written is not read from a node that does not know of it yet. So a write moves on
//! only where it certainly changed nothing, and after it everything stays with the node that took
//! it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::HeaderMap;
use time::OffsetDateTime;
use tokio::sync::MutexGuard;

use crate::pve::error::{Error, ErrorKind};
use crate::pve::net::clock::{ClockDifference, ServerClock};
use crate::pve::net::endpoint::Endpoint;
use crate::pve::net::reachability::Reachability;
use crate::pve::net::request::{Proof, Request};
use crate::pve::net::response::Response;
use crate::pve::net::transport::Transport;
use crate::pve::net::{classify, retry};

/// The nodes of one cluster by their places in the settings.
pub(crate) struct Nodes {
    first: Endpoint,
    others: Vec<Endpoint>,
    transport: Transport,
    /// The number of repetitions of a read whose connection broke.
    lost_read_retries: u32,
    /// The node that responded last.
    in_use: AtomicUsize,
    /// The node that took a write.
    wrote: OnceLock<usize>,
    reachability: Reachability,
    clock: ServerClock,
}

impl Nodes {
    pub(crate) fn new(
        first: Endpoint,
        others: Vec<Endpoint>,
        lost_read_retries: u32,
        transport: Transport,
    ) -> Self {
        Self {
            first,
            others,
            transport,
            lost_read_retries,
            in_use: AtomicUsize::default(),
            wrote: OnceLock::new(),
            reachability: Reachability::default(),
            clock: ServerClock::default(),
        }
    }

    /// The node that takes requests at present.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.node(self.in_use())
    }

    /// The node that the settings name first.
    pub(crate) fn first(&self) -> &Endpoint {
        &self.first
    }

    /// The time on the server's clock, by its latest response; on this machine's before the first.
    pub(crate) fn clock_difference(&self) -> Option<ClockDifference> {
        self.clock.difference()
    }

    pub(crate) fn server_now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Waits for the first read to get through, as [`Reachability::first_attempt`] says.
    pub(crate) async fn first_attempt(&self) -> Result<Option<MutexGuard<'_, ()>>, Error> {
        self.reachability.first_attempt().await
    }

    /// Sends a request to the node in use, and to the others in turn where that is safe.
    pub(crate) async fn send(&self, request: &Request, proof: &Proof) -> Result<Response, Error> {
        let (mut node, mut others) = self.order();
        let mut tried = Vec::new();
        loop {
            let endpoint = self.node(node);
            let outcome = self.send_to(endpoint, request, proof, &tried).await;
            let next = match &outcome {
                Err(error) if may_move_on(request, error) => others.next(),
                _ => None,
            };
            let Some(next) = next else {
                self.note(node, &outcome);
                return outcome;
            };
            tracing::warn!(
                endpoint = %endpoint,
                next = %self.node(next),
                path = request.path,
                "A node cannot be reached, trying the next one"
            );
            tried.push(endpoint.to_string());
            node = next;
        }
    }

    /// The page that the host shows to browsers, requested without credentials: the one request
    /// outside the API. `None` where there is no such page.
    pub(crate) async fn front_page(&self) -> Result<Option<Bytes>, Error> {
        let (request, endpoint) = (Request::front_page(), self.endpoint());
        let (info, headers) = (request.info(endpoint, &[]), HeaderMap::new());
        let exchange = self.transport.exchange(endpoint, &request, &headers, &info);
        let raw = exchange.await?;
        Ok((raw.status == 200).then_some(raw.body))
    }

    fn node(&self, number: usize) -> &Endpoint {
        let others = number.checked_sub(1);
        let other = others.and_then(|number| self.others.get(number));
        other.unwrap_or(&self.first)
    }

    fn in_use(&self) -> usize {
        let answered = self.in_use.load(Ordering::Relaxed);
        self.wrote.get().copied().unwrap_or(answered)
    }

    /// The node to ask, and those to ask after it.
    fn order(&self) -> (usize, impl Iterator<Item = usize> + use<>) {
        let first = self.in_use();
        let nodes = match self.wrote.get() {
            Some(_) => 0,
            None => 1 + self.others.len(),
        };
        (first, (first + 1..nodes).chain(0..first.min(nodes)))
    }

    fn note(&self, node: usize, outcome: &Result<Response, Error>) {
        self.in_use.store(node, Ordering::Relaxed);
        let took_a_write = match outcome {
            Ok(response) => response.request.is_write(),
            Err(error) => error.may_have_taken_effect(),
        };
        if took_a_write {
            // The first one stays: a second can only be the same.
            let _ = self.wrote.set(node);
        }
        self.reachability.note(outcome);
    }

    async fn send_to(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        proof: &Proof,
        tried: &[String],
    ) -> Result<Response, Error> {
        let repetitions = match request.is_read() {
            true => self.lost_read_retries,
            false => 0,
        };
        for repetition in 1..=repetitions {
            let outcome = self.exchange(endpoint, request, proof, tried).await;
            let Err(error) = &outcome else {
                return outcome;
            };
            if retry::before_read(repetition, error).await.is_none() {
                return outcome;
            }
        }
        self.exchange(endpoint, request, proof, tried).await
    }

    /// One exchange with one node, without retry.
    async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        proof: &Proof,
        tried: &[String],
    ) -> Result<Response, Error> {
        let info = request.info(endpoint, tried);
        let exchange = self
            .transport
            .exchange(endpoint, request, &proof.headers, &info);
        let raw = exchange.await?;
        let believed = raw.date.and_then(|date| self.clock.note(date));
        match classify::content(&info, &raw, &request.about, proof) {
            Ok(body) => Ok(Response {
                body,
                date: raw.date,
                server_time: believed.unwrap_or_else(OffsetDateTime::now_utc),
                fingerprint: raw.fingerprint,
                request: info,
            }),
            Err(kind) => Err(Error::new(info, kind)),
        }
    }
}

/// Whether another node may take the same request: this one did not, or taking it twice is no
/// harm.
fn may_move_on(request: &Request, error: &Error) -> bool {
    // 595 says that nothing was there to do it (recording `440-pvedaemon-down`).
    let was_not_taken = error.is_unreachable()
        || matches!(&error.kind, ErrorKind::ProxyHop { refusal } if refusal.status == 595);
    let got_no_response = matches!(
        error.kind,
        ErrorKind::Lost { .. }
            | ErrorKind::Timeout { .. }
            | ErrorKind::ProxyHop { .. }
            | ErrorKind::Gateway { .. }
    );
    was_not_taken || (request.is_repeatable() && got_no_response)
}
