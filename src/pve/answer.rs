//! Which request it was, and how the server refused it.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;

/// Which request an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    /// The HTTP method.
    pub method: Method,
    /// The endpoint that was asked, as [`super::Endpoint`] prints.
    pub endpoint: String,
    /// The path below `/api2/json`, percent-encoded as sent, without its query.
    pub path: String,
    /// The endpoints of other nodes that could not be asked before this one.
    pub tried: Vec<String>,
}

impl RequestLine {
    /// Whether the request changes something: all but GET, and but for the login.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET && self.path != "/access/ticket"
    }
}

impl fmt::Display for RequestLine {
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
    pub request: RequestLine,
    /// The HTTP status; Proxmox VE also uses 595 and 596, of its own making.
    pub status: u16,
    /// The text of the status line.
    pub reason: String,
    /// The `message` of the body, trimmed, or the reason where there is none: servers before
    /// pve-http-server 5.2.0 send the text in the status line only (folder `8.2.2-http5.1.2`).
    pub message: String,
    /// What is wrong with which parameter.
    pub errors: BTreeMap<String, String>,
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
