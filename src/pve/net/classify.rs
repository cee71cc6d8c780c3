//! The meaning of a response, and of its absence.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use time::OffsetDateTime;

use crate::pve::error::ErrorKind;
use crate::pve::error::failure::{AuthFailure, Phase, ProxyFailure};
use crate::pve::error::refusal::Refusal;
use crate::pve::error::request::RequestInfo;
use crate::pve::foreign_text;
use crate::pve::net::proxy::Proxy;
use crate::pve::net::request::{About, Proof};
use crate::pve::net::response::RawResponse;
use crate::pve::progress::{self, Step};
use crate::pve::tls::failure::TlsFailure;
use crate::pve::tls::handshake::TlsVersion;

/// The most parameters of one refusal that are kept.
const MOST_FAULTS: usize = 20;

#[derive(Deserialize, Default)]
struct Envelope {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    errors: Option<BTreeMap<String, Value>>,
}

/// The content of a response, or the reason for its absence.
pub(crate) fn content(
    request: &RequestInfo,
    raw: &RawResponse,
    about: &About,
    proof: &Proof,
) -> Result<Bytes, ErrorKind> {
    match raw.status {
        200..300 => data(request, raw),
        401 if foreign(raw).is_none() => Err(unauthenticated(raw, proof)),
        _ => Err(refused(raw, about)),
    }
}

fn unauthenticated(raw: &RawResponse, proof: &Proof) -> ErrorKind {
    let refusal = Box::new(refusal(raw));
    let failure = match proof.failure {
        // The words for a request without any credential (`019-noauth`).
        AuthFailure::Token | AuthFailure::Ticket if refusal.message == "No ticket" => {
            AuthFailure::NotReceived
        }
        failure => failure,
    };
    ErrorKind::Unauthenticated {
        refusal,
        failure,
        identity: proof.identity.clone(),
    }
}

/// The form of every response of the API, without its content.
#[derive(Deserialize)]
struct Enveloped {
    #[serde(rename = "data")]
    _data: IgnoredAny,
}

/// Decoded by the caller, straight from the bytes: a tree of values would take many times the
/// size of the response.
fn data(request: &RequestInfo, raw: &RawResponse) -> Result<Bytes, ErrorKind> {
    if has_data(raw) {
        return Ok(raw.body.clone());
    }
    let detail = "a success whose content is not JSON with a \"data\" member".to_owned();
    // A server took a write and confirmed it in words that are not Proxmox VE's: the write may
    // have happened.
    Err(match request.is_write() {
        true => ErrorKind::Decode { detail },
        false => ErrorKind::NotProxmox { detail },
    })
}

fn has_data(raw: &RawResponse) -> bool {
    serde_json::from_slice::<Enveloped>(&raw.body).is_ok()
}

/// The refusal, as far as it can be read.
pub(crate) fn refusal(raw: &RawResponse) -> Refusal {
    let envelope: Envelope = serde_json::from_slice(&raw.body).unwrap_or_default();
    let text = |value: Value| match value {
        Value::String(text) => raw.sent.shown(&text),
        other => raw.sent.shown(&other.to_string()),
    };
    let message = envelope
        .message
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let reason = raw.sent.shown(&raw.reason);
    Refusal {
        status: raw.status,
        message: message.map_or_else(|| reason.clone(), |message| raw.sent.shown(message)),
        reason,
        errors: envelope
            .errors
            .into_iter()
            .flatten()
            .take(MOST_FAULTS)
            .map(|(name, value)| (raw.sent.shown(&name), text(value)))
            .collect(),
        clock_ahead: raw.date.map(|date| date - OffsetDateTime::now_utc()),
    }
}

/// The kind of a refusal. The server's status codes alone do not tell: a missing object is a 500
/// (recordings `096-token-get-missing`, `107-user-get-missing`), never a 404.
pub(crate) fn refused(raw: &RawResponse, about: &About) -> ErrorKind {
    if matches!(raw.status, 408 | 429 | 502..=504) {
        return ErrorKind::Gateway {
            refusal: Box::new(refusal(raw)),
            retry_after: raw.retry_after,
        };
    }
    if let Some(detail) = foreign(raw) {
        return ErrorKind::NotProxmox { detail };
    }
    let refusal = Box::new(refusal(raw));
    let says = |text: &str| refusal.message.contains(text);
    match (about.token.clone(), about.user.clone(), about.role.clone()) {
        (Some(token), ..) if says("Token already exists") || is_taken(&refusal) => {
            ErrorKind::TokenExists { refusal, token }
        }
        (Some(token), ..) if says("no such token '") => ErrorKind::NoSuchToken { refusal, token },
        (_, Some(user), _) if says("no such user ('") => ErrorKind::NoSuchUser { refusal, user },
        (.., Some(role)) if says(&format!("role '{role}' does not exist")) => {
            ErrorKind::NoSuchRole { refusal, role }
        }
        _ if says("got lock request timeout") => ErrorKind::LockTimeout { refusal },
        _ if says("no quorum") => ErrorKind::NoQuorum { refusal },
        // `538-acl-change-below-vms-by-allocate`
        _ if says("Cannot add role") && says("Permissions.Modify") => {
            ErrorKind::Forbidden { refusal }
        }
        _ => by_status(refusal),
    }
}

/// `036-token-create-duplicate`
fn is_taken(refusal: &Refusal) -> bool {
    refusal
        .errors
        .get("tokenid")
        .is_some_and(|text| text.contains("Token already exists"))
}

fn by_status(refusal: Box<Refusal>) -> ErrorKind {
    match refusal.status {
        403 => ErrorKind::Forbidden { refusal },
        400 if !refusal.errors.is_empty() => ErrorKind::ParameterErrors { refusal },
        595..=599 => ErrorKind::ProxyHop { refusal },
        _ => ErrorKind::Api { refusal },
    }
}

/// The evidence that a refusal is not Proxmox VE's, which redirects only plain HTTP
/// (`424-plain-http-get`), never names a scheme to log in with, and whose refusals have a `data`
/// member, but for a 401 without any body (`019-noauth`).
fn foreign(raw: &RawResponse) -> Option<String> {
    match raw.status {
        300..400 => {
            let target = raw.location.as_deref().unwrap_or("nowhere");
            let target = target.split(['?', '#']).next().unwrap_or_default();
            Some(format!("it redirects to {target} ({})", raw.status))
        }
        404 => Some("it answers 404, which the API of Proxmox VE never does".to_owned()),
        400..500 if raw.is_html => Some(format!("it answers {} with a web page", raw.status)),
        401 if raw.names_login_scheme => {
            Some("it answers 401 and demands a login of its own (WWW-Authenticate)".to_owned())
        }
        401 if raw.body.is_empty() => None,
        400 | 401 | 403 if !has_data(raw) => Some(format!(
            "it answers {} in a form that Proxmox VE never uses",
            raw.status
        )),
        _ => None,
    }
}

/// The way of a request, as far as it explains why there is no response.
pub(crate) struct Way<'a> {
    pub(crate) connect_timeout: Duration,
    pub(crate) min_version: TlsVersion,
    /// The proxy that leads there.
    pub(crate) proxy: Option<&'a Proxy>,
}

/// Why there was no response.
pub(crate) fn transport(request: &RequestInfo, error: &reqwest::Error, way: &Way<'_>) -> ErrorKind {
    if error.is_connect() {
        return no_connection(error, way);
    }
    let detail = innermost(error);
    // A server that took a write and responded in something other than HTTP may have done it.
    if !request.is_write() && find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return ErrorKind::NotProxmox { detail };
    }
    ErrorKind::Lost { detail }
}

fn no_connection(error: &reqwest::Error, way: &Way<'_>) -> ErrorKind {
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_failure(tls, way.min_version);
    }
    let detail = innermost(error);
    let after = way.connect_timeout;
    if let Some(proxy) = way.proxy.filter(|proxy| is_of_proxy(error, proxy)) {
        return ErrorKind::Proxy {
            proxy: proxy.to_string(),
            failure: no_tunnel(error, after),
        };
    }
    if error.is_timeout() {
        let phase = Phase::Connect(progress::noted());
        ErrorKind::Timeout { phase, after }
    } else if error.is_dns() {
        ErrorKind::Dns { detail }
    } else if is_refused(error) {
        ErrorKind::Refused
    } else {
        ErrorKind::Connect { detail }
    }
}

/// Whether a failure is that of the proxy, and not of the host behind it.
fn is_of_proxy(error: &reqwest::Error, proxy: &Proxy) -> bool {
    if error.is_timeout() {
        // The one handshake is with the host, unless the proxy is reached over TLS as well.
        return progress::noted() != Step::Handshake || proxy.tls_name().is_some();
    }
    in_tunnel(error) && !(error.is_dns() && proxy.takes_addresses_only())
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
    } else if let Some(detail) = detail.strip_prefix("SOCKS error: ") {
        match detail {
            "credentials not accepted" | "server does not support user/pass authentication" => {
                ProxyFailure::Unauthenticated
            }
            "connection not allowed"
            | "network unreachable"
            | "host unreachable"
            | "connection refused" => ProxyFailure::NoTunnel,
            "failed to create underlying connection" => ProxyFailure::Unreachable,
            detail => ProxyFailure::Other(detail.to_owned()),
        }
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
    let is_tunnel = |text: &str| text.starts_with("tunnel error") || text.contains("socks proxy");
    causes(error).any(|cause| is_tunnel(&cause.to_string()))
}

fn tls_failure(error: &rustls::Error, minimum: TlsVersion) -> ErrorKind {
    use rustls::{
        AlertDescription, CertificateError, Error as Tls, InvalidMessage, OtherError,
        PeerIncompatible as Peer,
    };
    let failure = match error {
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => return ErrorKind::PlainHttp,
        Tls::InvalidCertificate(CertificateError::Other(OtherError(inner))) => {
            inner.downcast_ref::<TlsFailure>().cloned()
        }
        Tls::AlertReceived(AlertDescription::ProtocolVersion)
        | Tls::PeerIncompatible(
            Peer::ServerDoesNotSupportTls12Or13 | Peer::ServerTlsVersionIsDisabledByOurConfig,
        ) => Some(TlsFailure::Version(minimum)),
        _ => None,
    };
    ErrorKind::Tls {
        failure: failure.unwrap_or_else(|| TlsFailure::Other {
            detail: foreign_text::shown(&without_links(&error.to_string())),
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
    let last = causes(error).last().map(ToString::to_string);
    foreign_text::shown(&without_links(&last.unwrap_or_default()))
}

/// The text of a library without the addresses of its documentation.
fn without_links(text: &str) -> String {
    match text.find("http://docs.rs").or(text.find("https://docs.rs")) {
        Some(link) => text[..link]
            .trim_end_matches([' ', ':', '(', ','])
            .to_owned(),
        None => text.to_owned(),
    }
}
