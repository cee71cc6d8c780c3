//! Everything that can go wrong between a call and its answer, told apart.
//!
//! Each [`Error`] keeps which request it was (never a query value, never a body) and, where the
//! server answered, what it said. [`Error::may_have_taken_effect`] tells a write that certainly
//! changed nothing from one that may have: only the former may be repeated.

pub mod classify;
pub mod failure;
pub mod response;

use std::time::Duration;

use crate::pve::error::failure::{AuthFailure, Phase, ProxyFailure, TlsFailure};
use crate::pve::error::response::{Answer, RequestInfo};
use crate::pve::id::{TokenId, UserId};

/// What a call can end in instead of its answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host name does not resolve.
    #[error("{request}: the host name cannot be resolved ({detail})")]
    Dns {
        /// What was asked.
        request: Box<RequestInfo>,
        /// What the resolver says.
        detail: String,
    },
    /// Nothing listens there.
    #[error("{request}: the connection was refused")]
    Refused {
        /// What was asked.
        request: Box<RequestInfo>,
    },
    /// No connection for another reason: no route, a reset in the handshake.
    #[error("{request}: no connection could be made ({detail})")]
    Connect {
        /// What was asked.
        request: Box<RequestInfo>,
        /// What the system says.
        detail: String,
    },
    /// The forward proxy on the way does not lead to the host.
    #[error("{request}: the proxy {proxy} {failure}; the host itself was not reached")]
    Proxy {
        /// What was asked.
        request: Box<RequestInfo>,
        /// The proxy's host and port.
        proxy: String,
        /// Why not.
        failure: ProxyFailure,
    },
    /// Time ran out.
    #[error("{request}: {} within {after:?}", waited(.phase))]
    Timeout {
        /// What was asked.
        request: Box<RequestInfo>,
        /// What was waited for.
        phase: Phase,
        /// How long.
        after: Duration,
    },
    /// The TLS handshake failed.
    #[error("{request}: {failure}")]
    Tls {
        /// What was asked.
        request: Box<RequestInfo>,
        /// Why.
        failure: TlsFailure,
    },
    /// The port speaks, but not TLS.
    #[error("{request}: the port answers, but not with TLS; Proxmox VE speaks https on port 8006")]
    PlainHttp {
        /// What was asked.
        request: Box<RequestInfo>,
    },
    /// The connection broke after the request may have been read.
    #[error("{request}: the connection was lost before the answer was complete ({detail})")]
    Lost {
        /// What was asked.
        request: Box<RequestInfo>,
        /// What the connection ended with.
        detail: String,
    },
    /// Somebody answered who is not Proxmox VE.
    #[error("{request}: this is not the answer of a Proxmox VE host: {detail}")]
    NotProxmox {
        /// What was asked.
        request: Box<RequestInfo>,
        /// What shows it.
        detail: String,
    },
    /// The credentials were refused. Never retried.
    #[error("{}", unauthenticated(.answer, .failure, .identity))]
    Unauthenticated {
        /// The refusal.
        answer: Box<Answer>,
        /// What was refused.
        failure: AuthFailure,
        /// Whose credentials they are, when there are any.
        identity: Option<String>,
    },
    /// The account has a second factor for which the client has neither seed nor code.
    #[error("{request}: the account {user} has a second factor ({}), for which nothing is configured", .factors.join(", "))]
    SecondFactorRequired {
        /// What was asked.
        request: Box<RequestInfo>,
        /// Who logged in.
        user: UserId,
        /// The kinds of factor that would be accepted: `totp`, `recovery`, `webauthn`, …
        factors: Vec<String>,
    },
    /// The credentials are good and lack a privilege; the message often names it.
    #[error("{answer}")]
    Forbidden {
        /// The refusal.
        answer: Box<Answer>,
    },
    /// The token does not exist.
    #[error("{}: there is no token {token}", .answer.request)]
    NoSuchToken {
        /// The refusal.
        answer: Box<Answer>,
        /// Which token.
        token: TokenId,
    },
    /// The user does not exist.
    #[error("{}: there is no user {user}", .answer.request)]
    NoSuchUser {
        /// The refusal.
        answer: Box<Answer>,
        /// Which user.
        user: UserId,
    },
    /// The role does not exist.
    #[error("{}: there is no role {role}", .answer.request)]
    NoSuchRole {
        /// The refusal.
        answer: Box<Answer>,
        /// Which role.
        role: String,
    },
    /// A token of that name exists.
    #[error("{}: the token {token} exists already", .answer.request)]
    TokenExists {
        /// The refusal.
        answer: Box<Answer>,
        /// Which token.
        token: TokenId,
    },
    /// A parameter was refused before anything happened.
    #[error("{answer}")]
    ParameterErrors {
        /// The refusal, with what is wrong with which parameter.
        answer: Box<Answer>,
    },
    /// The cluster-wide lock was held by somebody else for ten seconds; nothing changed
    /// (recording `438-lock-held`).
    #[error("{}: another writer held the cluster's lock for too long, nothing was changed", .answer.request)]
    LockTimeout {
        /// The refusal.
        answer: Box<Answer>,
    },
    /// The node has lost its cluster, and its configuration is read-only.
    #[error("{}: the node has no quorum, so its configuration is read-only and nothing was changed", .answer.request)]
    NoQuorum {
        /// The refusal.
        answer: Box<Answer>,
    },
    /// The node's proxy could not reach the daemon or the other node that should have answered
    /// (595 and 596, recordings `440-pvedaemon-down` and `441-pvedaemon-hung`). It says nothing
    /// of the way between this client and the node.
    #[error(
        "{answer}: the host's own proxy could not get an answer from the daemon or node behind it"
    )]
    ProxyHop {
        /// The refusal.
        answer: Box<Answer>,
    },
    /// Any other refusal.
    #[error("{answer}")]
    Api {
        /// The refusal.
        answer: Box<Answer>,
    },
    /// The call succeeded, and its answer does not have the form it should have.
    #[error("{request}: the answer cannot be read: {detail}")]
    Decode {
        /// What was asked.
        request: Box<RequestInfo>,
        /// What is wrong, without the answer's text.
        detail: String,
    },
    /// The answer is longer than the client is ready to hold.
    #[error("{request}: the answer is longer than {limit} bytes")]
    TooLarge {
        /// What was asked.
        request: Box<RequestInfo>,
        /// The limit in bytes.
        limit: usize,
    },
    /// The caller gave up. A write that was already sent is never cancelled.
    #[error("{request}: cancelled")]
    Cancelled {
        /// What was, or would have been, asked.
        request: Box<RequestInfo>,
    },
    /// The TLS settings cannot be used on this machine.
    #[error("{request}: TLS cannot be set up: {detail}")]
    Setup {
        /// What would have been asked.
        request: Box<RequestInfo>,
        /// Why.
        detail: String,
    },
}

fn waited(phase: &Phase) -> &'static str {
    match phase {
        Phase::Connect => "no connection",
        Phase::Answer => "no answer",
        Phase::Deadline => "not done",
    }
}

fn unauthenticated(answer: &Answer, failure: &AuthFailure, identity: &Option<String>) -> String {
    let whose = identity.as_deref().unwrap_or("nobody");
    let endpoint = &answer.request.endpoint;
    match failure {
        // Until pve-manager 9.1.5 the status line gave the reason.
        AuthFailure::Token if answer.message != "Authentication failed!" => {
            format!(
                "{endpoint} refused the API token {whose}: {}",
                answer.message
            )
        }
        AuthFailure::Token => format!(
            "{endpoint} refused the API token {whose}: wrong secret, no such token, expired, or its owner is disabled or expired (the server does not say which)"
        ),
        AuthFailure::Password => {
            format!("{endpoint} refused the login of {whose}: wrong user name, realm or password")
        }
        AuthFailure::SecondFactor => format!(
            "{endpoint} refused the one-time code of {whose}: wrong seed, a code that is too old, or one that was used before{}",
            clocks(answer)
        ),
        AuthFailure::Ticket => format!(
            "{endpoint} no longer accepts the ticket of {whose}: {}{}",
            answer.message,
            clocks(answer)
        ),
        AuthFailure::Nothing => format!("{}: credentials are needed", answer.request),
    }
}

fn clocks(answer: &Answer) -> String {
    let doubt = answer.clock_doubt();
    doubt.map(|doubt| format!(" ({doubt})")).unwrap_or_default()
}

impl Error {
    /// The request that failed.
    pub fn request(&self) -> &RequestInfo {
        match self {
            Self::Dns { request, .. }
            | Self::Refused { request }
            | Self::Connect { request, .. }
            | Self::Proxy { request, .. }
            | Self::Timeout { request, .. }
            | Self::Tls { request, .. }
            | Self::PlainHttp { request }
            | Self::Lost { request, .. }
            | Self::NotProxmox { request, .. }
            | Self::SecondFactorRequired { request, .. }
            | Self::Decode { request, .. }
            | Self::TooLarge { request, .. }
            | Self::Cancelled { request }
            | Self::Setup { request, .. } => request,
            Self::Unauthenticated { answer, .. }
            | Self::Forbidden { answer }
            | Self::NoSuchToken { answer, .. }
            | Self::NoSuchUser { answer, .. }
            | Self::NoSuchRole { answer, .. }
            | Self::TokenExists { answer, .. }
            | Self::ParameterErrors { answer }
            | Self::LockTimeout { answer }
            | Self::NoQuorum { answer }
            | Self::ProxyHop { answer }
            | Self::Api { answer } => &answer.request,
        }
    }

    /// The server's refusal, when it came from the server.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Unauthenticated { answer, .. }
            | Self::Forbidden { answer }
            | Self::NoSuchToken { answer, .. }
            | Self::NoSuchUser { answer, .. }
            | Self::NoSuchRole { answer, .. }
            | Self::TokenExists { answer, .. }
            | Self::ParameterErrors { answer }
            | Self::LockTimeout { answer }
            | Self::NoQuorum { answer }
            | Self::ProxyHop { answer }
            | Self::Api { answer } => Some(answer),
            _ => None,
        }
    }

    /// Whether this is a write that may have changed something, although nobody said so: its
    /// request was, or may have been, read by the server, and no definite answer came back.
    /// Such a call must not be repeated before what it was to change has been looked at
    /// (recording `441-pvedaemon-hung`: the token was there, its secret lost).
    pub fn may_have_taken_effect(&self) -> bool {
        let unclear = match self {
            Self::Timeout { phase, .. } => *phase == Phase::Answer,
            Self::Lost { .. } | Self::Decode { .. } | Self::TooLarge { .. } => true,
            Self::NotProxmox { .. } => false,
            Self::ProxyHop { answer } => answer.status != 595,
            Self::Api { answer } => answer.status >= 500 && !definite(answer),
            _ => false,
        };
        unclear && self.request().is_write()
    }

    /// Whether the token that was asked about does not exist, or its user does not.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::NoSuchToken { .. } | Self::NoSuchUser { .. })
    }

    /// Whether the server is too old to know this parameter. It says so before anything happens
    /// (recording `012-update-regenerate` of `8.2.2-http5.1.2` and `9.0.7`).
    pub fn is_unknown_parameter(&self, parameter: &str) -> bool {
        matches!(self, Self::ParameterErrors { answer }
            if answer.errors.get(parameter).is_some_and(|text| text.contains("not defined in schema")))
    }

    /// Whether the host could not be reached at all, so that asking it again soon is pointless.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Dns { .. }
                | Self::Refused { .. }
                | Self::Connect { .. }
                | Self::Proxy { .. }
                | Self::Timeout {
                    phase: Phase::Connect,
                    ..
                }
        )
    }
}

/// Refusals with a 5xx status that were given before anything could happen: no such method or
/// content type (501, 506), and pmxcfs gone (recording `442-pmxcfs-down`).
fn definite(answer: &Answer) -> bool {
    matches!(answer.status, 501 | 506)
        || answer
            .message
            .starts_with("RPCEnvironment init request failed")
        || answer
            .message
            .ends_with("does not look like a valid user name")
}
