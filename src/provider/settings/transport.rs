//! How requests get there, out of the attributes that say so: proxy, headers, limits.

use std::collections::BTreeMap;
use std::time::Duration;

use tf_provider::Diagnostics;

use crate::framework::Report;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::settings::address::Nodes;
use crate::provider::settings::credentials::SettingError;
use crate::provider::settings::environment::{Environment, Variables};
use crate::provider::settings::setting::{Setting, Source};
use crate::pve::{ExtraHeaders, NoProxy, Proxy, Retries, Secret};

/// How long one request may take unless `request_timeout` says otherwise.
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// More repetitions than these help nobody.
const MAX_RETRIES: i64 = 20;

/// The attributes about the way to the host, as given.
#[derive(Clone, Debug, Default)]
pub struct TransportSettings {
    /// The proxy that leads there.
    pub proxy: Setting<ProxySetting>,
    /// Headers for a gateway on the way.
    pub http_headers: Setting<BTreeMap<String, StoredSecret>>,
    /// The longest time one request may take.
    pub request_timeout: Setting<String>,
    /// How often something is asked again that certainly changed nothing.
    pub max_retries: Setting<i64>,
}

/// A proxy as somebody named it.
#[derive(Clone, Debug)]
pub struct ProxySetting {
    /// It may hold a password. Empty: no proxy at all.
    url: StoredSecret,
    /// The hosts to which it does not lead, where it was not named for us in particular.
    unless: Option<String>,
}

impl ProxySetting {
    /// A proxy that was named for this provider: it leads everywhere.
    pub fn explicit(url: StoredSecret) -> Self {
        let unless = None;
        Self { url, unless }
    }
}

impl TransportSettings {
    /// The values of the environment. Reports those that cannot be read.
    pub fn from_environment(environment: &Environment, diags: &mut Diagnostics) -> Self {
        let first = |own, fallback| environment.first(&Variables { own, fallback });
        Self {
            proxy: proxy_of(environment),
            http_headers: headers_of(environment.get("PROXMOX_VE_HTTP_HEADERS"), diags),
            request_timeout: first("PROXMOX_VE_REQUEST_TIMEOUT", Some("PM_TIMEOUT")),
            max_retries: number(environment.get("PROXMOX_VE_MAX_RETRIES"), diags),
        }
    }

    /// These values, and the other ones where there are none.
    pub fn or(self, other: Self) -> Self {
        Self {
            proxy: self.proxy.or(other.proxy),
            http_headers: self.http_headers.or(other.http_headers),
            request_timeout: self.request_timeout.or(other.request_timeout),
            max_retries: self.max_retries.or(other.max_retries),
        }
    }

    /// Reports everything that is wrong with the values that are known. A proxy that the
    /// environment names for everybody is looked at when a host is known to which it leads.
    pub fn check(&self, diags: &mut Diagnostics) {
        if let Setting::Known(ProxySetting { url, unless: None }, source) = &self.proxy {
            let _ = parse_proxy(url, source, diags);
        }
        let _ = self.headers(diags);
        let _ = self.request_timeout(diags);
        let _ = self.retries(diags);
    }

    /// The proxy that leads to any of these nodes, if there is one.
    pub fn proxy(
        &self,
        nodes: &Nodes,
        diags: &mut Diagnostics,
    ) -> Result<Option<Proxy>, SettingError> {
        let (setting, source) = match &self.proxy {
            Setting::Absent => return Ok(None),
            Setting::Unknown(source) => return Err(SettingError::Unknown(source.clone())),
            Setting::Known(setting, source) => (setting, source),
        };
        let spared = setting.unless.as_deref().map(NoProxy::new);
        match spared {
            None => parse_proxy(&setting.url, source, diags),
            Some(spared) if nodes.all().all(|node| spared.spares(node)) => Ok(None),
            Some(spared) => {
                let proxy = parse_proxy(&setting.url, source, diags)?;
                Ok(proxy.map(|proxy| proxy.unless(spared)))
            }
        }
    }

    /// The headers to send along.
    pub fn headers(&self, diags: &mut Diagnostics) -> Result<ExtraHeaders, SettingError> {
        let (given, source) = match &self.http_headers {
            Setting::Absent => return Ok(ExtraHeaders::default()),
            Setting::Unknown(source) => return Err(SettingError::Unknown(source.clone())),
            Setting::Known(given, source) => (given, source),
        };
        let mut headers = ExtraHeaders::default();
        for (name, value) in given {
            headers
                .add(name, value.secret().expose())
                .map_err(|error| {
                    diags.fail(
                        "Malformed header",
                        format!("A header from {source} cannot be sent: {error}."),
                        source.path(),
                    );
                    SettingError::Invalid
                })?;
        }
        Ok(headers)
    }

    /// The longest time one request may take.
    pub fn request_timeout(&self, diags: &mut Diagnostics) -> Result<Duration, SettingError> {
        match &self.request_timeout {
            Setting::Absent => Ok(DEFAULT_REQUEST_TIMEOUT),
            Setting::Unknown(source) => Err(SettingError::Unknown(source.clone())),
            Setting::Known(text, source) => duration(text, source).ok_or_else(|| {
                diags.fail(
                    "Malformed duration",
                    format!("{source} must be a duration of at least one second, such as \"30s\"."),
                    source.path(),
                );
                SettingError::Invalid
            }),
        }
    }

    /// How often something is asked again.
    pub fn retries(&self, diags: &mut Diagnostics) -> Result<Retries, SettingError> {
        let (count, source) = match &self.max_retries {
            Setting::Absent => return Ok(Retries::default()),
            Setting::Unknown(source) => return Err(SettingError::Unknown(source.clone())),
            Setting::Known(count, source) => (*count, source),
        };
        match u32::try_from(count) {
            Ok(each) if count <= MAX_RETRIES => Ok(Retries::from(each)),
            _ => Err(malformed_count(source, diags)),
        }
    }
}

fn parse_proxy(
    url: &StoredSecret,
    source: &Source,
    diags: &mut Diagnostics,
) -> Result<Option<Proxy>, SettingError> {
    let url = url.secret();
    if url.is_empty() {
        return Ok(None);
    }
    url.expose().parse().map(Some).map_err(|error| {
        diags.fail(
            "Malformed proxy",
            format!("The proxy from {source} cannot be used: {error}."),
            source.path(),
        );
        SettingError::Invalid
    })
}

/// The variables are those that most programs know, and what they mean is what `curl` does.
fn proxy_of(environment: &Environment) -> Setting<ProxySetting> {
    let url = |text: String| StoredSecret::from(Secret::new(text));
    let own = environment.first(&Variables {
        own: "PROXMOX_VE_PROXY_URL",
        fallback: Some("PM_PROXY"),
    });
    let usual = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let usual = usual.into_iter().map(|name| environment.get(name));
    let usual = usual.reduce(Setting::or).unwrap_or_default();
    let spared = environment.get("NO_PROXY").or(environment.get("no_proxy"));
    let spared = match spared {
        Setting::Known(hosts, _) => hosts,
        _ => String::new(),
    };
    let own = own.map(|text| ProxySetting::explicit(url(text)));
    own.or(usual.map(|text| ProxySetting {
        url: url(text),
        unless: Some(spared),
    }))
}

/// Headers as `Name: value`, one a line.
fn headers_of(
    text: Setting<String>,
    diags: &mut Diagnostics,
) -> Setting<BTreeMap<String, StoredSecret>> {
    let Setting::Known(text, source) = text else {
        return Setting::Absent;
    };
    let mut headers = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let Some((name, value)) = line.split_once(':') else {
            diags.fail(
                "Malformed header",
                format!("{source} must hold headers as \"Name: value\", one a line."),
                source.path(),
            );
            return Setting::Absent;
        };
        let value = Secret::new(value.trim());
        headers.insert(name.trim().to_owned(), value.into());
    }
    Setting::Known(headers, source)
}

fn number(text: Setting<String>, diags: &mut Diagnostics) -> Setting<i64> {
    let Setting::Known(text, source) = text else {
        return Setting::Absent;
    };
    match text.trim().parse() {
        Ok(number) => Setting::Known(number, source),
        Err(_) => {
            malformed_count(&source, diags);
            Setting::Absent
        }
    }
}

fn malformed_count(source: &Source, diags: &mut Diagnostics) -> SettingError {
    diags.fail(
        "Malformed number",
        format!("{source} must be a whole number from 0 to {MAX_RETRIES}."),
        source.path(),
    );
    SettingError::Invalid
}

/// A duration; `PM_TIMEOUT` counts seconds, as other tools have it.
fn duration(text: &str, source: &Source) -> Option<Duration> {
    let duration = match (source, text.parse()) {
        (Source::Variable(_), Ok(seconds)) => Duration::from_secs(seconds),
        _ => humantime::parse_duration(text).ok()?,
    };
    (duration >= Duration::from_secs(1)).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy<const N: usize>(
        variables: [(&str, &str); N],
        nodes: [&str; 2],
    ) -> Result<Option<String>, String> {
        let mut diags = Diagnostics::default();
        let environment = Environment::from(variables);
        let fields = TransportSettings::from_environment(&environment, &mut diags);
        let [first, other] = nodes.map(|node| node.parse().unwrap());
        let others = vec![other];
        let proxy = fields.proxy(&Nodes { first, others }, &mut diags);
        let told = diags.errors.first().map(|error| error.detail.to_string());
        match proxy {
            Ok(proxy) => Ok(proxy.map(|proxy| proxy.to_string())),
            Err(_) => Err(told.unwrap()),
        }
    }

    #[test]
    fn our_own_variable_goes_before_the_usual_ones() {
        let usual = [
            ("HTTPS_PROXY", "http://usual:1"),
            ("all_proxy", "http://all:2"),
        ];
        assert_eq!(proxy(usual, ["pve1", "pve1"]).unwrap().unwrap(), "usual:1");
        let own = [
            ("HTTPS_PROXY", "http://usual:1"),
            ("PROXMOX_VE_PROXY_URL", "http://own:3"),
        ];
        assert_eq!(
            proxy(own, ["127.0.0.1", "127.0.0.1"]).unwrap().unwrap(),
            "own:3"
        );
    }

    #[test]
    fn a_proxy_for_everybody_harms_nobody_to_whom_it_does_not_lead() {
        let socks = [
            ("ALL_PROXY", "socks5://u:s3cr3t@proxy"),
            ("NO_PROXY", "example.com"),
        ];
        assert_eq!(
            proxy(socks, ["pve1.example.com", "pve1.example.com"]).unwrap(),
            None
        );
        assert_eq!(proxy(socks, ["127.0.0.1", "127.0.0.1"]).unwrap(), None);
        let told = proxy(socks, ["127.0.0.1", "pve1"]).unwrap_err();
        assert!(
            told.contains("ALL_PROXY") && !told.contains("s3cr3t"),
            "{told}"
        );
    }

    #[test]
    fn headers_of_the_environment_are_lines() {
        let read = |text: &str| {
            let mut diags = Diagnostics::default();
            let environment = Environment::from([("PROXMOX_VE_HTTP_HEADERS", text)]);
            let fields = TransportSettings::from_environment(&environment, &mut diags);
            let headers = fields
                .headers(&mut diags)
                .map(|headers| format!("{headers:?}"));
            (headers.ok(), diags.errors.len())
        };
        let both = read("X-One: 1, and: more\n\n X-Two:2\n");
        assert_eq!(both, (Some("{\"x-one\", \"x-two\"}".to_owned()), 0));
        assert_eq!(read("X-One").1, 1);
        assert_eq!(read("Host: x"), (None, 1));
    }
}
