//! The log of requests that tests read.

use std::time::Duration;

/// Who a request claims to come from; never its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// No credential.
    Anonymous,
    /// An API token, by `user@realm!name`.
    Token(String),
    /// A ticket, by the user it names (empty when it names none).
    Ticket(String),
}

/// A request the server has received.
#[derive(Debug, Clone)]
pub struct Request {
    /// Number of the request since the start.
    pub id: u64,
    /// Number of the connection it came on.
    pub connection: u64,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path below `/api2/<format>`, decoded: `/access/users/demo@pve/token/t1`.
    pub path: String,
    /// The query as it was sent.
    pub query: Option<String>,
    /// Names of the parameters in query and body.
    pub parameters: Vec<String>,
    /// The tokens that a change of the access control list is for, as they were sent.
    pub tokens: Option<String>,
    /// Names of the headers, in lower case.
    pub headers: Vec<String>,
    /// Who it claims to come from.
    pub identity: Identity,
    /// The status answered; `None` while there is no response, and when there never was one.
    pub status: Option<u16>,
    /// How long the server held the response back on purpose, before scaling.
    pub waited: Duration,
}
