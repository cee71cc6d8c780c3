//! A response, and the bytes it makes.

use std::time::Duration;

use time::OffsetDateTime;
use time::macros::format_description;

/// A response before it is written.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) location: Option<Box<str>>,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    /// It came from the privileged daemon, whose own `Connection: close` is passed on.
    pub(crate) proxied: bool,
    /// How long to hold it back, before scaling.
    pub(crate) wait: Duration,
    /// How long it has been held back already, before scaling.
    pub(crate) held: Duration,
}

impl Response {
    /// A response without body.
    pub(crate) fn bare(status: u16, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
            location: None,
            content_type: None,
            body: Vec::new(),
            proxied: false,
            wait: Duration::ZERO,
            held: Duration::ZERO,
        }
    }

    /// A response held back for a while.
    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.wait = Duration::from_secs(seconds);
        self
    }

    /// The bytes on the wire. The reason ends at its first newline, and goes out as the server
    /// holds it: one byte for each character where that is possible.
    pub(crate) fn bytes(&self, minor: u8, keep_alive: bool, now: i64) -> Vec<u8> {
        let reason = self.reason.lines().next().unwrap_or_default();
        let reason: Vec<u8> = reason
            .chars()
            .map(|c| u8::try_from(u32::from(c)))
            .collect::<Result<_, _>>()
            .unwrap_or_else(|_| reason.as_bytes().to_vec());
        let mut bytes = format!("HTTP/1.{minor} {} ", self.status).into_bytes();
        bytes.extend_from_slice(&reason);
        bytes.extend_from_slice(b"\r\n");
        for (name, value) in self.headers(keep_alive, now) {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    fn headers(&self, keep_alive: bool, now: i64) -> Vec<(&'static str, String)> {
        let date = http_date(now);
        let mut headers = vec![("Cache-Control", "max-age=0".to_owned())];
        if self.proxied || !keep_alive {
            headers.push(("Connection", "close".to_owned()));
        }
        if keep_alive {
            headers.push(("Connection", "Keep-Alive".to_owned()));
        }
        headers.push(("Date", date.clone()));
        headers.push(("Pragma", "no-cache".to_owned()));
        headers.extend(
            self.location
                .as_deref()
                .map(|location| ("Location", location.to_owned())),
        );
        headers.push(("Server", "pve-api-daemon/3.0".to_owned()));
        if !self.body.is_empty() {
            headers.push(("Content-Length", self.body.len().to_string()));
        }
        headers.extend(
            self.content_type
                .map(|kind| ("Content-Type", kind.to_owned())),
        );
        headers.push(("Expires", date));
        headers
    }
}

fn http_date(epoch: i64) -> String {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    OffsetDateTime::from_unix_timestamp(epoch)
        .ok()
        .and_then(|date| date.format(format).ok())
        .unwrap_or_default()
}

/// The standard reason of a status.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        501 => "Not Implemented",
        _ => "Internal Server Error",
    }
}
