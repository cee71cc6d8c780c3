//! How a parent and this process agree to talk: the environment one way, a line on stdout the
//! other. The rules are go-plugin's (its `client.go` and `server.go`).

use std::{
    io::{self, Write},
    ops::RangeInclusive,
    path::PathBuf,
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::error::ServeError;

/// Proves nothing; it tells a parent's start from a person's.
const MAGIC_COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// The version of the handshake line.
const CORE_PROTOCOL: u8 = 1;

/// The major version of the Terraform protocol that this plugin speaks.
pub(super) const PROTOCOL: u8 = 6;

/// Where the parent wants the plugin to listen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// A directory for the socket that the parent owns; else the plugin makes its own.
    pub directory: Option<PathBuf>,
    /// Ports to choose from where there are no unix sockets.
    pub ports: RangeInclusive<u16>,
}

/// What the parent said when it started this process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parent {
    /// The certificate that every connection must present.
    pub certificate: CertificateDer<'static>,
    /// Where to listen.
    pub place: Place,
}

impl Parent {
    /// Reads the parent's words from environment variables.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ServeError> {
        let (cookie, expected) = MAGIC_COOKIE;
        if variable(cookie).as_deref() != Some(expected) {
            return Err(ServeError::NotStartedByTerraform);
        }
        let versions = variable("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        let mut offered = versions.split(',').map(|version| version.trim().parse());
        if !offered.any(|version| version == Ok(PROTOCOL)) {
            return Err(ServeError::ProtocolVersion { offered: versions });
        }
        let pem = variable("PLUGIN_CLIENT_CERT").filter(|pem| !pem.is_empty());
        let pem = pem.ok_or(ServeError::NoClientCertificate)?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| ServeError::UnreadableClientCertificate)?;
        let place = Place::read(variable);
        Ok(Self { certificate, place })
    }
}

impl Place {
    /// Reads where to listen. Ports that are not given or not numbers leave the choice open.
    /// `PLUGIN_UNIX_SOCKET_GROUP`, which would let a group of users connect, is not supported.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        if variable("PLUGIN_UNIX_SOCKET_GROUP").is_some_and(|group| !group.is_empty()) {
            tracing::warn!("PLUGIN_UNIX_SOCKET_GROUP is ignored: the socket is its owner's alone");
        }
        let directory = variable("PLUGIN_UNIX_SOCKET_DIR").filter(|path| !path.is_empty());
        let port = |name| variable(name)?.trim().parse().ok().filter(|&port| port > 0);
        Self {
            directory: directory.map(PathBuf::from),
            ports: port("PLUGIN_MIN_PORT").unwrap_or(1024)
                ..=port("PLUGIN_MAX_PORT").unwrap_or(u16::MAX),
        }
    }
}

/// Tells the parent where to connect and which certificate to expect there. Nothing else is ever
/// written to stdout while serving.
pub(super) fn announce(
    mut to: impl Write,
    network: &str,
    address: &str,
    certificate: &CertificateDer<'_>,
) -> io::Result<()> {
    let certificate = STANDARD_NO_PAD.encode(certificate);
    writeln!(
        to,
        "{CORE_PROTOCOL}|{PROTOCOL}|{network}|{address}|grpc|{certificate}"
    )?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Three bytes are a certificate here: only TLS reads what is inside.
    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";

    fn read(changes: &[(&str, &str)]) -> Result<Parent, ServeError> {
        let mut variables = HashMap::from([
            MAGIC_COOKIE,
            ("PLUGIN_PROTOCOL_VERSIONS", "5,6"),
            ("PLUGIN_CLIENT_CERT", PEM),
        ]);
        variables.extend(changes.iter().copied());
        Parent::read(|name| variables.get(name).map(|&value| value.to_owned()))
    }

    #[test]
    fn a_parent_that_says_everything_is_heard() {
        let parent = read(&[
            ("PLUGIN_MIN_PORT", "10000"),
            ("PLUGIN_MAX_PORT", "25000"),
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/plugins"),
        ]);
        let parent = parent.unwrap();
        assert_eq!(parent.certificate.as_ref(), [1, 2, 3]);
        assert_eq!(parent.place.ports, 10000..=25000);
        assert_eq!(parent.place.directory, Some("/run/plugins".into()));
    }

    #[test]
    fn a_wrong_cookie_means_that_a_person_started_it() {
        let refusal = read(&[("TF_PLUGIN_MAGIC_COOKIE", "biscuit")]);
        assert!(matches!(refusal, Err(ServeError::NotStartedByTerraform)));
    }

    #[test]
    fn a_parent_without_protocol_6_is_refused() {
        for versions in ["", "5", "16", "60,5"] {
            let refusal = read(&[("PLUGIN_PROTOCOL_VERSIONS", versions)]);
            assert!(matches!(refusal, Err(ServeError::ProtocolVersion { .. })));
        }
    }

    #[test]
    fn a_parent_without_a_readable_certificate_is_refused() {
        let none = read(&[("PLUGIN_CLIENT_CERT", "")]);
        assert!(matches!(none, Err(ServeError::NoClientCertificate)));
        let noise = read(&[("PLUGIN_CLIENT_CERT", "AQID")]);
        assert!(matches!(
            noise,
            Err(ServeError::UnreadableClientCertificate)
        ));
    }

    #[test]
    fn the_line_has_six_fields_and_no_padding() {
        let mut line = Vec::new();
        announce(&mut line, "unix", "/tmp/x", &vec![1, 2, 3, 4].into()).unwrap();
        assert_eq!(line, b"1|6|unix|/tmp/x|grpc|AQIDBA\n");
    }
}
