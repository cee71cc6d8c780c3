//! Connections: one request, one answer, within limits of time and size.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::{CONTENT_TYPE, DATE, HeaderMap};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

use crate::pve::error::classify::{Raw, Way};
use crate::pve::error::failure::Phase;
use crate::pve::error::response::RequestInfo;
use crate::pve::error::{Error, classify};
use crate::pve::net::endpoint::Endpoint;
use crate::pve::net::request::Ask;
use crate::pve::settings::Settings;

/// Answers are held in memory; the longest recorded one, all users with their tokens, has 110 kB.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The server closes idle connections after five seconds.
const IDLE: Duration = Duration::from_secs(4);

/// The longest that a connection may take, when the request timeout leaves more.
const MAX_CONNECT: Duration = Duration::from_secs(10);

/// When the first packet of a connection was lost, the system sends another after a second.
const SECOND_PACKET: Duration = Duration::from_millis(1500);

/// The connections of one client, made when first needed: reading the machine's certificate
/// authorities takes a moment.
#[derive(Default)]
pub(crate) struct Transport(OnceLock<reqwest::Client>);

impl Transport {
    /// Sends one request and reads its answer, whatever it says. No redirect is followed and
    /// nothing is repeated.
    pub(crate) async fn exchange(
        &self,
        settings: &Settings,
        endpoint: &Endpoint,
        ask: &Ask,
        headers: &HeaderMap,
        line: &RequestInfo,
    ) -> Result<Raw, Error> {
        let begun = Instant::now();
        let answered = self.send(settings, url(endpoint, ask), ask, headers, line);
        let outcome = tokio::time::timeout(settings.request_timeout, answered)
            .await
            .unwrap_or_else(|_| {
                Err(Error::Timeout {
                    request: Box::new(line.clone()),
                    phase: Phase::Answer,
                    after: settings.request_timeout,
                })
            });
        tracing::debug!(
            method = %line.method,
            path = line.path,
            endpoint = line.endpoint,
            status = outcome.as_ref().ok().map(|raw| raw.status),
            elapsed_ms = begun.elapsed().as_millis(),
            "asked Proxmox VE"
        );
        outcome
    }

    async fn send(
        &self,
        settings: &Settings,
        url: Url,
        ask: &Ask,
        headers: &HeaderMap,
        line: &RequestInfo,
    ) -> Result<Raw, Error> {
        let way = Way {
            connect_timeout: connect_timeout(settings),
            min_version: settings.tls.min_version,
            proxy: settings.proxy.as_ref().filter(|proxy| proxy.leads_to(&url)),
        };
        let failed = |error| classify::transport(line, &error, &way);
        let mut request = self
            .http(settings, line)?
            .request(ask.method.clone(), url.clone())
            .headers(settings.headers.map().clone())
            .headers(headers.clone());
        if let Some(form) = &ask.form {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
        }
        let mut response = request.send().await.map_err(failed)?;
        let too_large = || Error::TooLarge {
            request: Box::new(line.clone()),
            limit: MAX_ANSWER,
        };
        let announced = response.content_length().unwrap_or_default();
        if announced > MAX_ANSWER as u64 {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(too_large());
            }
        }
        Ok(Raw::new(&response, body.freeze(), date(response.headers())))
    }

    fn http(&self, settings: &Settings, line: &RequestInfo) -> Result<&reqwest::Client, Error> {
        if let Some(http) = self.0.get() {
            return Ok(http);
        }
        let failed = |detail: String| Error::Setup {
            request: Box::new(line.clone()),
            detail,
        };
        let tls = settings.tls.client_config();
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.map_err(|error| failed(error.to_string()))?)
            .tls_info(true)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_idle_timeout(IDLE)
            .connect_timeout(connect_timeout(settings))
            .user_agent(&settings.user_agent);
        if let Some(proxy) = settings.proxy.clone() {
            http = http.proxy(reqwest::Proxy::custom(move |url| {
                proxy.leads_to(url).then(|| proxy.url().clone())
            }));
        }
        let http = http
            .build()
            .map_err(|error| failed(error.without_url().to_string()))?;
        Ok(self.0.get_or_init(|| http))
    }
}

/// Three tenths of the request timeout, so that a connection that does not come about is told from
/// an answer that does not; where that is little, enough for a packet to be sent a second time.
fn connect_timeout(settings: &Settings) -> Duration {
    let whole = settings.request_timeout;
    let least = SECOND_PACKET.min(whole / 2);
    (whole * 3 / 10).clamp(least, MAX_CONNECT.max(least))
}

fn url(endpoint: &Endpoint, ask: &Ask) -> Url {
    let mut url = match ask.outside_api {
        true => endpoint.url(),
        false => endpoint.api_url(),
    };
    // Percent-encoded already: `set_path` leaves escapes as they are.
    let path = format!("{}{}", url.path().trim_end_matches('/'), ask.path);
    url.set_path(&path);
    url.set_query(ask.query.as_deref());
    url
}

fn date(headers: &HeaderMap) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(headers.get(DATE)?.to_str().ok()?, &Rfc2822).ok()
}
