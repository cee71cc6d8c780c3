//! The settings of a client.

use std::time::Duration;

use crate::pve::auth::credentials::Credentials;
use crate::pve::net::endpoint::Endpoint;
use crate::pve::net::headers::ExtraHeaders;
use crate::pve::net::proxy::Proxy;
use crate::pve::net::retry::Retries;
use crate::pve::tls::policy::TlsPolicy;

/// The settings of a client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the host listens.
    pub endpoint: Endpoint,
    /// Further nodes of the same cluster, for when that one cannot be reached.
    pub other_endpoints: Vec<Endpoint>,
    /// The credentials.
    pub credentials: Credentials,
    /// The certificates to accept.
    pub tls: TlsPolicy,
    /// The forward proxy, if there is one. The environment is not read.
    pub proxy: Option<Proxy>,
    /// Headers for a gateway on the way.
    pub headers: ExtraHeaders,
    /// The number of repetitions of a request that certainly changed nothing.
    pub retries: Retries,
    /// The longest that one request may take, connection included.
    pub request_timeout: Duration,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Settings {
    /// The certificate verified against the machine's roots, and 30 seconds for a request.
    pub fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            endpoint,
            other_endpoints: Vec::new(),
            credentials,
            tls: TlsPolicy::default(),
            proxy: None,
            headers: ExtraHeaders::default(),
            retries: Retries::default(),
            request_timeout: Duration::from_secs(30),
            user_agent: concat!("terraform-provider-proxmox/", env!("CARGO_PKG_VERSION"))
                .to_owned(),
        }
    }
}
