//! The client, and the one function through which every request of the API goes.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use bytes::Bytes;
use http::header::HeaderMap;
use http::{HeaderValue, Method};
use percent_encoding::utf8_percent_encode;
use time::OffsetDateTime;

use crate::pve::auth::credentials::{ApiToken, Credentials, LoginTicket};
use crate::pve::auth::fresh_tokens;
use crate::pve::auth::session::Session;
use crate::pve::cluster::Reads;
use crate::pve::context::{Context, Stopped};
use crate::pve::error::classify::Raw;
use crate::pve::error::failure::{AuthFailure, Phase};
use crate::pve::error::response::RequestInfo;
use crate::pve::error::{Error, classify};
use crate::pve::net::clock::ServerClock;
use crate::pve::net::endpoint::Endpoint;
use crate::pve::net::nodes::Failover;
use crate::pve::net::reachability::Reachability;
use crate::pve::net::request::{Ask, Reply, SEGMENT};
use crate::pve::net::transport::Transport;
use crate::pve::settings::Settings;
use crate::pve::write_lock::WriteLock;

/// A client for one host or cluster. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    transport: Transport,
    failover: Failover,
    session: Session,
    write_lock: RwLock<WriteLock>,
    reads: Reads,
    reachability: Reachability,
    clock: ServerClock,
    /// The token that took the place of the configured one during this run.
    successor: RwLock<Option<ApiToken>>,
    /// Whether the server can give a token a new secret in place, once that is known.
    regenerates: OnceLock<bool>,
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

/// What proves the caller's identity on one request.
#[derive(Default)]
pub(crate) struct Proof {
    headers: HeaderMap,
    /// What a refusal will have refused.
    kind: Option<AuthFailure>,
    /// Which of the session's tickets it is.
    number: Option<u64>,
}

impl Proof {
    fn by_token(token: &ApiToken) -> Self {
        let mut proof = Self::default();
        proof.add("authorization", token.authorization().expose());
        proof.kind = Some(AuthFailure::Token);
        proof
    }

    fn by_ticket(login: &LoginTicket, ask: &Ask) -> Self {
        let ticket = utf8_percent_encode(login.ticket.expose(), SEGMENT);
        let mut proof = Self::default();
        proof.add("cookie", &format!("PVEAuthCookie={ticket}"));
        if ask.method != Method::GET {
            proof.add("csrfpreventiontoken", login.csrf.expose());
        }
        proof.kind = Some(AuthFailure::Ticket);
        proof
    }

    fn add(&mut self, name: &'static str, value: &str) {
        // Escaped text is always a valid header value, and CSRF tokens are base64.
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
    }
}

impl Client {
    /// A client that connects when it is first asked something. Does no I/O.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            settings,
            transport: Transport::default(),
            failover: Failover::default(),
            session: Session::default(),
            write_lock: RwLock::default(),
            reads: Reads::default(),
            reachability: Reachability::default(),
            clock: ServerClock::default(),
            successor: RwLock::default(),
            regenerates: OnceLock::new(),
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

    /// Goes on with this token, for when the configured one was just given another secret.
    pub fn continue_with(&self, token: ApiToken) {
        let mut successor = self
            .0
            .successor
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *successor = Some(token);
    }

    /// Now on the server's clock, as far as its latest answer told it; this machine's clock
    /// before the first.
    pub fn server_now(&self) -> OffsetDateTime {
        self.0.clock.now()
    }

    /// What the client was made from.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The lane in which this client's writes wait for each other.
    pub fn write_lock(&self) -> WriteLock {
        self.0
            .write_lock
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes this client and its clones write in another client's lane: for two endpoints that
    /// turn out to be one cluster. Writes that wait already keep their place in the old one.
    pub fn share_lane(&self, write_lock: WriteLock) {
        *self
            .0
            .write_lock
            .write()
            .unwrap_or_else(PoisonError::into_inner) = write_lock;
    }

    pub(crate) fn regenerates(&self) -> &OnceLock<bool> {
        &self.0.regenerates
    }

    pub(crate) fn reads(&self) -> &Reads {
        &self.0.reads
    }

    pub(crate) fn reachability(&self) -> &Reachability {
        &self.0.reachability
    }

    pub(crate) fn failover(&self) -> &Failover {
        &self.0.failover
    }

    pub(crate) fn session(&self) -> &Session {
        &self.0.session
    }

    /// Sends a request and returns the content of its answer. Every call of the API ends here.
    pub(crate) async fn ask(&self, ask: Ask, context: &Context) -> Result<Reply, Error> {
        if ask.is_read() {
            self.read(&ask, context).await
        } else {
            self.write(&ask, context).await
        }
    }

    /// A read is given up at once, and not begun where the host could not be reached before.
    async fn read(&self, ask: &Ask, context: &Context) -> Result<Reply, Error> {
        let work = async {
            let _first = self.reachability().first_attempt().await?;
            let proof = self.prove(ask).await?;
            self.send_until_known(ask, &proof, context).await
        };
        context
            .bound(work)
            .await
            .unwrap_or_else(|stopped| Err(self.stop(stopped, ask)))
    }

    /// A write waits for its turn and, once sent, runs to its end.
    async fn write(&self, ask: &Ask, context: &Context) -> Result<Reply, Error> {
        let write_lock = self.write_lock();
        let ready = async { Ok((write_lock.enter().await, self.prove(ask).await?)) };
        let (_turn, proof) = context
            .bound(ready)
            .await
            .unwrap_or_else(|stopped| Err(self.stop(stopped, ask)))?;
        let _stale = self.reads().outdate();
        self.send_until_unlocked(ask, &proof, context).await
    }

    async fn send_until_unlocked(
        &self,
        ask: &Ask,
        proof: &Proof,
        context: &Context,
    ) -> Result<Reply, Error> {
        let mut retries = self.settings().retries.held_lock;
        loop {
            match self.send_until_known(ask, proof, context).await {
                Err(Error::LockTimeout { .. }) if retries > 0 && !context.is_over() => {
                    tracing::info!(method = %ask.method, path = ask.path, "the cluster's lock is held by somebody else, trying again");
                    retries -= 1;
                }
                other => return other,
            }
        }
    }

    /// A token that was minted a moment ago may be refused by a node that has not heard of it.
    async fn send_until_known(
        &self,
        ask: &Ask,
        proof: &Proof,
        context: &Context,
    ) -> Result<Reply, Error> {
        loop {
            match self.send(ask, proof).await {
                Err(Error::Unauthenticated { .. })
                    if fresh_tokens::is_young(&self.settings().credentials)
                        && !context.is_over() =>
                {
                    tracing::info!(
                        path = ask.path,
                        "a new token is not known here yet, trying again"
                    );
                    tokio::time::sleep(fresh_tokens::PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn prove(&self, ask: &Ask) -> Result<Proof, Error> {
        if ask.anonymous {
            return Ok(Proof::default());
        }
        let ticket = match (self.account(), &self.settings().credentials) {
            (Some(account), _) => Some(self.ticket(account).await?),
            (None, Credentials::Ticket(login)) => Some(self.ticket_for(login).await?),
            (None, _) => None,
        };
        if let Some(ticket) = ticket {
            return Ok(Proof {
                number: Some(ticket.number),
                ..Proof::by_ticket(&ticket.login, ask)
            });
        }
        let successor = self
            .0
            .successor
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = successor.as_ref() {
            return Ok(Proof::by_token(token));
        }
        Ok(match &self.settings().credentials {
            Credentials::Token(token) => Proof::by_token(token),
            _ => Proof::default(),
        })
    }

    /// The page that the host shows to browsers, asked for without credentials: the one request
    /// that is none of the API's. `None` where there is no such page.
    ///
    /// # Errors
    /// Any [`Error`] of the way there.
    pub(crate) async fn front_page(&self, context: &Context) -> Result<Option<Bytes>, Error> {
        let ask = Ask::front_page();
        let line = self.line(&ask);
        let (transport, headers) = (&self.0.transport, HeaderMap::new());
        let asked = transport.exchange(self.settings(), self.endpoint(), &ask, &headers, &line);
        let raw = context.bound(asked).await;
        let raw = raw.unwrap_or_else(|stopped| Err(self.stop(stopped, &ask)));
        raw.map(|raw| (raw.status == 200).then_some(raw.body))
    }

    /// One exchange with one node, without retry. Others were `tried` before.
    pub(crate) async fn exchange(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        proof: &Proof,
        tried: &[String],
    ) -> Result<Reply, Error> {
        let line = RequestInfo {
            method: ask.method.clone(),
            endpoint: endpoint.to_string(),
            path: ask.path.clone(),
            tried: tried.to_vec(),
        };
        let transport = &self.0.transport;
        let raw = transport
            .exchange(self.settings(), endpoint, ask, &proof.headers, &line)
            .await?;
        if let Some(date) = raw.date {
            self.0.clock.set(date);
        }
        self.interpret(ask, proof, line, raw)
    }

    fn interpret(
        &self,
        ask: &Ask,
        proof: &Proof,
        request: RequestInfo,
        raw: Raw,
    ) -> Result<Reply, Error> {
        match classify::content(&request, &raw) {
            Some(data) => Ok(Reply {
                data: data?,
                server_time: raw.date.unwrap_or_else(OffsetDateTime::now_utc),
                fingerprint: raw.fingerprint,
                request,
            }),
            None if raw.status == 401 => Err(self.refused(proof, &request, &raw)),
            None => Err(classify::refusal(request, &raw, &ask.about)),
        }
    }

    fn refused(&self, proof: &Proof, request: &RequestInfo, raw: &Raw) -> Error {
        if let Some(number) = proof.number {
            self.session().forget(number);
        }
        Error::Unauthenticated {
            answer: Box::new(classify::answer(request.clone(), raw)),
            failure: proof.kind.unwrap_or(AuthFailure::Nothing),
            identity: self.0.settings.credentials.identity(),
        }
    }

    pub(crate) fn line(&self, ask: &Ask) -> RequestInfo {
        RequestInfo {
            method: ask.method.clone(),
            endpoint: self.endpoint().to_string(),
            path: ask.path.clone(),
            tried: Vec::new(),
        }
    }

    /// The error of a call that the caller stopped before its request was sent, or while it
    /// only read.
    pub(crate) fn stop(&self, stopped: Stopped, ask: &Ask) -> Error {
        let request = Box::new(self.line(ask));
        match stopped {
            Stopped::Cancelled => Error::Cancelled { request },
            Stopped::Deadline(after) => Error::Timeout {
                request,
                phase: Phase::Deadline,
                after,
            },
        }
    }
}
