//! A response: as it came, and the content of a successful one.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::ext::ReasonPhrase;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::pve::error::request::RequestInfo;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::foreign_text::SentSecrets;
use crate::pve::net::retry;
use crate::pve::tls::certificate::Fingerprint;

/// A response as it came, whatever it says.
pub(crate) struct RawResponse {
    pub(crate) status: u16,
    /// The text of the status line, as it came.
    pub(crate) reason: String,
    pub(crate) body: Bytes,
    pub(crate) date: Option<OffsetDateTime>,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) is_html: bool,
    /// Whether it names a scheme to log in with, as Proxmox VE never does.
    pub(crate) names_login_scheme: bool,
    pub(crate) location: Option<String>,
    /// How long a gateway asks to wait.
    pub(crate) retry_after: Option<Duration>,
    /// The secrets of the request, which the body may reflect.
    pub(crate) sent: SentSecrets,
}

impl RawResponse {
    pub(crate) fn new(
        response: &reqwest::Response,
        body: Bytes,
        date: Option<OffsetDateTime>,
        sent: SentSecrets,
    ) -> Self {
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let reason = match response.extensions().get::<ReasonPhrase>() {
            Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
            None => response
                .status()
                .canonical_reason()
                .unwrap_or_default()
                .to_owned(),
        };
        let certificate = response.extensions().get::<reqwest::tls::TlsInfo>();
        Self {
            status: response.status().as_u16(),
            reason,
            body,
            date,
            fingerprint: certificate
                .and_then(|tls| tls.peer_certificate())
                .map(Fingerprint::of),
            is_html: header(CONTENT_TYPE).is_some_and(|kind| kind.contains("html")),
            names_login_scheme: response.headers().contains_key(WWW_AUTHENTICATE),
            retry_after: header(RETRY_AFTER).and_then(retry::after),
            location: header(LOCATION).map(|target| sent.shown(target)),
            sent,
        }
    }
}

#[cfg(test)]
impl RawResponse {
    pub(crate) fn of(status: u16, reason: &str, body: String) -> Self {
        Self {
            status,
            reason: reason.to_owned(),
            body: body.into(),
            date: None,
            fingerprint: None,
            is_html: false,
            names_login_scheme: false,
            location: None,
            retry_after: None,
            sent: SentSecrets::default(),
        }
    }
}

/// The form of every successful response.
#[derive(Deserialize)]
struct Content<T> {
    data: T,
}

/// A successful response. It may hold a secret, hence no `Debug`.
pub(crate) struct Response {
    pub(crate) request: RequestInfo,
    /// The body, which has a member `data`.
    pub(crate) body: Bytes,
    /// The date that the server sent, which may be any.
    pub(crate) date: Option<OffsetDateTime>,
    /// The server's clock, or this machine's where the server sent no believable date.
    pub(crate) server_time: OffsetDateTime,
    /// The certificate that the server presented on this connection.
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl Response {
    /// The content as `T`.
    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.decode_with(Ok)
    }

    /// The content as `T`, turned into something that `read` may find fault with.
    pub(crate) fn decode_with<T: DeserializeOwned, U>(
        self,
        read: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<U, Error> {
        // In a sentence of our own: serde's quotes offending values, which may be secret.
        let content = serde_json::from_slice::<Content<T>>(&self.body)
            .map(|content| content.data)
            .map_err(|_| "its content does not have the documented form".to_owned());
        content
            .and_then(read)
            .map_err(|detail| Error::new(self.request, ErrorKind::Decode { detail }))
    }
}
