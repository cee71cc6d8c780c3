//! The client: reads and writes of one cluster, with the identity of one credential.
//!
//! A request enters here once. A read is sent as it is; a write waits for its turn and moves the
//! write epoch, by which a reader that keeps responses knows that they may be out of date.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use time::OffsetDateTime;

use crate::pve::auth::credentials::{ApiToken, Credentials, LoginTicket};
use crate::pve::auth::session::Session;
use crate::pve::auth::{fresh_tokens, login};
use crate::pve::context::{Context, Stopped};
use crate::pve::error::failure::Phase;
use crate::pve::error::request::RequestKind;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::net::clock::ClockDifference;
use crate::pve::net::endpoint::Endpoint;
use crate::pve::net::nodes::Nodes;
use crate::pve::net::request::{Proof, Request};
use crate::pve::net::response::Response;
use crate::pve::net::transport::{Transport, TransportSettings};
use crate::pve::secret::Secret;
use crate::pve::settings::Settings;
use crate::pve::write_lock::WriteLock;

/// A client for one host or cluster. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    nodes: Arc<Nodes>,
    session: Arc<Session>,
    write_lock: RwLock<WriteLock>,
    write_epoch: AtomicU64,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Client({} as {})",
            self.0.settings.endpoint, self.0.settings.credentials
        )
    }
}

impl Client {
    /// A client that connects when it sends its first request. Does no I/O.
    pub fn new(settings: Settings) -> Self {
        let transport = Transport::new(TransportSettings {
            tls: settings.tls.clone(),
            proxy: settings.proxy.clone(),
            headers: settings.headers.clone(),
            request_timeout: settings.request_timeout,
            user_agent: settings.user_agent.clone(),
        });
        let nodes = Arc::new(Nodes::new(
            settings.endpoint.clone(),
            settings.other_endpoints.clone(),
            settings.retries.lost_read,
            transport,
        ));
        let session = Session::new(settings.credentials.clone(), Arc::clone(&nodes));
        Self(Arc::new(Inner {
            settings,
            nodes,
            session: Arc::new(session),
            write_lock: RwLock::default(),
            write_epoch: AtomicU64::default(),
        }))
    }

    /// A client for the same host that proves its identity with another token.
    #[must_use]
    pub fn with_token(&self, token: ApiToken) -> Self {
        Self::new(Settings {
            credentials: Credentials::Token(token),
            ..self.settings().clone()
        })
    }

    /// Replaces the configured token by this one, when it was just given another secret.
    pub fn continue_with(&self, token: ApiToken) {
        self.0.session.continue_with(token);
    }

    /// The settings that the client was made from.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The node that takes requests at present.
    pub fn endpoint(&self) -> &Endpoint {
        self.0.nodes.endpoint()
    }

    /// The time on the server's clock, by its latest response; on this machine's before the first.
    pub fn server_now(&self) -> OffsetDateTime {
        self.0.nodes.server_now()
    }

    /// How far the server's clock is from this machine's, by its latest response, if by more than
    /// five minutes.
    pub fn clock_difference(&self) -> Option<ClockDifference> {
        self.0.nodes.clock_difference()
    }

    /// The lock that this client's writes wait for.
    pub fn write_lock(&self) -> WriteLock {
        let write_lock = self.0.write_lock.read();
        write_lock.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes this client and its clones wait for another client's lock: for two endpoints that
    /// turn out to be one cluster. Writes that wait already keep their place at the old one.
    pub fn share_write_lock(&self, shared: WriteLock) {
        let write_lock = self.0.write_lock.write();
        *write_lock.unwrap_or_else(PoisonError::into_inner) = shared;
    }

    /// The count of beginnings and ends of writes. A response from an earlier epoch may be of
    /// before a write.
    pub(crate) fn write_epoch(&self) -> u64 {
        self.0.write_epoch.load(Ordering::SeqCst)
    }

    /// Whether the next request would use up a one-time code, since no login was made yet.
    pub fn would_spend_a_code(&self) -> bool {
        self.0.session.would_spend_a_code()
    }

    /// The login behind this client, made now if it was not before: for another program that
    /// needs a ticket. `None` where the credentials are a token or nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`], [`ErrorKind::SecondFactorRequired`], and any other failure
    /// of a request.
    pub async fn log_in(&self, context: &Context) -> Result<Option<LoginTicket>, Error> {
        let login = login::request(RequestKind::Login);
        self.bounded(context, &login, self.0.session.log_in(None))
            .await
    }

    /// As [`Client::log_in`], with a one-time code that a person typed: `123456` from an app, or
    /// `recovery:` and one of the account's recovery keys. This client then stays logged in for as
    /// long as its ticket can be renewed.
    ///
    /// # Errors
    /// As [`Client::log_in`].
    pub async fn log_in_with_code(
        &self,
        code: &Secret,
        context: &Context,
    ) -> Result<Option<LoginTicket>, Error> {
        let login = login::request(RequestKind::CodeLogin);
        self.bounded(context, &login, self.0.session.log_in(Some(code)))
            .await
    }

    /// Sends a request and returns the content of its response.
    pub(crate) async fn send(
        &self,
        request: Request,
        context: &Context,
    ) -> Result<Response, Error> {
        match request.kind {
            RequestKind::Write => self.write(&request, context).await,
            _ => self.read(&request, context).await,
        }
    }

    /// The page that the host shows to browsers. `None` where there is no such page.
    ///
    /// # Errors
    /// Any [`Error`] of the way there.
    pub(crate) async fn front_page(&self, context: &Context) -> Result<Option<Bytes>, Error> {
        let page = self.0.nodes.front_page();
        self.bounded(context, &Request::front_page(), page).await
    }

    /// Ends `work` when the caller cancels it or its deadline passes, with an error of `request`.
    pub(crate) async fn bounded<T>(
        &self,
        context: &Context,
        request: &Request,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let outcome = context.bound(work).await;
        outcome.unwrap_or_else(|stopped| {
            let kind = match stopped {
                Stopped::Cancelled => ErrorKind::Cancelled,
                Stopped::Deadline(after) => ErrorKind::Timeout {
                    phase: Phase::Deadline,
                    after,
                },
            };
            Err(Error::new(request.info(self.endpoint(), &[]), kind))
        })
    }

    /// A read ends at once when it is cancelled, and does not begin where the host could not be
    /// reached before.
    async fn read(&self, request: &Request, context: &Context) -> Result<Response, Error> {
        let work = async {
            let _first = self.0.nodes.first_attempt().await?;
            let proof = self.0.session.prove(request).await?;
            self.send_until_known(request, &proof, context).await
        };
        self.bounded(context, request, work).await
    }

    /// A write waits for its turn and, once sent, runs to its end.
    async fn write(&self, request: &Request, context: &Context) -> Result<Response, Error> {
        let write_lock = self.write_lock();
        let ready = async {
            let turn = write_lock.enter(context.goes_first).await;
            Ok((turn, self.0.session.prove(request).await?))
        };
        let (_turn, proof) = self.bounded(context, request, ready).await?;
        let _epoch = WriteEpoch::begin(&self.0.write_epoch);
        self.send_until_unlocked(request, &proof, context).await
    }

    async fn send_until_unlocked(
        &self,
        request: &Request,
        proof: &Proof,
        context: &Context,
    ) -> Result<Response, Error> {
        let mut retries = self.settings().retries.held_lock;
        loop {
            let outcome = self.send_until_known(request, proof, context).await;
            match outcome {
                Err(Error {
                    kind: ErrorKind::LockTimeout { .. },
                    ..
                }) if retries > 0 && !context.is_over() => {
                    tracing::info!(
                        method = %request.method,
                        path = request.path,
                        "Another writer holds the lock of the cluster, trying again"
                    );
                    retries -= 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// A token that was minted a moment ago may be refused by a node that does not know it yet.
    async fn send_until_known(
        &self,
        request: &Request,
        proof: &Proof,
        context: &Context,
    ) -> Result<Response, Error> {
        loop {
            let outcome = self.0.nodes.send(request, proof).await;
            let refused = outcome
                .as_ref()
                .is_err_and(|error| matches!(error.kind, ErrorKind::Unauthenticated { .. }));
            if let Some(ticket) = proof.ticket.filter(|_| refused) {
                self.0.session.forget(ticket);
            }
            let is_fresh = fresh_tokens::is_fresh(&self.settings().credentials);
            if !refused || !is_fresh || context.is_over() {
                return outcome;
            }
            tracing::info!(
                path = request.path,
                "The node does not know a new token yet, trying again"
            );
            tokio::time::sleep(fresh_tokens::PAUSE).await;
        }
    }

    /// Lets the ticket look as old as one that is due for renewal.
    #[cfg(test)]
    pub(crate) fn age_ticket(&self) {
        self.0.session.age();
    }
}

/// A write in progress. The epoch moves before it and again when it ends, however it ends: what is
/// read meanwhile may be of before it.
struct WriteEpoch<'a>(&'a AtomicU64);

impl<'a> WriteEpoch<'a> {
    fn begin(epoch: &'a AtomicU64) -> Self {
        epoch.fetch_add(1, Ordering::SeqCst);
        Self(epoch)
    }
}

impl Drop for WriteEpoch<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
