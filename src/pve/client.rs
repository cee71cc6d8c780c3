//! The transport: settings, connections, and the one function through which every request goes.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::{CONTENT_TYPE, DATE, HeaderMap};
use http::{HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::{Url, form_urlencoded};

use super::call::{Call, Stopped};
use super::classify::{self, Raw};
use super::error::{AuthFailure, Error, Phase, RequestLine};
use super::lane::Lane;
use super::reads::Reads;
use super::session::{Account, Session};
use super::{Credentials, Endpoint, Fingerprint, TlsPolicy, TokenId, UserId};

/// Answers are held in memory; the longest recorded one, all users with their tokens, has 110 kB.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The server closes idle connections after five seconds.
const IDLE: Duration = Duration::from_secs(4);

/// The longest that a connection may take, when the request timeout leaves more.
const MAX_CONNECT: Duration = Duration::from_secs(10);

/// How often a write is repeated that met the cluster's lock held for ten seconds.
const LOCK_RETRIES: usize = 2;

/// What RFC 3986 calls unreserved stays, all else is escaped: user names may hold nearly
/// anything (recordings `358-username-plus` to `369-username-question`).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Everything a client is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the host listens.
    pub endpoint: Endpoint,
    /// Who asks.
    pub credentials: Credentials,
    /// Whom to trust.
    pub tls: TlsPolicy,
    /// The longest that one request may take, connection included.
    pub request_timeout: Duration,
    /// What the client calls itself.
    pub user_agent: String,
}

impl Settings {
    /// The certificate verified against the machine's roots, and 30 seconds for a request.
    pub fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            endpoint,
            credentials,
            tls: TlsPolicy::default(),
            request_timeout: Duration::from_secs(30),
            user_agent: concat!("terraform-provider-proxmox/", env!("CARGO_PKG_VERSION"))
                .to_owned(),
        }
    }
}

/// A client for one host. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    http: OnceLock<reqwest::Client>,
    session: Session,
    lane: RwLock<Lane>,
    reads: Reads,
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

/// One request before it is sent.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(super) method: Method,
    path: String,
    query: Option<String>,
    form: Option<String>,
    anonymous: bool,
    pub(super) about: About,
}

/// What a request is about, so that a refusal can be told as one of that token, user or role.
#[derive(Clone, Default)]
pub(super) struct About {
    pub(super) token: Option<TokenId>,
    pub(super) user: Option<UserId>,
    pub(super) role: Option<String>,
}

impl Ask {
    fn new<S: AsRef<str>>(method: Method, segments: &[S]) -> Self {
        let path = segments
            .iter()
            .map(|segment| format!("/{}", utf8_percent_encode(segment.as_ref(), SEGMENT)))
            .collect();
        Self {
            method,
            path,
            query: None,
            form: None,
            anonymous: false,
            about: About::default(),
        }
    }

    pub(crate) fn get<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(Method::GET, segments)
    }

    pub(crate) fn post<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(Method::POST, segments)
    }

    pub(crate) fn put<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(Method::PUT, segments)
    }

    pub(crate) fn delete<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.query = Some(
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish(),
        );
        self
    }

    pub(crate) fn form<V: AsRef<str>>(mut self, pairs: &[(&str, V)]) -> Self {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(pairs.iter().map(|(name, value)| (name, value.as_ref())));
        self.form = Some(body.finish());
        self
    }

    /// Sent without credentials, whatever the client has.
    pub(crate) fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    pub(crate) fn about_token(mut self, token: &TokenId) -> Self {
        self.about.token = Some(token.clone());
        self.about.user = Some(token.user.clone());
        self
    }

    pub(crate) fn about_user(mut self, user: &UserId) -> Self {
        self.about.user = Some(user.clone());
        self
    }

    pub(crate) fn about_role(mut self, role: &str) -> Self {
        self.about.role = Some(role.to_owned());
        self
    }

    fn is_read(&self) -> bool {
        self.method == Method::GET
    }
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Reply {
    request: RequestLine,
    data: Value,
    /// The server's clock, or this machine's where the server sent no date.
    pub(crate) server_time: OffsetDateTime,
    /// The certificate that the server presented on this connection.
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl Reply {
    /// The content as `T`.
    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.decode_with(Ok)
    }

    /// The content as `T`, turned into something that `read` may find fault with.
    pub(crate) fn decode_with<T: DeserializeOwned, U>(
        self,
        read: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<U, Error> {
        // Positions and expectations only: serde quotes offending values in some messages.
        let content = serde_json::from_value(self.data)
            .map_err(|_| "its content does not have the documented form".to_owned());
        content.and_then(read).map_err(|detail| Error::Decode {
            request: Box::new(self.request),
            detail,
        })
    }
}

/// What proves the caller's identity on one request.
#[derive(Default)]
pub(super) struct Proof {
    pub(super) headers: HeaderMap,
    pub(super) ticket: Option<u64>,
}

impl Client {
    /// A client that connects when it is first asked something. Does no I/O.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            settings,
            http: OnceLock::new(),
            session: Session::default(),
            lane: RwLock::default(),
            reads: Reads::default(),
        }))
    }

    /// What the client was made from.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The lane in which this client's writes wait for each other.
    pub fn lane(&self) -> Lane {
        self.0
            .lane
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes this client and its clones write in another client's lane: for two endpoints that
    /// turn out to be one cluster. Writes that wait already keep their place in the old one.
    pub fn share_lane(&self, lane: Lane) {
        *self.0.lane.write().unwrap_or_else(PoisonError::into_inner) = lane;
    }

    pub(super) fn reads(&self) -> &Reads {
        &self.0.reads
    }

    pub(super) fn session(&self) -> &Session {
        &self.0.session
    }

    /// Sends a request and returns the content of its answer. Every call ends here.
    pub(crate) async fn ask(&self, ask: Ask, call: &Call) -> Result<Reply, Error> {
        if ask.is_read() {
            self.read(&ask, call).await
        } else {
            self.write(&ask, call).await
        }
    }

    /// A read is given up at once. It is repeated once if its connection broke: most often the
    /// server had closed an idle one in the same moment.
    async fn read(&self, ask: &Ask, call: &Call) -> Result<Reply, Error> {
        let work = async {
            let proof = self.prove(ask).await?;
            match self.send(ask, &proof).await {
                Err(Error::Lost { .. }) => self.send(ask, &proof).await,
                other => other,
            }
        };
        call.bound(work)
            .await
            .unwrap_or_else(|stopped| Err(self.stop(stopped, ask)))
    }

    /// A write waits for its turn and, once sent, runs to its end.
    async fn write(&self, ask: &Ask, call: &Call) -> Result<Reply, Error> {
        let lane = self.lane();
        let ready = async { Ok((lane.enter().await, self.prove(ask).await?)) };
        let (_turn, proof) = call
            .bound(ready)
            .await
            .unwrap_or_else(|stopped| Err(self.stop(stopped, ask)))?;
        self.reads().forget();
        let answer = self.send_until_unlocked(ask, &proof, call).await;
        self.reads().forget();
        answer
    }

    async fn send_until_unlocked(
        &self,
        ask: &Ask,
        proof: &Proof,
        call: &Call,
    ) -> Result<Reply, Error> {
        let mut retries = LOCK_RETRIES;
        loop {
            match self.send(ask, proof).await {
                Err(Error::LockTimeout { .. }) if retries > 0 && !call.is_over() => {
                    tracing::info!(method = %ask.method, path = ask.path, "the cluster's lock is held by somebody else, trying again");
                    retries -= 1;
                }
                other => return other,
            }
        }
    }

    async fn prove(&self, ask: &Ask) -> Result<Proof, Error> {
        let mut proof = Proof::default();
        if ask.anonymous {
            return Ok(proof);
        }
        match &self.0.settings.credentials {
            Credentials::None => {}
            Credentials::Token(token) => {
                let authorization = token.authorization();
                insert_sensitive(&mut proof.headers, "authorization", authorization.expose());
            }
            Credentials::Password {
                user,
                password,
                totp,
            } => {
                let account = Account {
                    user: user.clone(),
                    password: password.clone(),
                    totp: totp.clone(),
                };
                self.prove_by_ticket(ask, account, &mut proof).await?;
            }
        }
        Ok(proof)
    }

    async fn prove_by_ticket(
        &self,
        ask: &Ask,
        account: Account,
        proof: &mut Proof,
    ) -> Result<(), Error> {
        let ticket = self.ticket(account).await?;
        let cookie = format!(
            "PVEAuthCookie={}",
            utf8_percent_encode(ticket.text.expose(), SEGMENT)
        );
        insert_sensitive(&mut proof.headers, "cookie", &cookie);
        if !ask.is_read() {
            insert_sensitive(
                &mut proof.headers,
                "csrfpreventiontoken",
                ticket.csrf.expose(),
            );
        }
        proof.ticket = Some(ticket.number);
        Ok(())
    }

    /// One exchange, without retry.
    pub(super) async fn send(&self, ask: &Ask, proof: &Proof) -> Result<Reply, Error> {
        let request = self.line(ask);
        let begun = Instant::now();
        let outcome = tokio::time::timeout(
            self.0.settings.request_timeout,
            self.exchange(ask, proof, &request),
        )
        .await
        .unwrap_or_else(|_| Err(self.timed_out(&request, Phase::Answer)));
        let (status, elapsed_ms) = match &outcome {
            Ok(raw) => (Some(raw.status), begun.elapsed().as_millis()),
            Err(_) => (None, begun.elapsed().as_millis()),
        };
        tracing::debug!(method = %request.method, path = request.path, endpoint = request.endpoint, status, elapsed_ms, "asked Proxmox VE");
        self.interpret(ask, proof, request, outcome?)
    }

    fn interpret(
        &self,
        ask: &Ask,
        proof: &Proof,
        request: RequestLine,
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

    fn refused(&self, proof: &Proof, request: &RequestLine, raw: &Raw) -> Error {
        if let Some(number) = proof.ticket {
            self.session().forget(number);
        }
        let failure = match (proof.ticket, proof.headers.is_empty()) {
            (Some(_), _) => AuthFailure::Ticket,
            (None, true) => AuthFailure::Nothing,
            (None, false) => AuthFailure::Token,
        };
        Error::Unauthenticated {
            answer: Box::new(classify::answer(request.clone(), raw)),
            failure,
            identity: self.0.settings.credentials.identity(),
        }
    }

    async fn exchange(&self, ask: &Ask, proof: &Proof, line: &RequestLine) -> Result<Raw, Error> {
        let failed = |error| {
            classify::transport(
                line,
                &error,
                self.0.settings.request_timeout,
                self.connect_timeout(),
            )
        };
        let mut request = self
            .http(line)?
            .request(ask.method.clone(), self.url(ask))
            .headers(proof.headers.clone());
        if let Some(form) = &ask.form {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
        }
        let mut response = request.send().await.map_err(failed)?;
        let too_large = || Error::TooLarge {
            request: Box::new(line.clone()),
            limit: MAX_ANSWER,
        };
        if response
            .content_length()
            .is_some_and(|length| length > MAX_ANSWER as u64)
        {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(too_large());
            }
        }
        Ok(Raw::new(&response, body.freeze(), date(response.headers())))
    }

    /// Made when first needed: reading the machine's certificate authorities takes a moment.
    fn http(&self, line: &RequestLine) -> Result<&reqwest::Client, Error> {
        if let Some(http) = self.0.http.get() {
            return Ok(http);
        }
        let failed = |detail: String| Error::Setup {
            request: Box::new(line.clone()),
            detail,
        };
        let tls = self
            .0
            .settings
            .tls
            .client_config()
            .map_err(|error| failed(error.to_string()))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .tls_info(true)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_idle_timeout(IDLE)
            .connect_timeout(self.connect_timeout())
            .user_agent(&self.0.settings.user_agent)
            .build()
            .map_err(|error| failed(error.without_url().to_string()))?;
        Ok(self.0.http.get_or_init(|| http))
    }

    /// Half of the request timeout at most, so that a connection that does not come about is
    /// told from an answer that does not.
    fn connect_timeout(&self) -> Duration {
        MAX_CONNECT.min(self.0.settings.request_timeout / 2)
    }

    fn url(&self, ask: &Ask) -> Url {
        let mut url = self.0.settings.endpoint.api_url();
        // Already percent-encoded: `set_path` leaves escapes as they are.
        let path = format!("{}{}", url.path().trim_end_matches('/'), ask.path);
        url.set_path(&path);
        url.set_query(ask.query.as_deref());
        url
    }

    pub(super) fn line(&self, ask: &Ask) -> RequestLine {
        RequestLine {
            method: ask.method.clone(),
            endpoint: self.0.settings.endpoint.to_string(),
            path: ask.path.clone(),
        }
    }

    fn stop(&self, stopped: Stopped, ask: &Ask) -> Error {
        let request = self.line(ask);
        match stopped {
            Stopped::Cancelled => Error::Cancelled {
                request: Box::new(request),
            },
            Stopped::Deadline => self.timed_out(&request, Phase::Turn),
        }
    }

    /// The error of a call that was stopped while it waited for somebody else's request.
    pub(super) fn stopped(&self, stopped: Stopped, method: Method, segments: &[&str]) -> Error {
        self.stop(stopped, &Ask::new(method, segments))
    }

    fn timed_out(&self, request: &RequestLine, phase: Phase) -> Error {
        Error::Timeout {
            request: Box::new(request.clone()),
            phase,
            after: self.0.settings.request_timeout,
        }
    }
}

fn insert_sensitive(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // Escaped text is always a valid header value; CSRF tokens are base64.
    if let Ok(mut value) = HeaderValue::from_str(value) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

fn date(headers: &HeaderMap) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(headers.get(DATE)?.to_str().ok()?, &Rfc2822).ok()
}
