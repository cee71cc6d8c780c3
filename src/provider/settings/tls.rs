//! How the server's certificate is judged, out of the attributes that say so.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use tf_provider::Diagnostics;

use crate::framework::Report;
use crate::provider::settings::credentials::SettingError;
use crate::provider::settings::environment::{Environment, Variables};
use crate::provider::settings::setting::{Setting, Source};
use crate::pve::{CaBundle, Fingerprint, TlsPolicy};

/// The attributes about TLS, as given.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Whether certificates are checked at all; true unless given.
    pub verify_ssl: Setting<bool>,
    /// Certificates to trust instead of the system's: PEM, or the path of a file.
    pub ca_certificate: Setting<String>,
    /// SHA-256 fingerprints to accept instead of checking chain and name.
    pub certificate_fingerprints: Setting<Vec<String>>,
    /// The name that the certificate must be valid for, where that is not the address's.
    pub tls_server_name: Setting<String>,
    /// The oldest version of TLS to speak.
    pub min_tls_version: Setting<String>,
}

impl TlsSettings {
    /// The values of the environment. Reports switches that are none.
    pub fn from_environment(environment: &Environment, diags: &mut Diagnostics) -> Self {
        Self {
            verify_ssl: verify_from_environment(environment, diags),
            ca_certificate: environment.get("PROXMOX_VE_CA_CERTIFICATE"),
            certificate_fingerprints: environment.list("PROXMOX_VE_CERTIFICATE_FINGERPRINTS"),
            tls_server_name: environment.get("PROXMOX_VE_TLS_SERVER_NAME"),
            min_tls_version: environment.first(&Variables {
                own: "PROXMOX_VE_MIN_TLS_VERSION",
                fallback: Some("PROXMOX_VE_MIN_TLS"),
            }),
        }
    }

    /// Whether nothing about TLS is given.
    pub fn is_absent(&self) -> bool {
        !(self.verify_ssl.is_given()
            || self.ca_certificate.is_given()
            || self.certificate_fingerprints.is_given()
            || self.tls_server_name.is_given()
            || self.min_tls_version.is_given())
    }

    /// These fields where they say whom to trust, or else the other ones: authorities, pins and
    /// trust in anybody replace each other and are never mixed. `verify_ssl = true` alone only
    /// turns checking back on. Name and version stand each for itself.
    pub fn or(self, other: &Self) -> Self {
        let checks = matches!(self.verify_ssl, Setting::Absent | Setting::Known(true, _));
        let says_whom = self.ca_certificate.is_given() || self.certificate_fingerprints.is_given();
        let tls_server_name = self.tls_server_name.or(other.tls_server_name.clone());
        let min_tls_version = self.min_tls_version.or(other.min_tls_version.clone());
        if says_whom || !checks {
            return Self {
                tls_server_name,
                min_tls_version,
                ..self
            };
        }
        Self {
            verify_ssl: self.verify_ssl.or(other.verify_ssl.clone()),
            tls_server_name,
            min_tls_version,
            ..other.clone()
        }
    }

    /// Turns the fields into a policy, or says why not.
    pub fn resolve(&self, diags: &mut Diagnostics) -> Result<TlsPolicy, SettingError> {
        let verify = match &self.verify_ssl {
            Setting::Absent => true,
            Setting::Unknown(source) => return Err(SettingError::Unknown(source.clone())),
            Setting::Known(verify, _) => *verify,
        };
        let fingerprints = match &self.certificate_fingerprints {
            Setting::Absent => Vec::new(),
            Setting::Unknown(source) => return Err(SettingError::Unknown(source.clone())),
            Setting::Known(texts, source) => parse_fingerprints(texts, source, diags)?,
        };
        let ca_certificate = match &self.ca_certificate {
            Setting::Absent => None,
            Setting::Unknown(source) => return Err(SettingError::Unknown(source.clone())),
            Setting::Known(text, source) => Some(load(text, source, diags)?),
        };
        let server_name = parsed("Malformed server name", &self.tls_server_name, diags)?;
        let min_version = parsed("Unsupported TLS version", &self.min_tls_version, diags)?;
        if let (false, Some(source)) = (verify, self.certificate_fingerprints.source()) {
            diags.fail(
                "Contradicting TLS settings",
                format!(
                    "{source} pins certificates while `verify_ssl` is false, which accepts any. \
                     A pin needs no chain and no name: remove `verify_ssl`."
                ),
                source.path(),
            );
            return Err(SettingError::Invalid);
        }
        Ok(TlsPolicy {
            verify,
            ca_certificate,
            fingerprints,
            server_name,
            min_version: min_version.unwrap_or_default(),
        })
    }

    /// Where a name was set that nothing compares with the certificate's.
    pub fn useless_server_name(&self) -> Option<Source> {
        let unverified = matches!(self.verify_ssl, Setting::Known(false, _));
        let is_useless = unverified || self.certificate_fingerprints.is_given();
        self.tls_server_name.source().filter(|_| is_useless)
    }
}

/// The value that a text stands for, `None` where there is none, or what is wrong with it.
fn parsed<T>(
    summary: &'static str,
    text: &Setting<String>,
    diags: &mut Diagnostics,
) -> Result<Option<T>, SettingError>
where
    T: FromStr<Err: Display>,
{
    match text {
        Setting::Absent => Ok(None),
        Setting::Unknown(source) => Err(SettingError::Unknown(source.clone())),
        Setting::Known(text, source) => text.parse().map(Some).map_err(|error| {
            let detail = format!("The value of {source} cannot be used: {error}.");
            diags.fail(summary, detail, source.path());
            SettingError::Invalid
        }),
    }
}

fn parse_fingerprints(
    texts: &[String],
    source: &Source,
    diags: &mut Diagnostics,
) -> Result<Vec<Fingerprint>, SettingError> {
    let mut fingerprints = Vec::with_capacity(texts.len());
    for text in texts {
        match text.parse() {
            Ok(fingerprint) => fingerprints.push(fingerprint),
            Err(error) => {
                diags.fail(
                    "Malformed fingerprint",
                    format!("A fingerprint from {source} cannot be used: {error}."),
                    source.path(),
                );
                return Err(SettingError::Invalid);
            }
        }
    }
    Ok(fingerprints)
}

/// Takes the attribute as PEM when it looks like PEM, else as the path of a file.
fn load(text: &str, source: &Source, diags: &mut Diagnostics) -> Result<CaBundle, SettingError> {
    let (pem, origin) = if text.contains("-----BEGIN") {
        (text.to_owned(), "the PEM text".to_owned())
    } else {
        match std::fs::read_to_string(Path::new(text)) {
            Ok(pem) => (pem, format!("the file {text:?}")),
            Err(error) => {
                diags.fail(
                    "Unreadable CA certificate",
                    format!(
                        "{source} is neither PEM (it has no \"-----BEGIN CERTIFICATE-----\") nor \
                         a file that can be read: {error}."
                    ),
                    source.path(),
                );
                return Err(SettingError::Invalid);
            }
        }
    };
    pem.parse::<CaBundle>().map_err(|error| {
        diags.fail(
            "Malformed CA certificate",
            format!("{origin} from {source} cannot be used: {error}."),
            source.path(),
        );
        SettingError::Invalid
    })
}

fn verify_from_environment(environment: &Environment, diags: &mut Diagnostics) -> Setting<bool> {
    let verify = switch(environment.get("PROXMOX_VE_VERIFY_SSL"), false, diags);
    let insecure = Variables {
        own: "PROXMOX_VE_INSECURE",
        fallback: Some("PM_TLS_INSECURE"),
    };
    verify.or(switch(environment.first(&insecure), true, diags))
}

/// Reads a switch, turned round for variables that mean the opposite.
fn switch(text: Setting<String>, opposite: bool, diags: &mut Diagnostics) -> Setting<bool> {
    let Setting::Known(text, source) = text else {
        return Setting::Absent;
    };
    let on = match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => true,
        "0" | "false" | "no" | "off" => false,
        _ => {
            diags.fail(
                "Malformed switch",
                format!("{source} must be \"true\" or \"false\"."),
                source.path(),
            );
            return Setting::Absent;
        }
    };
    Setting::Known(on != opposite, source)
}
