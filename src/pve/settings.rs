//! What a client is made from.

use std::time::Duration;

use crate::pve::auth::credentials::Credentials;
use crate::pve::net::endpoint::Endpoint;
use crate::pve::net::headers::ExtraHeaders;
use crate::pve::net::proxy::Proxy;
use crate::pve::net::retry::Retries;
use crate::pve::tls::policy::TlsPolicy;

/// Everything a client is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the host listens.
    pub endpoint: Endpoint,
    /// Further nodes of the same cluster, for when that one cannot be reached.
    pub other_endpoints: Vec<Endpoint>,
    /// Who asks.
    pub credentials: Credentials,
    /// Whom to trust.
    pub tls: TlsPolicy,
    /// The forward proxy on the way, if there is one. The environment is not looked at.
    pub proxy: Option<Proxy>,
    /// Headers for a gateway on the way.
    pub headers: ExtraHeaders,
    /// How often a request is repeated that certainly changed nothing.
    pub retries: Retries,
    /// The longest that one request may take, connection included.
    pub request_timeout: Duration,
    /// What the client calls itself.
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
