//! What an answer, or the lack of one, means.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use hyper::ext::ReasonPhrase;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::pve::error::Error;
use crate::pve::error::failure::{Phase, ProxyFailure, TlsFailure};
use crate::pve::error::response::{Answer, RequestInfo};
use crate::pve::net::proxy::Proxy;
use crate::pve::net::request::About;
use crate::pve::tls::certificate::Fingerprint;
use crate::pve::tls::handshake::TlsVersion;

/// An answer as it came.
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) body: Bytes,
    pub(crate) date: Option<OffsetDateTime>,
    pub(crate) fingerprint: Option<Fingerprint>,
    is_html: bool,
    location: Option<String>,
}

impl Raw {
    pub(crate) fn new(
        response: &reqwest::Response,
        body: Bytes,
        date: Option<OffsetDateTime>,
    ) -> Self {
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let reason = match response.extensions().get::<ReasonPhrase>() {
            Some(reason) => String::from_utf8_lossy(reason.as_bytes()).trim().to_owned(),
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
            location: header(LOCATION).map(str::to_owned),
        }
    }
}

#[cfg(test)]
impl Raw {
    pub(crate) fn of(status: u16, reason: &str, body: String) -> Self {
        Self {
            status,
            reason: reason.to_owned(),
            body: body.into(),
            date: None,
            fingerprint: None,
            is_html: false,
            location: None,
        }
    }
}

#[derive(Deserialize, Default)]
struct Envelope {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    errors: Option<BTreeMap<String, Value>>,
}

/// The content of a successful answer; `None` if it was none.
pub(crate) fn content(request: &RequestInfo, raw: &Raw) -> Option<Result<Value, Error>> {
    if !(200..300).contains(&raw.status) {
        return None;
    }
    let envelope = serde_json::from_slice::<Value>(&raw.body).ok();
    let data = envelope.and_then(|mut envelope| envelope.get_mut("data").map(Value::take));
    let unreadable = || {
        let request = Box::new(request.clone());
        let detail = "a success whose content is not JSON with a \"data\" member".to_owned();
        // Somebody took a write and said so in words that are not Proxmox VE's: who knows.
        if request.is_write() {
            Error::Decode { request, detail }
        } else {
            Error::NotProxmox { request, detail }
        }
    };
    Some(data.ok_or_else(unreadable))
}

/// A refusal, as far as it can be read.
pub(crate) fn answer(request: RequestInfo, raw: &Raw) -> Answer {
    let envelope: Envelope = serde_json::from_slice(&raw.body).unwrap_or_default();
    let text = |value: Value| match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let message = envelope
        .message
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    Answer {
        request,
        status: raw.status,
        message: message.unwrap_or(&raw.reason).to_owned(),
        reason: raw.reason.clone(),
        errors: envelope
            .errors
            .into_iter()
            .flatten()
            .map(|(name, value)| (name, text(value)))
            .collect(),
        clock_ahead: raw.date.map(|date| date - OffsetDateTime::now_utc()),
    }
}

/// Which kind of refusal it is. The server's status codes alone do not tell: what is missing is
/// a 500 (recordings `096-token-get-missing`, `107-user-get-missing`), never a 404.
pub(crate) fn refusal(request: RequestInfo, raw: &Raw, about: &About) -> Error {
    if let Some(detail) = foreign(raw) {
        return Error::NotProxmox {
            request: Box::new(request),
            detail,
        };
    }
    let answer = Box::new(answer(request, raw));
    let says = |text: &str| answer.message.contains(text);
    match (about.token.clone(), about.user.clone(), about.role.clone()) {
        (Some(token), ..) if says("Token already exists") || is_taken(&answer) => {
            Error::TokenExists { answer, token }
        }
        (Some(token), ..) if says("no such token '") => Error::NoSuchToken { answer, token },
        (_, Some(user), _) if says("no such user ('") => Error::NoSuchUser { answer, user },
        (.., Some(role)) if says(&format!("role '{role}' does not exist")) => {
            Error::NoSuchRole { answer, role }
        }
        _ if says("got lock request timeout") => Error::LockTimeout { answer },
        _ if says("no quorum") => Error::NoQuorum { answer },
        _ => by_status(answer),
    }
}

/// `036-token-create-duplicate`
fn is_taken(answer: &Answer) -> bool {
    answer
        .errors
        .get("tokenid")
        .is_some_and(|text| text.contains("Token already exists"))
}

fn by_status(answer: Box<Answer>) -> Error {
    match answer.status {
        403 => Error::Forbidden { answer },
        400 if !answer.errors.is_empty() => Error::ParameterErrors { answer },
        595..=599 => Error::ProxyHop { answer },
        _ => Error::Api { answer },
    }
}

/// What shows that a refusal is not Proxmox VE's: it redirects only plain HTTP
/// (`424-plain-http-get`), and its API never answers with a page.
fn foreign(raw: &Raw) -> Option<String> {
    match raw.status {
        300..400 => {
            let target = raw.location.as_deref().unwrap_or("nowhere");
            let target = target.split(['?', '#']).next().unwrap_or_default();
            Some(format!("it redirects to {target} ({})", raw.status))
        }
        404 => Some("it answers 404, which the API of Proxmox VE never does".to_owned()),
        400..500 if raw.is_html => Some(format!("it answers {} with a web page", raw.status)),
        _ => None,
    }
}

/// How a request was sent, as far as it explains why there is no answer.
pub(crate) struct Way<'a> {
    pub(crate) connect_timeout: Duration,
    pub(crate) min_version: TlsVersion,
    /// The proxy that leads there.
    pub(crate) proxy: Option<&'a Proxy>,
}

/// Why there was no answer.
pub(crate) fn transport(line: &RequestInfo, error: &reqwest::Error, way: &Way<'_>) -> Error {
    let request = Box::new(line.clone());
    if error.is_connect() {
        return no_connection(request, error, way);
    }
    let detail = innermost(error);
    // Whoever took a write and answered with something other than HTTP may have done it.
    if !line.is_write() && find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return Error::NotProxmox { request, detail };
    }
    Error::Lost { request, detail }
}

fn no_connection(request: Box<RequestInfo>, error: &reqwest::Error, way: &Way<'_>) -> Error {
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_failure(request, tls, way.min_version);
    }
    let detail = innermost(error);
    let after = way.connect_timeout;
    let of_proxy = way.proxy.filter(|_| error.is_timeout() || in_tunnel(error));
    if let Some(proxy) = of_proxy {
        return Error::Proxy {
            request,
            proxy: proxy.to_string(),
            failure: no_tunnel(error, after),
        };
    }
    if error.is_timeout() {
        let phase = Phase::Connect;
        Error::Timeout {
            request,
            phase,
            after,
        }
    } else if error.is_dns() {
        Error::Dns { request, detail }
    } else if is_refused(error) {
        Error::Refused { request }
    } else {
        Error::Connect { request, detail }
    }
}

/// Why a proxy does not lead to the host.
fn no_tunnel(error: &reqwest::Error, after: Duration) -> ProxyFailure {
    let detail = innermost(error);
    if error.is_timeout() {
        ProxyFailure::Timeout(after)
    } else if error.is_dns() {
        ProxyFailure::Dns(detail)
    } else if is_refused(error) {
        ProxyFailure::Refused
    } else if detail == "tunnel error: proxy authorization required" {
        ProxyFailure::Unauthenticated
    } else if detail == "tunnel error: unsuccessful" {
        ProxyFailure::NoTunnel
    } else {
        ProxyFailure::Other(detail)
    }
}

fn is_refused(error: &reqwest::Error) -> bool {
    find::<io::Error>(error).map(io::Error::kind) == Some(io::ErrorKind::ConnectionRefused)
}

/// Whether it failed on the way through a proxy. The error's type cannot be named outside of
/// `hyper-util`, only its text.
fn in_tunnel(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string().starts_with("tunnel error"))
}

fn tls_failure(request: Box<RequestInfo>, error: &rustls::Error, minimum: TlsVersion) -> Error {
    use rustls::{
        AlertDescription, CertificateError, Error as Tls, InvalidMessage, OtherError,
        PeerIncompatible as Peer,
    };
    let failure = match error {
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => {
            return Error::PlainHttp { request };
        }
        Tls::InvalidCertificate(CertificateError::Other(OtherError(inner))) => {
            inner.downcast_ref::<TlsFailure>().cloned()
        }
        Tls::AlertReceived(AlertDescription::ProtocolVersion)
        | Tls::PeerIncompatible(
            Peer::ServerDoesNotSupportTls12Or13 | Peer::ServerTlsVersionIsDisabledByOurConfig,
        ) => Some(TlsFailure::Version(minimum)),
        _ => None,
    };
    Error::Tls {
        request,
        failure: failure.unwrap_or_else(|| TlsFailure::Other {
            detail: error.to_string(),
            certificate: None,
        }),
    }
}

/// The causes of an error, outermost first.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

/// An `io::Error` hides what it wraps from `source`.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as _),
        None => error.source(),
    }
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The first cause of all. The outer ones repeat the whole URL.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}
