//! The details of a failure that are the same for many requests.

use std::time::Duration;

use crate::pve::progress::Step;

/// The step that a request had come to when its time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A step of the connection, on which no request was sent yet.
    Connect(Step),
    /// The response.
    Response,
    /// Any step, when the caller's own deadline passed: the turn to write, a login, the next
    /// one-time code, or the response to a read. A write that was sent never ends this way.
    Deadline,
}

/// The credential that the server refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthFailure {
    /// The API token. The server does not say why: recordings `193-auth-secret-prefix` to
    /// `218-auth-token-deleted-in-use` all read alike.
    Token,
    /// The user name or the password.
    Password,
    /// The one-time code.
    SecondFactor,
    /// A ticket that was good before.
    Ticket,
    /// None: something on the way removed it from the request.
    NotReceived,
    /// Nothing was presented.
    Nothing,
}

/// Why a forward proxy does not lead to the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyFailure {
    /// The name of the proxy does not resolve.
    #[error("has a name that cannot be resolved ({0})")]
    Dns(String),
    /// Nothing listens there.
    #[error("refused the connection")]
    Refused,
    /// There is no connection to it, for a reason that the library does not tell.
    #[error("cannot be reached")]
    Unreachable,
    /// The proxy does not respond, or waits for the host.
    #[error("did not connect within {0:?}")]
    Timeout(Duration),
    /// The proxy demands credentials other than those in its URL.
    #[error("demands other credentials")]
    Unauthenticated,
    /// The proxy refused the tunnel: most often its rules forbid the host, or it cannot reach it.
    #[error("refused to connect to the host")]
    NoTunnel,
    /// Anything else.
    #[error("failed ({0})")]
    Other(String),
}
