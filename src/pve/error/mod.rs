//! Every failure between a request and its response.
//!
//! An [`Error`] is the request that failed (never a query value, never a body) and the
//! [`ErrorKind`] of the failure, with the server's words where it responded.
//! [`Error::may_have_taken_effect`] tells a write that certainly changed nothing from one that may
//! have: only the former may be repeated.

pub mod failure;
pub mod refusal;
pub mod request;

use std::fmt;
use std::time::Duration;

use crate::pve::error::failure::{AuthFailure, Phase, ProxyFailure};
use crate::pve::error::refusal::Refusal;
use crate::pve::error::request::RequestInfo;
use crate::pve::id::{TokenId, UserId};
use crate::pve::progress::Step;
use crate::pve::tls::failure::TlsFailure;

/// The failure of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The request that failed.
    pub request: Box<RequestInfo>,
    /// The kind of the failure.
    pub kind: ErrorKind,
}

/// The kinds of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The host name does not resolve.
    Dns {
        /// The resolver's words.
        detail: String,
    },
    /// No process listens on the port.
    Refused,
    /// No connection for another reason: no route, a reset during the handshake.
    Connect {
        /// The system's words.
        detail: String,
    },
    /// The forward proxy does not lead to the host.
    Proxy {
        /// The proxy's host and port.
        proxy: String,
        /// The proxy's failure.
        failure: ProxyFailure,
    },
    /// Time ran out.
    Timeout {
        /// The step that did not end in time.
        phase: Phase,
        /// The time limit.
        after: Duration,
    },
    /// The TLS handshake failed.
    Tls {
        /// The cause.
        failure: TlsFailure,
    },
    /// The port responds, but not in TLS.
    PlainHttp,
    /// The connection broke after the server may have read the request.
    Lost {
        /// The words of the connection's end.
        detail: String,
    },
    /// A server responded that is not Proxmox VE.
    NotProxmox {
        /// The evidence.
        detail: String,
    },
    /// The server refused the credential. Never retried.
    Unauthenticated {
        /// The server's words.
        refusal: Box<Refusal>,
        /// The credential that was refused.
        failure: AuthFailure,
        /// The user or token that the credential belongs to.
        identity: Option<String>,
    },
    /// The account has a second factor, for which the client has neither seed nor code.
    SecondFactorRequired {
        /// The account.
        user: UserId,
        /// The kinds of factor that the server accepts: `totp`, `recovery`, `webauthn`, …
        factors: Vec<String>,
    },
    /// The clocks of the host and of this machine differ by so much that no one-time code was sent:
    /// a code for another time than now could be kept and used later.
    ClocksDiffer {
        /// How far the host's clock is ahead; negative if it is behind.
        ahead: time::Duration,
    },
    /// A gateway in front of the host responded in its place, with a status that Proxmox VE itself
    /// never sends.
    Gateway {
        /// Its words.
        refusal: Box<Refusal>,
        /// How long it asks to wait before the request is repeated.
        retry_after: Option<Duration>,
    },
    /// The credential is valid and lacks a privilege; the message often names it.
    Forbidden {
        /// The server's words.
        refusal: Box<Refusal>,
    },
    /// The token does not exist.
    NoSuchToken {
        /// The server's words.
        refusal: Box<Refusal>,
        /// The token.
        token: TokenId,
    },
    /// The user does not exist.
    NoSuchUser {
        /// The server's words.
        refusal: Box<Refusal>,
        /// The user.
        user: UserId,
    },
    /// The role does not exist.
    NoSuchRole {
        /// The server's words.
        refusal: Box<Refusal>,
        /// The role.
        role: String,
    },
    /// A token of that name exists.
    TokenExists {
        /// The server's words.
        refusal: Box<Refusal>,
        /// The token.
        token: TokenId,
    },
    /// The server refused a parameter before it did anything.
    ParameterErrors {
        /// The server's words, for each parameter.
        refusal: Box<Refusal>,
    },
    /// Another writer held the cluster-wide lock for ten seconds; nothing changed
    /// (recording `438-lock-held`).
    LockTimeout {
        /// The server's words.
        refusal: Box<Refusal>,
    },
    /// The node has lost its cluster, and its configuration is read-only.
    NoQuorum {
        /// The server's words.
        refusal: Box<Refusal>,
    },
    /// The node's own proxy could not reach the daemon or the other node that should have
    /// responded (595 and 596, recordings `440-pvedaemon-down` and `441-pvedaemon-hung`). It says
    /// nothing about the way between this client and the node.
    ProxyHop {
        /// The server's words.
        refusal: Box<Refusal>,
    },
    /// Any other refusal.
    Api {
        /// The server's words.
        refusal: Box<Refusal>,
    },
    /// The request succeeded, and its response does not have the documented form.
    Decode {
        /// The fault, without the response's text.
        detail: String,
    },
    /// The response is longer than the client accepts.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The caller cancelled the request. A write that was sent is never cancelled.
    Cancelled,
    /// The TLS settings cannot be used on this machine.
    Setup {
        /// The TLS library's words.
        detail: String,
    },
}

impl Error {
    /// A failure of a request.
    pub(crate) fn new(request: RequestInfo, kind: ErrorKind) -> Self {
        Self {
            request: Box::new(request),
            kind,
        }
    }

    /// The server's refusal, where the server responded with one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            ErrorKind::Unauthenticated { refusal, .. }
            | ErrorKind::Forbidden { refusal }
            | ErrorKind::NoSuchToken { refusal, .. }
            | ErrorKind::NoSuchUser { refusal, .. }
            | ErrorKind::NoSuchRole { refusal, .. }
            | ErrorKind::TokenExists { refusal, .. }
            | ErrorKind::ParameterErrors { refusal }
            | ErrorKind::LockTimeout { refusal }
            | ErrorKind::NoQuorum { refusal }
            | ErrorKind::ProxyHop { refusal }
            | ErrorKind::Gateway { refusal, .. }
            | ErrorKind::Api { refusal } => Some(refusal),
            _ => None,
        }
    }

    /// Whether the server does not have the role that the request was about.
    pub fn is_missing_role(&self) -> bool {
        matches!(self.kind, ErrorKind::NoSuchRole { .. })
    }

    /// Whether this is a write that may have changed something although no definite response came
    /// back: the server read its request, or may have. Such a request must not be repeated before
    /// the object has been read (recording `441-pvedaemon-hung`: the token exists, its secret is
    /// lost).
    pub fn may_have_taken_effect(&self) -> bool {
        let unclear = match &self.kind {
            ErrorKind::Timeout { phase, .. } => *phase == Phase::Response,
            ErrorKind::Lost { .. }
            | ErrorKind::Decode { .. }
            | ErrorKind::TooLarge { .. }
            // Whoever responded on the way may have passed the request on.
            | ErrorKind::NotProxmox { .. }
            | ErrorKind::Gateway { .. } => true,
            ErrorKind::ProxyHop { refusal } => refusal.status != 595,
            ErrorKind::Api { refusal } => refusal.status >= 500 && !refusal.is_definite(),
            _ => false,
        };
        unclear && self.request.is_write()
    }

    /// Whether the token of the request, or its user, does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::NoSuchToken { .. } | ErrorKind::NoSuchUser { .. }
        )
    }

    /// Whether the server is too old to know this parameter. It says so before anything happens
    /// (recording `012-update-regenerate` of `8.2.2-http5.1.2` and `9.0.7`).
    pub fn is_unknown_parameter(&self, parameter: &str) -> bool {
        matches!(&self.kind, ErrorKind::ParameterErrors { refusal }
            if refusal.errors.get(parameter).is_some_and(|text| text.contains("not defined in schema")))
    }

    /// Whether the host could not be reached at all, so that another request soon is pointless.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Dns { .. }
                | ErrorKind::Refused
                | ErrorKind::Connect { .. }
                | ErrorKind::Proxy { .. }
                | ErrorKind::Timeout {
                    phase: Phase::Connect(_),
                    ..
                }
        )
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.request;
        match &self.kind {
            ErrorKind::Unauthenticated {
                refusal,
                failure,
                identity,
            } => f.write_str(&unauthenticated(request, refusal, failure, identity)),
            ErrorKind::Forbidden { refusal }
            | ErrorKind::ParameterErrors { refusal }
            | ErrorKind::Api { refusal } => write!(f, "{request} {refusal}"),
            ErrorKind::Gateway { refusal, .. } => write!(
                f,
                "{request} {refusal}: a gateway in front of the host responded in its place"
            ),
            ErrorKind::ProxyHop { refusal } => write!(
                f,
                "{request} {refusal}: the host's own proxy got no response from the daemon or \
                 node behind it"
            ),
            kind => {
                write!(f, "{request}: ")?;
                kind.describe(f)
            }
        }
    }
}

impl ErrorKind {
    /// The failure without its request, for all kinds whose words do not begin with the server's.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns { detail } => write!(f, "the host name cannot be resolved ({detail})"),
            Self::Refused => f.write_str("the connection was refused"),
            Self::Connect { detail } => write!(f, "no connection could be made ({detail})"),
            Self::Proxy { proxy, failure } => {
                write!(f, "the proxy {proxy} {failure}; the host was not reached")
            }
            Self::Timeout { phase, after } => write!(f, "{} within {after:?}", missing(*phase)),
            Self::Tls { failure } => write!(f, "{failure}"),
            Self::PlainHttp => f.write_str(
                "the port responds, but not in TLS; Proxmox VE serves https on port 8006",
            ),
            Self::Lost { detail } => write!(
                f,
                "the connection was lost before the response was complete ({detail})"
            ),
            Self::NotProxmox { detail } => {
                write!(f, "this is not the response of a Proxmox VE host: {detail}")
            }
            Self::SecondFactorRequired { user, factors } => write!(
                f,
                "the account {user} has a second factor ({}), and none is configured",
                factors.join(", ")
            ),
            Self::ClocksDiffer { ahead } => {
                let direction = if ahead.is_negative() {
                    "behind"
                } else {
                    "ahead of"
                };
                let seconds = ahead.whole_seconds().unsigned_abs();
                write!(
                    f,
                    "the clock of the host is {seconds} seconds {direction} that of this machine, \
                     so no one-time code was sent"
                )
            }
            Self::NoSuchToken { token, .. } => write!(f, "the token {token} does not exist"),
            Self::NoSuchUser { user, .. } => write!(f, "the user {user} does not exist"),
            Self::NoSuchRole { role, .. } => write!(f, "the role {role} does not exist"),
            Self::TokenExists { token, .. } => write!(f, "the token {token} already exists"),
            Self::LockTimeout { .. } => f.write_str(
                "another writer held the cluster's lock for too long, and nothing was changed",
            ),
            Self::NoQuorum { .. } => f.write_str(
                "the node has no quorum, so its configuration is read-only and nothing was changed",
            ),
            Self::Decode { detail } => write!(f, "the response cannot be read: {detail}"),
            Self::TooLarge { limit } => {
                write!(f, "the response is longer than {limit} bytes")
            }
            Self::Cancelled => f.write_str("cancelled"),
            Self::Setup { detail } => write!(f, "TLS cannot be set up: {detail}"),
            Self::Unauthenticated { refusal, .. }
            | Self::Forbidden { refusal }
            | Self::ParameterErrors { refusal }
            | Self::ProxyHop { refusal }
            | Self::Gateway { refusal, .. }
            | Self::Api { refusal } => write!(f, "{refusal}"),
        }
    }
}

fn missing(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect(Step::Resolve) => "the host name was not resolved",
        Phase::Connect(Step::Connect) => "no connection",
        Phase::Connect(Step::Handshake) => {
            "the connection was accepted, but the TLS handshake was not finished"
        }
        Phase::Response => "no response",
        Phase::Deadline => "not done",
    }
}

fn unauthenticated(
    request: &RequestInfo,
    refusal: &Refusal,
    failure: &AuthFailure,
    identity: &Option<String>,
) -> String {
    let whose = identity.as_deref().unwrap_or("nobody");
    let (endpoint, message) = (&request.endpoint, &refusal.message);
    match failure {
        AuthFailure::NotReceived => format!(
            "{endpoint} did not receive the credential of {whose}: a proxy or gateway on the way \
             removed it from the request (the server says {message:?})"
        ),
        // Until pve-manager 9.1.5 the status line gave the reason.
        AuthFailure::Token if message != "Authentication failed!" => {
            format!("{endpoint} refused the API token {whose}: {message}")
        }
        AuthFailure::Token => format!(
            "{endpoint} refused the API token {whose}: wrong secret, no such token, expired, or \
             its owner is disabled or expired (the server does not say which)"
        ),
        AuthFailure::Password => {
            format!("{endpoint} refused the login of {whose}: wrong user name, realm or password")
        }
        AuthFailure::SecondFactor => format!(
            "{endpoint} refused the one-time code of {whose}: wrong seed, a code that is too old, \
             or one that was used before{}",
            clocks(refusal)
        ),
        AuthFailure::Ticket => format!(
            "{endpoint} no longer accepts the ticket of {whose}: {message}{}",
            clocks(refusal)
        ),
        AuthFailure::Nothing => format!("{request}: credentials are required"),
    }
}

fn clocks(refusal: &Refusal) -> String {
    let doubt = refusal.clock_doubt();
    doubt.map(|doubt| format!(" ({doubt})")).unwrap_or_default()
}
