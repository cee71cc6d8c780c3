//! The TLS settings: how the client verifies the certificate of a server.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::settings::client_identity::ClientSettings;
use crate::provider::settings::definition::{Definition, Kind};
use crate::provider::settings::environment::Environment;
use crate::provider::settings::file;
use crate::provider::settings::setting::{Setting, SettingError, Source, is_given, known_items};
use crate::pve::{CaBundle, Fingerprint, Secret, TlsPolicy};

pub const VERIFY_SSL: Definition = Definition {
    name: "verify_ssl",
    kind: Kind::Flag,
    description: "Whether to verify the TLS certificate of the server. Defaults to `true`. Instead \
                  of disabling verification, set `ca_certificate` or `certificate_fingerprints`.",
    variables: &[
        "PROXMOX_VE_VERIFY_SSL",
        "PROXMOX_VE_INSECURE",
        "PM_TLS_INSECURE",
    ],
    format: " (the last two with the opposite meaning)",
};

/// The CA certificates to trust.
pub const CA_CERTIFICATE: Definition = Definition {
    name: "ca_certificate",
    kind: Kind::Text,
    description: "CA certificates to trust in place of the system's, as PEM text or the path of a \
                  PEM file. The CA certificate of a Proxmox VE cluster is \
                  `/etc/pve/pve-root-ca.pem` on each of its nodes.",
    variables: &["PROXMOX_VE_CA_CERTIFICATE"],
    format: "",
};

/// The fingerprints of the certificates to accept.
pub const CERTIFICATE_FINGERPRINTS: Definition = Definition {
    name: "certificate_fingerprints",
    kind: Kind::TextList,
    description: "SHA-256 fingerprints of the certificates to accept, one for each node. A \
                  certificate with one of these fingerprints is accepted without verification of \
                  its chain and host name. The web interface shows the fingerprint of a node under \
                  Node > System > Certificates.",
    variables: &["PROXMOX_VE_CERTIFICATE_FINGERPRINTS"],
    format: ", separated by commas",
};

/// The name that a certificate must be valid for.
pub const TLS_SERVER_NAME: Definition = Definition {
    name: "tls_server_name",
    kind: Kind::Text,
    description: "Host name that the certificate must be valid for. Defaults to the host name in \
                  the address. Set it to connect to a node by IP address or through a tunnel.",
    variables: &["PROXMOX_VE_TLS_SERVER_NAME"],
    format: "",
};

/// The minimum TLS version.
pub const MIN_TLS_VERSION: Definition = Definition {
    name: "min_tls_version",
    kind: Kind::Text,
    description: "Minimum TLS version: `1.2` or `1.3`. Defaults to `1.2`.",
    variables: &["PROXMOX_VE_MIN_TLS_VERSION", "PROXMOX_VE_MIN_TLS"],
    format: "",
};

pub const CLIENT_CERTIFICATE: Definition = Definition {
    name: "client_certificate",
    kind: Kind::Text,
    description: "Certificate that the provider presents to a gateway that requires one (mutual \
                  TLS), as PEM text or the path of a PEM file. Further certificates of its chain \
                  may follow. Requires `client_key`. Proxmox VE itself does not ask for one.",
    variables: &["PROXMOX_VE_CLIENT_CERTIFICATE"],
    format: "",
};

pub const CLIENT_KEY: Definition = Definition {
    name: "client_key",
    kind: Kind::Secret,
    description: "Private key of `client_certificate`, as PEM text or the path of a PEM file. It \
                  must not be encrypted.",
    variables: &["PROXMOX_VE_CLIENT_KEY"],
    format: "",
};

/// The TLS attributes.
pub const DEFINITIONS: [&Definition; 7] = [
    &VERIFY_SSL,
    &CA_CERTIFICATE,
    &CERTIFICATE_FINGERPRINTS,
    &TLS_SERVER_NAME,
    &MIN_TLS_VERSION,
    &CLIENT_CERTIFICATE,
    &CLIENT_KEY,
];

/// The TLS attributes, as a block sets them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TlsAttributes {
    verify_ssl: Value<bool>,
    ca_certificate: Value<String>,
    certificate_fingerprints: Value<Vec<Value<String>>>,
    tls_server_name: Value<String>,
    min_tls_version: Value<String>,
    client_certificate: Value<String>,
    pub client_key: Value<StoredSecret>,
}

impl TlsAttributes {
    /// Whether the client's certificate is set, and its key is not.
    pub fn has_certificate_without_key(&self) -> bool {
        is_given(&self.client_certificate) && !is_given(&self.client_key)
    }

    /// The settings that the attributes of a block hold.
    pub fn settings(self, source: impl Fn(&'static str) -> Source) -> TlsSettings {
        TlsSettings {
            verify_ssl: VERIFY_SSL.setting(&source, self.verify_ssl),
            ca_certificate: CA_CERTIFICATE.setting(&source, self.ca_certificate),
            certificate_fingerprints: CERTIFICATE_FINGERPRINTS
                .setting(&source, known_items(self.certificate_fingerprints)),
            tls_server_name: TLS_SERVER_NAME.setting(&source, self.tls_server_name),
            min_tls_version: MIN_TLS_VERSION.setting(&source, self.min_tls_version),
            client: ClientSettings {
                certificate: CLIENT_CERTIFICATE.setting(&source, self.client_certificate),
                key: CLIENT_KEY.setting(&source, self.client_key),
            },
        }
    }
}

/// The TLS settings.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Whether certificates are verified.
    pub verify_ssl: Setting<bool>,
    /// The CA certificates to trust: PEM text, or the path of a file.
    pub ca_certificate: Setting<String>,
    /// The SHA-256 fingerprints of the certificates to accept.
    pub certificate_fingerprints: Setting<Vec<String>>,
    /// The name that a certificate must be valid for.
    pub tls_server_name: Setting<String>,
    /// The minimum TLS version.
    pub min_tls_version: Setting<String>,
    /// The certificate and key of the client.
    pub client: ClientSettings,
}

impl TlsSettings {
    /// The settings from the environment, and the problems of values that cannot be parsed.
    pub fn from_environment(environment: &Environment) -> (Self, Vec<Problem>) {
        let (own, inverted) = VERIFY_SSL.variables.split_at(1);
        let flags = [
            parse_flag(environment.first(own), false),
            parse_flag(environment.first(inverted), true),
        ];
        let mut problems = Vec::new();
        let mut verify_ssl = Setting::Absent;
        for flag in flags {
            match flag {
                Ok(flag) => verify_ssl = verify_ssl.or(flag),
                Err(problem) => problems.push(problem),
            }
        }
        let settings = Self {
            verify_ssl,
            ..Self::from_values(|definition| environment.values(definition))
        };
        (settings, problems)
    }

    /// The settings that hold text, from the environment or the command line.
    pub fn from_values(values: impl Fn(&Definition) -> Setting<Vec<String>>) -> Self {
        Self {
            verify_ssl: Setting::Absent,
            ca_certificate: values(&CA_CERTIFICATE).last(),
            certificate_fingerprints: values(&CERTIFICATE_FINGERPRINTS),
            tls_server_name: values(&TLS_SERVER_NAME).last(),
            min_tls_version: values(&MIN_TLS_VERSION).last(),
            client: ClientSettings {
                certificate: values(&CLIENT_CERTIFICATE).last(),
                key: values(&CLIENT_KEY)
                    .last()
                    .map(|text| StoredSecret::from(Secret::new(text))),
            },
        }
    }

    /// Whether no setting is set.
    pub fn is_absent(&self) -> bool {
        !(self.verify_ssl.is_set()
            || self.ca_certificate.is_set()
            || self.certificate_fingerprints.is_set()
            || self.tls_server_name.is_set()
            || self.min_tls_version.is_set()
            || self.client.is_set())
    }

    /// These settings, and the others where these do not say what to trust: CA certificates,
    /// fingerprints and disabled verification replace each other and are never mixed.
    /// `verify_ssl = true` alone enables verification again. Name, version and the certificate of
    /// the client are independent.
    pub fn or(self, other: &Self) -> Self {
        let verifies = matches!(self.verify_ssl, Setting::Absent | Setting::Known(true, _));
        let sets_trust = self.ca_certificate.is_set() || self.certificate_fingerprints.is_set();
        let tls_server_name = self.tls_server_name.or(other.tls_server_name.clone());
        let min_tls_version = self.min_tls_version.or(other.min_tls_version.clone());
        let client = self.client.clone().or(other.client.clone());
        if sets_trust || !verifies {
            return Self {
                tls_server_name,
                min_tls_version,
                client,
                ..self
            };
        }
        Self {
            verify_ssl: self.verify_ssl.or(other.verify_ssl.clone()),
            tls_server_name,
            min_tls_version,
            client,
            ..other.clone()
        }
    }

    /// The policy that the settings describe.
    pub fn resolve(&self) -> Result<TlsPolicy, SettingError> {
        let verify = self.verify_ssl.known()?.is_none_or(|(verify, _)| *verify);
        let fingerprints = match self.certificate_fingerprints.known()? {
            Some((texts, source)) => parse_fingerprints(texts, source)?,
            None => Vec::new(),
        };
        let ca_certificate = match self.ca_certificate.known()? {
            Some((text, source)) => Some(load(text, source)?),
            None => None,
        };
        let server_name = parse("Invalid server name", &self.tls_server_name)?;
        let min_version = parse("Unsupported TLS version", &self.min_tls_version)?;
        if let (false, Some(source)) = (verify, self.certificate_fingerprints.source()) {
            return Err(SettingError::invalid(
                "Conflicting TLS settings",
                format!(
                    "{source} pins certificates, but `verify_ssl = false` accepts any certificate. \
                     A pinned certificate needs no valid chain or host name: remove `verify_ssl`."
                ),
                &source,
            ));
        }
        Ok(TlsPolicy {
            verify,
            ca_certificate,
            fingerprints,
            server_name,
            min_version: min_version.unwrap_or_default(),
            client_identity: self.client.resolve()?,
        })
    }

    /// The source of a server name that has no effect, since no name is verified.
    pub fn unused_server_name(&self) -> Option<Source> {
        let unverified = matches!(self.verify_ssl, Setting::Known(false, _));
        let is_unused = unverified || self.certificate_fingerprints.is_set();
        self.tls_server_name.source().filter(|_| is_unused)
    }
}

fn parse<T>(summary: &'static str, text: &Setting<String>) -> Result<Option<T>, SettingError>
where
    T: FromStr<Err: Display>,
{
    let Some((text, source)) = text.known()? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|error| {
        let detail = format!("The value of {source} is invalid: {error}.");
        SettingError::invalid(summary, detail, source)
    })
}

fn parse_fingerprints(texts: &[String], source: &Source) -> Result<Vec<Fingerprint>, SettingError> {
    let parse = |text: &String| {
        text.parse().map_err(|error| {
            let detail = format!("A fingerprint in {source} is invalid: {error}.");
            SettingError::invalid("Invalid fingerprint", detail, source)
        })
    };
    texts.iter().map(parse).collect()
}

/// A path for a message. A longer text is no path but content, such as PEM without its first line.
fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.len() == text.len() && line.len() <= 256 {
        true => line.to_owned(),
        false => format!("{}...", line.chars().take(20).collect::<String>()),
    }
}

/// Loads CA certificates from PEM text, or else from the file of that path.
fn load(text: &str, source: &Source) -> Result<CaBundle, SettingError> {
    let (pem, origin) = if text.contains("-----BEGIN") {
        (text.to_owned(), "PEM text".to_owned())
    } else {
        let content = file::read(Path::new(text)).map_err(|error| {
            let detail = format!(
                "{source} is neither PEM text (it does not contain \"-----BEGIN CERTIFICATE-----\") \
                 nor the path of a readable file. The file {:?} cannot be read: {error}.",
                shown(text)
            );
            SettingError::invalid("Unreadable CA certificate", detail, source)
        })?;
        // Other text around the certificates may have any encoding.
        let pem = String::from_utf8_lossy(&content).into_owned();
        (pem, format!("file {text:?}"))
    };
    pem.parse::<CaBundle>().map_err(|error| {
        let detail = format!("The {origin} in {source} is invalid: {error}.");
        SettingError::invalid("Invalid CA certificate", detail, source)
    })
}

/// Parses a boolean, inverted for variables with the opposite meaning.
fn parse_flag(text: Setting<String>, inverted: bool) -> Result<Setting<bool>, Problem> {
    let Setting::Known(text, source) = text else {
        return Ok(Setting::Absent);
    };
    let flag = match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => true,
        "0" | "false" | "no" | "off" => false,
        _ => {
            return Err(Problem::new(
                "Invalid boolean value",
                format!("{source} must be \"true\" or \"false\"."),
                source.path(),
            ));
        }
    };
    Ok(Setting::Known(flag != inverted, source))
}
