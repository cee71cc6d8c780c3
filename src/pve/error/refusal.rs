//! The refusal of a request by the server.

use std::collections::BTreeMap;
use std::fmt;

use time::Duration;

/// A refusal as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status; Proxmox VE also uses 595 and 596, of its own making.
    pub status: u16,
    /// The text of the status line.
    pub reason: String,
    /// The `message` of the body, trimmed, or the reason where there is none: servers before
    /// pve-http-server 5.2.0 send the text in the status line only (folder `8.2.2-http5.1.2`).
    pub message: String,
    /// The fault of each refused parameter.
    pub errors: BTreeMap<String, String>,
    /// How far the server's clock is ahead of this machine's, by the date of the response;
    /// negative if it is behind.
    pub clock_ahead: Option<Duration>,
}

/// One time step of one-time codes. A smaller difference cannot make the server refuse one.
const NOTABLE: Duration = Duration::seconds(30);

impl Refusal {
    /// Whether a refusal with a 5xx status was given before anything could happen: no such method
    /// or content type (501, 506), pmxcfs gone (recording `442-pmxcfs-down`), or a refusal of
    /// another kind that is sent as a 500 (`538-acl-change-below-vms-by-allocate`).
    pub(crate) fn is_definite(&self) -> bool {
        matches!(self.status, 501 | 506)
            || self.message.contains("Parameter verification failed")
            || self
                .message
                .starts_with("RPCEnvironment init request failed")
            || self
                .message
                .ends_with("does not look like a valid user name")
    }

    /// The difference of the two clocks as a clause, where it can be the reason why tickets and
    /// one-time codes are refused.
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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered {}", self.status)?;
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
