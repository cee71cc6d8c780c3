//! The forward proxy that leads to a host, where there is one.
//!
//! The proxy is asked for a tunnel to the host (`CONNECT`, or SOCKS5), in which TLS then runs with
//! the host itself: the proxy sees its name and nothing that is said. The connection to the proxy
//! may itself be TLS.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use rustls::pki_types::ServerName;
use url::Url;

use crate::pve::net::endpoint::{Endpoint, is_invisible};

/// The schemes of proxies. With `socks5h`, the proxy looks up the name of the host.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// Why a text names no proxy. It is never quoted: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// `socks4://`, `ftp://`, …
    #[error("its scheme is none of http://, https://, socks5:// and socks5h://")]
    Scheme,
    /// A line break, a tab, white space or an invisible character inside.
    #[error("it has white space, a line break or an invisible character inside")]
    Invisible,
    /// No host, a bad port, a path.
    #[error("it has not the form http://host:port or http://user:password@host:port")]
    Malformed,
}

/// The hosts that are reached without the proxy that an environment names for everybody: this
/// machine, and those in a list as the variable `NO_PROXY` has it.
#[derive(Debug, Clone)]
pub struct NoProxy(Arc<Matcher>);

impl NoProxy {
    /// Reads such a list: names that stand for their subdomains too, addresses, networks, `*`.
    pub fn new(list: &str) -> Self {
        // The matcher is asked for the hosts that are left to some proxy, whichever it is.
        let others = Matcher::builder().all("http://proxy").no(list).build();
        Self(Arc::new(others))
    }

    /// Whether no proxy leads to this endpoint.
    pub fn spares(&self, endpoint: &Endpoint) -> bool {
        self.spares_url(&endpoint.api_url())
    }

    fn spares_url(&self, url: &Url) -> bool {
        let uri = url.as_str().parse();
        is_this_machine(url) || uri.is_ok_and(|uri| self.0.intercept(&uri).is_none())
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A forward proxy, and which hosts it does not lead to.
#[derive(Clone)]
pub struct Proxy {
    url: Url,
    unless: Option<NoProxy>,
}

impl Proxy {
    /// The same proxy, but not for these hosts.
    #[must_use]
    pub fn unless(self, spared: NoProxy) -> Self {
        let unless = Some(spared);
        Self { unless, ..self }
    }

    /// Whether it leads to this address.
    pub(crate) fn leads_to(&self, url: &Url) -> bool {
        let spared = self.unless.as_ref();
        !spared.is_some_and(|spared| spared.spares_url(url))
    }

    /// The name of a proxy that is reached over TLS, which its certificate must be valid for.
    pub(crate) fn tls_name(&self) -> Option<ServerName<'static>> {
        let host = self
            .url
            .host_str()
            .filter(|_| self.url.scheme() == "https")?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        ServerName::try_from(bare.to_owned()).ok()
    }

    /// Whether the name of the host is looked up on this machine, and the proxy has none that could
    /// be meant instead.
    pub(crate) fn takes_addresses_only(&self) -> bool {
        let is_address = self
            .url
            .host_str()
            .is_some_and(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok());
        self.url.scheme() == "socks5" && is_address
    }

    /// The URL, credentials included, for the connection.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let text = text.trim();
        if text.contains(is_invisible) {
            return Err(ProxyError::Invisible);
        }
        let text = match text.split_once("://") {
            Some((scheme, _)) if SCHEMES.iter().any(|one| scheme.eq_ignore_ascii_case(one)) => {
                text.to_owned()
            }
            Some(_) => return Err(ProxyError::Scheme),
            None => format!("http://{text}"),
        };
        let mut url = Url::parse(&text).map_err(|_| ProxyError::Malformed)?;
        let is_more =
            !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        if is_more || url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
            return Err(ProxyError::Malformed);
        }
        if url.scheme().starts_with("socks") && url.port().is_none() {
            // The `url` crate knows no default port of SOCKS (RFC 1928, section 3).
            url.set_port(Some(1080))
                .map_err(|()| ProxyError::Malformed)?;
        }
        Ok(Self { url, unless: None })
    }
}

/// Host and port, without credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or_default();
        write!(f, "{host}:{port}")
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{NoProxy, Proxy, ProxyError};

    fn proxy(text: &str) -> Proxy {
        text.parse().unwrap()
    }

    fn leads(proxy: &Proxy, host: &str) -> bool {
        proxy.leads_to(&format!("https://{host}:8006/").parse().unwrap())
    }

    #[test]
    fn a_proxy_is_shown_without_its_credentials() {
        for (text, shown) in [
            (
                "http://user:s3cr3t@proxy.example.com:3128",
                "proxy.example.com:3128",
            ),
            ("HTTP://proxy/", "proxy:80"),
            ("proxy:3128", "proxy:3128"),
            ("https://user:s3cr3t@proxy", "proxy:443"),
            ("socks5://user:s3cr3t@proxy", "proxy:1080"),
            ("SOCKS5H://proxy:9050/", "proxy:9050"),
            ("[2001:db8::7]:3128", "[2001:db8::7]:3128"),
        ] {
            let proxy = proxy(text);
            assert_eq!(proxy.to_string(), shown);
            assert!(!format!("{proxy:?}").contains("s3cr3t"));
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_not_quoted() {
        for (text, error) in [
            ("socks4://u:s3cr3t@proxy:1080", ProxyError::Scheme),
            ("ftp://u:s3cr3t@proxy", ProxyError::Scheme),
            ("socks5://u:s3cr3t@", ProxyError::Malformed),
            ("", ProxyError::Malformed),
            ("http://", ProxyError::Malformed),
            ("http://pro\nxy:3128", ProxyError::Invisible),
            ("http://u:s3 cr3t@proxy", ProxyError::Invisible),
            ("proxy:0", ProxyError::Malformed),
            ("proxy:99999", ProxyError::Malformed),
            ("http://proxy/path", ProxyError::Malformed),
            ("http://u:s3cr3t@proxy:x", ProxyError::Malformed),
        ] {
            let found = text.parse::<Proxy>().unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(!found.to_string().contains("s3cr3t"));
        }
    }

    #[test]
    fn a_proxy_that_was_set_explicitly_leads_everywhere() {
        let explicit = proxy("proxy:3128");
        assert!(leads(&explicit, "127.0.0.1") && leads(&explicit, "pve1.example.com"));
    }

    #[test]
    fn a_proxy_of_the_environment_spares_this_machine_and_the_listed_hosts() {
        let usual = proxy("proxy:3128").unless(NoProxy::new("example.com,192.0.2.0/24"));
        for host in [
            "127.0.0.1",
            "[::1]",
            "localhost",
            "pve1.example.com",
            "192.0.2.7",
        ] {
            assert!(!leads(&usual, host), "{host}");
        }
        assert!(leads(&usual, "pve1.example.org") && leads(&usual, "198.51.100.7"));
        assert!(!leads(
            &proxy("proxy:3128").unless(NoProxy::new("*")),
            "pve1.example.org"
        ));
    }
}
