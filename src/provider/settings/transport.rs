//! The transport settings: how requests reach the server. Proxy, headers, timeout and retries.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::attributes::duration;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::settings::address::Nodes;
use crate::provider::settings::definition::{Definition, Kind};
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::{Setting, SettingError, Source, problem};
use crate::pve::{ExtraHeaders, NoProxy, Proxy, Retries, Secret};

/// The default of `request_timeout`.
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The highest value of `max_retries`.
const RETRIES_LIMIT: i64 = 20;

pub const PROXY_URL: Definition = Definition {
    name: "proxy_url",
    kind: Kind::Secret,
    description: "URL of a proxy: `http://host:port` or `http://user:password@host:port`, with the \
                  scheme `http`, `https`, `socks5`, or `socks5h`, with which the proxy looks up \
                  the host name. Defaults to `HTTPS_PROXY` or `ALL_PROXY`, except for loopback addresses and the \
                  hosts in `NO_PROXY`. Set it to an empty string to use no proxy.",
    variables: &["PROXMOX_VE_PROXY_URL", "PM_PROXY"],
    format: "",
};

pub const HTTP_HEADERS: Definition = Definition {
    name: "http_headers",
    kind: Kind::SecretMap,
    description: "HTTP headers to send with every request, for example for a gateway in front of \
                  Proxmox VE. Headers that the provider sets itself, such as `Authorization`, \
                  `Cookie` and `Host`, are rejected.",
    variables: &["PROXMOX_VE_HTTP_HEADERS"],
    format: ", one `Name: value` on each line",
};

pub const REQUEST_TIMEOUT: Definition = Definition {
    name: "request_timeout",
    kind: Kind::Text,
    description: "Maximum duration of a single request, such as `1m`. Defaults to `30s`. \
                  Establishing the connection may take about three tenths of it, but at most ten \
                  seconds.",
    variables: &["PROXMOX_VE_REQUEST_TIMEOUT", "PM_TIMEOUT"],
    format: ", as a duration or a number of seconds",
};

const MAX_RETRIES: Definition = Definition {
    name: "max_retries",
    kind: Kind::Number,
    description: "Maximum number of retries, from 0 to 20, of a read whose connection failed and \
                  of a change that was rejected because the cluster's lock was held. Defaults to \
                  one retry of a read and two of a change. A change that may have taken effect is \
                  never retried.",
    variables: &["PROXMOX_VE_MAX_RETRIES"],
    format: "",
};

/// The transport attributes.
pub const DEFINITIONS: [&Definition; 4] =
    [&PROXY_URL, &HTTP_HEADERS, &REQUEST_TIMEOUT, &MAX_RETRIES];

/// The transport attributes, as a block sets them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TransportAttributes {
    proxy_url: Value<StoredSecret>,
    http_headers: Value<BTreeMap<String, Value<StoredSecret>>>,
    request_timeout: Value<String>,
    max_retries: Value<i64>,
}

impl TransportAttributes {
    /// The settings that the attributes of a block hold.
    pub fn settings(self, source: impl Fn(&'static str) -> Source) -> TransportSettings {
        // An empty proxy means none, whatever the environment says.
        let proxy = Setting::from(source(PROXY_URL.name), self.proxy_url);
        TransportSettings {
            proxy: proxy.map(ProxySetting::explicit),
            http_headers: HTTP_HEADERS.setting(&source, known_entries(self.http_headers)),
            request_timeout: REQUEST_TIMEOUT.setting(&source, self.request_timeout),
            max_retries: MAX_RETRIES.setting(&source, self.max_retries),
        }
    }
}

/// A map of secrets, which is unknown while any of them is.
fn known_entries(
    map: Value<BTreeMap<String, Value<StoredSecret>>>,
) -> Value<BTreeMap<String, StoredSecret>> {
    match map {
        Value::Value(map) if map.values().any(Value::is_unknown) => Value::Unknown,
        Value::Value(map) => {
            let known = map.into_iter();
            Value::Value(
                known
                    .filter_map(|(name, value)| Some((name, value.as_option()?)))
                    .collect(),
            )
        }
        Value::Null => Value::Null,
        Value::Unknown => Value::Unknown,
    }
}

/// The transport settings.
#[derive(Clone, Debug, Default)]
pub struct TransportSettings {
    /// The proxy.
    pub proxy: Setting<ProxySetting>,
    /// Headers for a gateway in front of the server.
    pub http_headers: Setting<BTreeMap<String, StoredSecret>>,
    /// The maximum duration of a request.
    pub request_timeout: Setting<String>,
    /// How often a request is retried that certainly changed nothing.
    pub max_retries: Setting<i64>,
}

/// A proxy, and the hosts that bypass it.
#[derive(Clone, Debug)]
pub struct ProxySetting {
    /// Its URL, which may contain a password. Empty for no proxy.
    url: StoredSecret,
    /// The hosts that bypass a proxy from one of the usual variables; `None` for a proxy that is
    /// set for this provider.
    no_proxy: Option<String>,
}

impl ProxySetting {
    /// A proxy that is set for this provider and that no host bypasses.
    pub fn explicit(url: StoredSecret) -> Self {
        let no_proxy = None;
        Self { url, no_proxy }
    }
}

impl TransportSettings {
    /// The settings from the environment, and the problems of values that cannot be parsed.
    pub fn from_environment(environment: &Environment) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let settings =
            Self {
                proxy: proxy_of(environment),
                http_headers: parse_headers(environment.first(HTTP_HEADERS.variables))
                    .unwrap_or_else(|problem| {
                        problems.push(problem);
                        Setting::Absent
                    }),
                request_timeout: environment.first(REQUEST_TIMEOUT.variables),
                max_retries: parse_retries(environment.first(MAX_RETRIES.variables))
                    .unwrap_or_else(|problem| {
                        problems.push(problem);
                        Setting::Absent
                    }),
            };
        (settings, problems)
    }

    /// These settings, and the others where these are not set.
    pub fn or(self, other: Self) -> Self {
        Self {
            proxy: self.proxy.or(other.proxy),
            http_headers: self.http_headers.or(other.http_headers),
            request_timeout: self.request_timeout.or(other.request_timeout),
            max_retries: self.max_retries.or(other.max_retries),
        }
    }

    /// The problems of the known values. A proxy from one of the usual variables is validated once
    /// a host is known that does not bypass it.
    pub fn problems(&self) -> Vec<Problem> {
        let proxy = match &self.proxy {
            Setting::Known(
                ProxySetting {
                    url,
                    no_proxy: None,
                },
                source,
            ) => problem(parse_proxy(url, source)),
            _ => None,
        };
        let problems = [
            proxy,
            problem(self.headers()),
            problem(self.request_timeout()),
            problem(self.retries()),
        ];
        problems.into_iter().flatten().collect()
    }

    /// The proxy for these nodes, unless all of them bypass it.
    pub fn proxy(&self, nodes: &Nodes) -> Result<Option<Proxy>, SettingError> {
        let Some((setting, source)) = self.proxy.known()? else {
            return Ok(None);
        };
        let no_proxy = setting.no_proxy.as_deref().map(NoProxy::new);
        match no_proxy {
            None => parse_proxy(&setting.url, source),
            Some(no_proxy) if nodes.all().all(|node| no_proxy.spares(node)) => Ok(None),
            Some(no_proxy) => {
                let proxy = parse_proxy(&setting.url, source)?;
                Ok(proxy.map(|proxy| proxy.unless(no_proxy)))
            }
        }
    }

    /// The headers to send with every request.
    pub fn headers(&self) -> Result<ExtraHeaders, SettingError> {
        let mut headers = ExtraHeaders::default();
        let Some((entries, source)) = self.http_headers.known()? else {
            return Ok(headers);
        };
        for (name, value) in entries {
            let added = headers.add(name, value.secret().expose());
            added.map_err(|error| {
                let detail = format!("A header in {source} cannot be sent: {error}.");
                SettingError::invalid("Invalid header", detail, source)
            })?;
        }
        Ok(headers)
    }

    /// The maximum duration of a request.
    pub fn request_timeout(&self) -> Result<Duration, SettingError> {
        let Some((text, source)) = self.request_timeout.known()? else {
            return Ok(DEFAULT_REQUEST_TIMEOUT);
        };
        parse_timeout(text, source).ok_or_else(|| {
            let detail =
                format!("{source} must be a duration of at least one second, such as \"30s\".");
            SettingError::invalid("Invalid duration", detail, source)
        })
    }

    /// How often a request is retried.
    pub fn retries(&self) -> Result<Retries, SettingError> {
        let Some((count, source)) = self.max_retries.known()? else {
            return Ok(Retries::default());
        };
        match u32::try_from(*count) {
            Ok(retries) if *count <= RETRIES_LIMIT => Ok(Retries::from(retries)),
            _ => Err(invalid_retries(source).into()),
        }
    }
}

fn parse_proxy(url: &StoredSecret, source: &Source) -> Result<Option<Proxy>, SettingError> {
    let url = url.secret();
    if url.is_empty() {
        return Ok(None);
    }
    url.expose().parse().map(Some).map_err(|error| {
        let detail = format!("The proxy in {source} is invalid: {error}.");
        SettingError::invalid("Invalid proxy", detail, source)
    })
}

/// The proxy from the variables of this provider, or else from those that most programs read, with
/// the meaning that they have for `curl`.
fn proxy_of(environment: &Environment) -> Setting<ProxySetting> {
    let url = |text: String| StoredSecret::from(Secret::new(text));
    let own = environment.first(PROXY_URL.variables);
    let usual = environment.first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]);
    let no_proxy = match environment.first(&["NO_PROXY", "no_proxy"]) {
        Setting::Known(hosts, _) => hosts,
        _ => String::new(),
    };
    let own = own.map(|text| ProxySetting::explicit(url(text)));
    own.or(usual.map(|text| ProxySetting {
        url: url(text),
        no_proxy: Some(no_proxy),
    }))
}

/// Parses headers, one `Name: value` on each line.
fn parse_headers(
    text: Setting<String>,
) -> Result<Setting<BTreeMap<String, StoredSecret>>, Problem> {
    let Setting::Known(text, source) = text else {
        return Ok(Setting::Absent);
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let entries = lines.map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), Secret::new(value.trim()).into()))
    });
    match entries.collect() {
        Some(headers) => Ok(Setting::Known(headers, source)),
        None => Err(Problem::new(
            "Invalid header",
            format!("{source} must contain one header on each line, as \"Name: value\"."),
            source.path(),
        )),
    }
}

fn parse_retries(text: Setting<String>) -> Result<Setting<i64>, Problem> {
    let Setting::Known(text, source) = text else {
        return Ok(Setting::Absent);
    };
    match text.trim().parse() {
        Ok(count) => Ok(Setting::Known(count, source)),
        Err(_) => Err(invalid_retries(&source)),
    }
}

fn invalid_retries(source: &Source) -> Problem {
    Problem::new(
        "Invalid number",
        format!("{source} must be a whole number from 0 to {RETRIES_LIMIT}."),
        source.path(),
    )
}

/// Parses a duration. A variable may also count seconds, as other tools read `PM_TIMEOUT`.
fn parse_timeout(text: &str, source: &Source) -> Option<Duration> {
    let is_number = text.bytes().all(|c| c.is_ascii_digit());
    match source {
        Source::Variable(_) if is_number => duration::parse(&format!("{text}s")).ok(),
        _ => duration::parse(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy<const N: usize>(
        variables: [(&str, &str); N],
        nodes: [&str; 2],
    ) -> Result<Option<String>, String> {
        let (settings, problems) =
            TransportSettings::from_environment(&Environment::from(variables));
        assert!(problems.is_empty());
        let [first, other] = nodes.map(|node| node.parse().unwrap());
        let others = vec![other];
        match settings.proxy(&Nodes { first, others }) {
            Ok(proxy) => Ok(proxy.map(|proxy| proxy.to_string())),
            Err(error) => Err(error.problem().unwrap().detail.into_owned()),
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
    fn an_invalid_proxy_of_a_usual_variable_is_no_problem_for_hosts_that_bypass_it() {
        let socks = [
            ("ALL_PROXY", "socks4://u:s3cr3t@proxy"),
            ("NO_PROXY", "example.com"),
        ];
        assert_eq!(
            proxy(socks, ["pve1.example.com", "pve1.example.com"]).unwrap(),
            None
        );
        assert_eq!(proxy(socks, ["127.0.0.1", "127.0.0.1"]).unwrap(), None);
        let problem = proxy(socks, ["127.0.0.1", "pve1"]).unwrap_err();
        assert!(
            problem.contains("ALL_PROXY") && !problem.contains("s3cr3t"),
            "{problem}"
        );
    }

    #[test]
    fn headers_of_the_environment_are_lines() {
        let read = |text: &str| {
            let environment = Environment::from([("PROXMOX_VE_HTTP_HEADERS", text)]);
            let (settings, mut problems) = TransportSettings::from_environment(&environment);
            problems.extend(settings.problems());
            let headers = settings.headers().map(|headers| format!("{headers:?}"));
            (headers.ok(), problems.len())
        };
        let both = read("X-One: 1, and: more\n\n X-Two:2\n");
        assert_eq!(both, (Some("{\"x-one\", \"x-two\"}".to_owned()), 0));
        assert_eq!(read("X-One").1, 1);
        assert_eq!(read("Host: x"), (None, 1));
    }
}
