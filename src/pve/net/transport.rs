//! Connections: one request to one node, one response, within limits of time and size.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::{CONTENT_TYPE, DATE, HeaderMap};
use time::OffsetDateTime;
use url::Url;

use crate::pve::error::failure::Phase;
use crate::pve::error::request::RequestInfo;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::foreign_text::SentSecrets;
use crate::pve::net::classify::{self, Way};
use crate::pve::net::clock::http_date;
use crate::pve::net::endpoint::Endpoint;
use crate::pve::net::headers::ExtraHeaders;
use crate::pve::net::proxy::Proxy;
use crate::pve::net::request::Request;
use crate::pve::net::resolver::SystemResolver;
use crate::pve::net::response::RawResponse;
use crate::pve::progress;
use crate::pve::tls::policy::TlsPolicy;

/// The server closes idle connections after five seconds.
const IDLE: Duration = Duration::from_secs(4);

/// The longest that a connection may take, when the request timeout leaves more.
const MAX_CONNECT: Duration = Duration::from_secs(10);

/// When the first packet of a connection was lost, the system sends another after a second.
const SECOND_PACKET: Duration = Duration::from_millis(1500);

/// The settings of a connection.
pub(crate) struct TransportSettings {
    pub(crate) tls: TlsPolicy,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) headers: ExtraHeaders,
    pub(crate) request_timeout: Duration,
    pub(crate) user_agent: String,
}

/// The connections of one client, made when first needed: reading the machine's certificate
/// authorities takes a moment.
pub(crate) struct Transport {
    settings: TransportSettings,
    http: OnceLock<reqwest::Client>,
}

impl Transport {
    pub(crate) fn new(settings: TransportSettings) -> Self {
        Self {
            settings,
            http: OnceLock::new(),
        }
    }

    /// Sends one request to one node and reads the response, whatever it says. No redirect is
    /// followed and nothing is repeated.
    pub(crate) async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        proof: &HeaderMap,
        info: &RequestInfo,
    ) -> Result<RawResponse, Error> {
        let begun = Instant::now();
        let limit = self.settings.request_timeout;
        let send = progress::tracked(self.send(endpoint, request, proof, info));
        let outcome = tokio::time::timeout(limit, send).await.unwrap_or_else(|_| {
            let phase = Phase::Response;
            Err(ErrorKind::Timeout {
                phase,
                after: limit,
            })
        });
        let outcome = outcome.map_err(|kind| Error::new(info.clone(), kind));
        tracing::debug!(
            method = %info.method,
            path = info.path,
            endpoint = info.endpoint,
            status = outcome.as_ref().ok().map(|raw| raw.status),
            error = outcome.as_ref().err().map(ToString::to_string),
            elapsed_ms = begun.elapsed().as_millis(),
            "Sent a request to Proxmox VE"
        );
        outcome
    }

    async fn send(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        proof: &HeaderMap,
        info: &RequestInfo,
    ) -> Result<RawResponse, ErrorKind> {
        let settings = &self.settings;
        let url = url(endpoint, request);
        let way = Way {
            connect_timeout: connect_timeout(settings.request_timeout),
            min_version: settings.tls.min_version,
            proxy: settings.proxy.as_ref().filter(|proxy| proxy.leads_to(&url)),
        };
        let failed = |error| classify::transport(info, &error, &way);
        let mut sent = self
            .http()?
            .request(request.method.clone(), url.clone())
            .headers(settings.headers.map().clone())
            .headers(proof.clone());
        if let Some(form) = &request.form {
            sent = sent
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
        }
        let mut response = sent.send().await.map_err(failed)?;
        let limit = request.longest_response;
        let announced = response.content_length().unwrap_or_default();
        if announced > limit as u64 {
            return Err(ErrorKind::TooLarge { limit });
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > limit {
                return Err(ErrorKind::TooLarge { limit });
            }
        }
        let date = date(response.headers());
        let sent = sent_secrets(request, [proof, settings.headers.map()]);
        Ok(RawResponse::new(&response, body.freeze(), date, sent))
    }

    fn http(&self) -> Result<&reqwest::Client, ErrorKind> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = self.settings.http()?;
        Ok(self.http.get_or_init(|| http))
    }
}

impl TransportSettings {
    fn http(&self) -> Result<reqwest::Client, ErrorKind> {
        let failed = |detail| ErrorKind::Setup { detail };
        let proxy = self.proxy.as_ref().and_then(Proxy::tls_name);
        let tls = self.tls.client_config(proxy);
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.map_err(|error| failed(error.to_string()))?)
            .tls_info(true)
            .http1_only()
            .no_proxy()
            .dns_resolver(Arc::new(SystemResolver))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_idle_timeout(IDLE)
            .connect_timeout(connect_timeout(self.request_timeout))
            .user_agent(&self.user_agent);
        if let Some(proxy) = self.proxy.clone() {
            http = http.proxy(reqwest::Proxy::custom(move |url| {
                proxy.leads_to(url).then(|| proxy.url().clone())
            }));
        }
        http.build()
            .map_err(|error| failed(error.without_url().to_string()))
    }
}

/// Three tenths of the request timeout, so that a failed connection can be told from a response
/// that does not come; where that is little, enough for a packet to be sent a second time.
fn connect_timeout(whole: Duration) -> Duration {
    let least = SECOND_PACKET.min(whole / 2);
    (whole / 10 * 3).clamp(least, MAX_CONNECT.max(least))
}

fn url(endpoint: &Endpoint, request: &Request) -> Url {
    let mut url = match request.outside_api {
        true => endpoint.url(),
        false => endpoint.api_url(),
    };
    // Percent-encoded already: `set_path` leaves escapes as they are.
    let path = format!("{}{}", url.path().trim_end_matches('/'), request.path);
    url.set_path(&path);
    url.set_query(request.query.as_deref());
    url
}

/// The secrets of a request: the values of its headers, and of the fields of its login.
fn sent_secrets(request: &Request, headers: [&HeaderMap; 2]) -> SentSecrets {
    let mut sent = SentSecrets::default();
    let values = headers.into_iter().flat_map(HeaderMap::values);
    for value in values.filter_map(|value| value.to_str().ok()) {
        sent.add(value);
        // `PVEAPIToken=user@realm!name=secret`, `PVEAuthCookie=ticket`
        if let Some((_, secret)) = value.rsplit_once('=') {
            sent.add(secret);
        }
        if let Some((_, credential)) = value.split_once(['=', ' ']) {
            sent.add(credential);
        }
    }
    let form = request.form.as_deref().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(form.as_bytes()) {
        if matches!(&*name, "password" | "tfa-challenge") {
            sent.add(&value);
        }
    }
    sent
}

fn date(headers: &HeaderMap) -> Option<OffsetDateTime> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_connection_has_a_part_of_any_request_timeout(seconds: u64, nanos in 0_u32..1_000_000_000) {
            let whole = Duration::new(seconds, nanos);
            let connect = connect_timeout(whole);
            prop_assert!(connect <= whole / 2 || connect <= MAX_CONNECT);
        }
    }
}
