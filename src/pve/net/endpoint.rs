//! Where a Proxmox VE host listens.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use rustls::pki_types::ServerName;
use url::{Host, Url};

/// The port on which Proxmox VE serves its API.
pub const DEFAULT_PORT: u16 = 8006;

/// Why a text does not name an endpoint. User information in a URL is never quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing was given.
    #[error(
        "the endpoint is empty: give a host name, an address or a URL such as https://pve1.example.com:8006"
    )]
    Empty,
    /// `http://`.
    #[error(
        "the endpoint starts with http://, but Proxmox VE answers on https only: write https:// or leave the scheme out"
    )]
    PlainHttp,
    /// Another scheme.
    #[error("the endpoint has the scheme \"{0}\": only https is possible")]
    Scheme(String),
    /// `user:password@host`.
    #[error(
        "the endpoint holds a user name or password before '@': credentials have attributes of their own"
    )]
    UserInfo,
    /// `?…` or `#…`.
    #[error("the endpoint has a part after '?' or '#': give the address only")]
    QueryOrFragment,
    /// A line break, a tab, white space or an invisible character inside.
    #[error(
        "the endpoint has {0} inside: write the address in one line, without white space and invisible characters"
    )]
    Invisible(String),
    /// The host or port cannot be read.
    #[error("the endpoint cannot be read: {0}")]
    Malformed(String),
}

/// The address of one node's API: host, port and, behind a reverse proxy, a path prefix.
///
/// ```
/// use terraform_provider_proxmox::pve::Endpoint;
///
/// let endpoint: Endpoint = "pve1.example.com".parse()?;
/// assert_eq!(endpoint.to_string(), "https://pve1.example.com:8006");
/// assert_eq!(endpoint.api_url().as_str(), "https://pve1.example.com:8006/api2/json/");
/// # Ok::<(), terraform_provider_proxmox::pve::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    base: Url,
    port: u16,
}

impl Endpoint {
    /// The URL of the host's page for browsers, with a slash at the end.
    pub(crate) fn url(&self) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}/", self.prefix());
        url.set_path(&path);
        url
    }

    /// The root of the JSON API, with a slash at the end.
    pub fn api_url(&self) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}/api2/json/", self.prefix());
        url.set_path(&path);
        url
    }

    /// The host: a name, an IPv4 address, or an IPv6 address without brackets.
    pub fn host(&self) -> String {
        match self.base.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        }
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The same host at another port.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        let mut base = self.base.clone();
        // Fails only for a URL without a host, which `from_str` never lets through.
        let _ = base.set_port(Some(port));
        Self { base, port }
    }

    /// Whether both lead to one server: equal addresses, or `localhost` and its address.
    pub fn is_same_server(&self, other: &Self) -> bool {
        let named = |one: &Self| match one.host().as_str() {
            "127.0.0.1" | "::1" => "localhost".to_owned(),
            host => host.to_owned(),
        };
        named(self) == named(other) && self.port == other.port && self.prefix() == other.prefix()
    }

    /// The port that a text names itself, not by default.
    pub fn explicit_port(text: &str) -> Option<u16> {
        let text = text.trim();
        if text.parse::<Ipv6Addr>().is_ok() {
            return None;
        }
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let (_, port) = rest.split('/').next()?.rsplit_once(':')?;
        port.parse().ok()
    }

    fn prefix(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        // The `url` crate drops some of these without a word, and asks another host.
        if let Some(character) = text.chars().find(|character| is_invisible(*character)) {
            return Err(EndpointError::Invisible(name_of(character)));
        }
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => {
                return Err(EndpointError::PlainHttp);
            }
            Some((scheme, _)) => {
                return Err(EndpointError::Scheme(scheme.chars().take(20).collect()));
            }
            None => text,
        };
        if rest.contains(['?', '#']) {
            return Err(EndpointError::QueryOrFragment);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(EndpointError::UserInfo);
        }
        // The `url` crate reads a backslash as a slash, and decodes `%2E`.
        let is_odd = |c: char| matches!(c, '\\' | '%') || !(c.is_ascii() || c.is_alphanumeric());
        if authority.contains(is_odd) {
            return Err(EndpointError::Malformed(
                "its host is no valid name".to_owned(),
            ));
        }
        let bare_ipv6 = authority.parse::<Ipv6Addr>().is_ok();
        let authority = if bare_ipv6 {
            format!("[{authority}]")
        } else {
            authority.to_owned()
        };
        let mut base = Url::parse(&format!("https://{authority}{}", without_api_path(path)))
            .map_err(|error| EndpointError::Malformed(error.to_string()))?;
        // The `url` crate drops :443, the default of https, which here is as good as any other.
        let port = match base.port() {
            Some(port) => port,
            None if authority.ends_with(":443") => 443,
            None => DEFAULT_PORT,
        };
        if !base.host_str().is_some_and(is_host) {
            return Err(EndpointError::Malformed(
                "its host is no valid name".to_owned(),
            ));
        }
        if port == 0 {
            return Err(EndpointError::Malformed(
                "port 0 cannot be connected to".to_owned(),
            ));
        }
        base.set_port(Some(port))
            .map_err(|()| EndpointError::Malformed("it names no host".to_owned()))?;
        Ok(Self { base, port })
    }
}

/// Whether a character cannot be seen in a line of text: white space, control characters, and those
/// of Unicode that have no width or change the direction of writing.
pub(crate) fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// An invisible character in words.
pub(crate) fn name_of(character: char) -> String {
    match character {
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        ' ' => "a space".to_owned(),
        other => format!("the invisible character U+{:04X}", u32::from(other)),
    }
}

/// Whether a certificate could be valid for the name: no empty or overlong labels.
fn is_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare).is_ok()
}

/// The prefix alone, where the API's own path was given along out of habit.
fn without_api_path(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    for habit in ["/api2/json", "/api2/extjs", "/api2"] {
        if let Some(prefix) = path.strip_suffix(habit) {
            return prefix.trim_end_matches('/');
        }
    }
    path
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.base.host_str().unwrap_or_default();
        write!(f, "https://{host}:{}{}", self.port, self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, EndpointError};

    fn shown(text: &str) -> String {
        text.parse::<Endpoint>().unwrap().to_string()
    }

    #[test]
    fn scheme_and_port_are_assumed_where_not_given() {
        for (text, expected) in [
            ("pve1", "https://pve1:8006"),
            ("  PVE1.example.com ", "https://pve1.example.com:8006"),
            ("pve1:443", "https://pve1:443"),
            ("https://pve1:443/", "https://pve1:443"),
            ("https://pve1", "https://pve1:8006"),
            ("HTTPS://pve1:9000//", "https://pve1:9000"),
            ("192.0.2.7", "https://192.0.2.7:8006"),
            ("192.0.2.7:1", "https://192.0.2.7:1"),
            ("2001:db8::7", "https://[2001:db8::7]:8006"),
            ("[2001:db8::7]", "https://[2001:db8::7]:8006"),
            ("[2001:db8::7]:443", "https://[2001:db8::7]:443"),
            ("https://[2001:db8::7]:8443/", "https://[2001:db8::7]:8443"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn the_api_path_given_out_of_habit_is_dropped_and_a_prefix_kept() {
        for text in [
            "https://pve1:8006/api2/json",
            "https://pve1:8006/api2/json/",
            "pve1/api2",
        ] {
            assert_eq!(shown(text), "https://pve1:8006", "{text}");
        }
        let behind_proxy: Endpoint = "https://gate/cluster/one/api2/json/".parse().unwrap();
        assert_eq!(behind_proxy.to_string(), "https://gate:8006/cluster/one");
        assert_eq!(
            behind_proxy.api_url().as_str(),
            "https://gate:8006/cluster/one/api2/json/"
        );
    }

    #[test]
    fn the_api_url_keeps_the_port_that_https_would_imply() {
        let endpoint: Endpoint = "pve1:443".parse().unwrap();
        assert_eq!(endpoint.api_url().as_str(), "https://pve1/api2/json/");
        assert_eq!(endpoint.port(), 443);
    }

    #[test]
    fn host_and_port_can_be_asked_for() {
        let endpoint: Endpoint = "[2001:db8::7]".parse().unwrap();
        assert_eq!(
            (endpoint.host().as_str(), endpoint.port()),
            ("2001:db8::7", 8006)
        );
        assert_eq!(
            endpoint.with_port(443).to_string(),
            "https://[2001:db8::7]:443"
        );
        assert_eq!(
            endpoint.with_port(443).api_url().as_str(),
            "https://[2001:db8::7]/api2/json/"
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_reason() {
        for (text, error) in [
            (" ", EndpointError::Empty),
            ("http://pve1:8006", EndpointError::PlainHttp),
            ("ssh://pve1", EndpointError::Scheme("ssh".into())),
            ("https://root:hunter2@pve1", EndpointError::UserInfo),
            ("https://pve1/?x=1", EndpointError::QueryOrFragment),
            ("pve1#v1", EndpointError::QueryOrFragment),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap_err(), error, "{text}");
        }
        for text in [
            "https://",
            "pve1:99999",
            "pve1:x",
            "pve1:0",
            "[2001:db8::7",
            "https://:8006",
            "pve1..example.com",
            &"a".repeat(64),
        ] {
            assert!(
                matches!(text.parse::<Endpoint>(), Err(EndpointError::Malformed(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn an_invisible_character_inside_is_refused_and_named() {
        for (text, named) in [
            ("127.0.0.1\n.evil", "a line break"),
            ("https://pve1\r\n.example.com", "a line break"),
            ("pve\t1", "a tab"),
            ("pve1 .example.com", "a space"),
            ("pve1:80\n06", "a line break"),
            ("https://pve1/pre\nfix", "a line break"),
            ("ht\ntps://pve1", "a line break"),
            ("pve\u{200b}1", "U+200B"),
            ("pve\u{ad}1", "U+00AD"),
            ("\u{202e}pve1", "U+202E"),
            ("pve1\0", "U+0000"),
            ("\u{feff}pve1", "U+FEFF"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            let is_named = matches!(&error, EndpointError::Invisible(name) if name.contains(named));
            assert!(is_named, "{text:?}: {error}");
        }
        assert_eq!(shown("\n pve1\t\n"), "https://pve1:8006");
    }

    #[test]
    fn a_host_that_would_be_read_as_another_one_is_refused() {
        for text in [
            "pve1\\.evil",
            "pve1%2eevil",
            "pve1\u{3002}evil",
            "pve1\u{ff0e}evil",
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert!(
                matches!(error, EndpointError::Malformed(_)),
                "{text:?}: {error}"
            );
        }
    }

    #[test]
    fn a_port_that_is_named_is_told_from_the_default() {
        for (text, port) in [
            ("pve1", None),
            ("pve1:8006", Some(8006)),
            ("https://pve1:443/", Some(443)),
            ("https://pve1/a:1", None),
            ("2001:db8::7", None),
            ("[2001:db8::7]:9000", Some(9000)),
            ("[2001:db8::7]", None),
        ] {
            assert_eq!(Endpoint::explicit_port(text), port, "{text}");
        }
    }
}
