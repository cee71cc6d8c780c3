//! The request that an error is about.

use std::fmt;

use http::Method;

/// What a request does on the server, and so how it may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// Changes nothing. May be repeated, at another node too.
    Read,
    /// Has the method of a write, but the server refuses it before it does anything. Waits for no
    /// other write, and what was read before stays true.
    Probe,
    /// Logs in with a password or a ticket. May be repeated.
    Login,
    /// Logs in with a one-time code, which works once: sent to one node, once.
    CodeLogin,
    /// Changes something. Sent to one node, once, unless it certainly changed nothing.
    Write,
}

/// A request as errors show it: never a query value, never a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestInfo {
    /// What the request does on the server.
    pub kind: RequestKind,
    /// The HTTP method.
    pub method: Method,
    /// The endpoint that the request was sent to, in the form of
    /// [`Endpoint`](crate::pve::net::endpoint::Endpoint).
    pub endpoint: String,
    /// The path below `/api2/json`, percent-encoded as sent, without its query.
    pub path: String,
    /// The endpoints of other nodes that could not be reached before this one.
    pub tried: Vec<String>,
}

impl RequestInfo {
    /// Whether the request changes something.
    pub fn is_write(&self) -> bool {
        self.kind == RequestKind::Write
    }
}

impl fmt::Display for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.method, self.path, self.endpoint)?;
        if !self.tried.is_empty() {
            write!(
                f,
                " (after {} could not be asked)",
                self.tried.join(" and ")
            )?;
        }
        Ok(())
    }
}
