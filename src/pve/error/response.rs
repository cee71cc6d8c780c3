//! Which request it was, and how the server refused it.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use time::Duration;

/// Which request an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestInfo {
    /// The HTTP method.
    pub method: Method,
    /// The endpoint that was asked, as [`crate::pve::net::endpoint::Endpoint`] prints.
    pub endpoint: String,
    /// The path below `/api2/json`, percent-encoded as sent, without its query.
    pub path: String,
    /// The endpoints of other nodes that could not be asked before this one.
    pub tried: Vec<String>,
}

impl RequestInfo {
    /// Whether the request changes something: all but GET, and but for the login.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET && self.path != "/access/ticket"
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

/// A refusal as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was asked.
    pub request: RequestInfo,
    /// The HTTP status; Proxmox VE also uses 595 and 596, of its own making.
    pub status: u16,
    /// The text of the status line.
    pub reason: String,
    /// The `message` of the body, trimmed, or the reason where there is none: servers before
    /// pve-http-server 5.2.0 send the text in the status line only (folder `8.2.2-http5.1.2`).
    pub message: String,
    /// What is wrong with which parameter.
    pub errors: BTreeMap<String, String>,
    /// How far the server's clock is ahead of this machine's, by the answer's date; negative if
    /// it is behind.
    pub clock_ahead: Option<Duration>,
}

/// One time step of one-time codes; less is no clock that is off.
const NOTABLE: Duration = Duration::seconds(30);

impl Answer {
    /// How far the two clocks are apart, as a clause, when that may be why tickets and one-time
    /// codes are refused.
    pub fn clock_doubt(&self) -> Option<String> {
        let ahead = self.clock_ahead.filter(|ahead| ahead.abs() >= NOTABLE)?;
        let direction = if ahead.is_negative() {
            "behind"
        } else {
            "ahead of"
        };
        let seconds = ahead.whole_seconds().unsigned_abs();
        Some(format!(
            "its clock is {seconds} seconds {direction} this machine's"
        ))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.request, self.status)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        for (index, (parameter, text)) in self.errors.iter().enumerate() {
            let separator = if index == 0 { " (" } else { "; " };
            write!(f, "{separator}{parameter}: {}", text.trim())?;
        }
        f.write_str(if self.errors.is_empty() { "" } else { ")" })
    }
}
