//! How the server's certificate is judged, out of the attributes that say so.

use std::path::Path;

use tf_provider::Diagnostics;

use super::{
    credentials::Unresolved,
    given::{Given, Source},
};
use crate::{
    framework::Report,
    pve::{CaBundle, Fingerprint, TlsPolicy},
};

/// The attributes about TLS, as given.
#[derive(Clone, Debug, Default)]
pub struct TlsFields {
    /// Whether certificates are checked at all; true unless given.
    pub verify_ssl: Given<bool>,
    /// Certificates to trust instead of the system's: PEM, or the path of a file.
    pub ca_certificate: Given<String>,
    /// SHA-256 fingerprints to accept instead of checking chain and name.
    pub certificate_fingerprints: Given<Vec<String>>,
}

impl TlsFields {
    /// Whether nothing about TLS is given.
    pub fn is_absent(&self) -> bool {
        !(self.verify_ssl.is_given()
            || self.ca_certificate.is_given()
            || self.certificate_fingerprints.is_given())
    }

    /// These fields where they say whom to trust, or else the other ones: authorities, pins and
    /// trust in anybody replace each other and are never mixed. `verify_ssl = true` alone only
    /// turns checking back on.
    pub fn or(self, other: &Self) -> Self {
        let checks = matches!(self.verify_ssl, Given::Absent | Given::Known(true, _));
        let says_whom = self.ca_certificate.is_given() || self.certificate_fingerprints.is_given();
        if says_whom || !checks {
            return self;
        }
        Self {
            verify_ssl: self.verify_ssl.or(other.verify_ssl.clone()),
            ..other.clone()
        }
    }

    /// Turns the fields into a policy, or says why not.
    pub fn resolve(&self, diags: &mut Diagnostics) -> Result<TlsPolicy, Unresolved> {
        let verify = match &self.verify_ssl {
            Given::Absent => true,
            Given::Unknown(source) => return Err(Unresolved::Unknown(source.clone())),
            Given::Known(verify, _) => *verify,
        };
        let fingerprints = match &self.certificate_fingerprints {
            Given::Absent => Vec::new(),
            Given::Unknown(source) => return Err(Unresolved::Unknown(source.clone())),
            Given::Known(texts, source) => parse_fingerprints(texts, source, diags)?,
        };
        let ca_certificate = match &self.ca_certificate {
            Given::Absent => None,
            Given::Unknown(source) => return Err(Unresolved::Unknown(source.clone())),
            Given::Known(text, source) => Some(load(text, source, diags)?),
        };
        if let (false, Some(source)) = (verify, self.certificate_fingerprints.source()) {
            diags.fail(
                "Contradicting TLS settings",
                format!(
                    "{source} pins certificates while `verify_ssl` is false, which accepts any. \
                     A pin needs no chain and no name: remove `verify_ssl`."
                ),
                source.path(),
            );
            return Err(Unresolved::Invalid);
        }
        Ok(TlsPolicy {
            verify,
            ca_certificate,
            fingerprints,
            ..TlsPolicy::default()
        })
    }
}

fn parse_fingerprints(
    texts: &[String],
    source: &Source,
    diags: &mut Diagnostics,
) -> Result<Vec<Fingerprint>, Unresolved> {
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
                return Err(Unresolved::Invalid);
            }
        }
    }
    Ok(fingerprints)
}

/// Takes the attribute as PEM when it looks like PEM, else as the path of a file.
fn load(text: &str, source: &Source, diags: &mut Diagnostics) -> Result<CaBundle, Unresolved> {
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
                return Err(Unresolved::Invalid);
            }
        }
    };
    pem.parse::<CaBundle>().map_err(|error| {
        diags.fail(
            "Malformed CA certificate",
            format!("{origin} from {source} cannot be used: {error}."),
            source.path(),
        );
        Unresolved::Invalid
    })
}
