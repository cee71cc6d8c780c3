//! The handshake between the parent and this process: environment variables one way, a line on
//! stdout the other. Its rules are those of go-plugin (`client.go` and `server.go`).

use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::error::ServeError;

/// A variable that Terraform sets. It proves nothing, but it tells a start by Terraform from a start
/// by a user.
const MAGIC_COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// The version of the handshake line.
const CORE_PROTOCOL: u8 = 1;

/// The major version of the Terraform protocol that this plugin serves.
pub(super) const PROTOCOL: u8 = 6;

/// The place where the plugin listens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// A directory of the parent for the socket. Without one, the plugin creates its own.
    pub directory: Option<PathBuf>,
    /// The ports to choose from on a system without unix sockets.
    pub ports: RangeInclusive<u16>,
}

/// The settings that the parent passed when it started this process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parent {
    /// The certificate that every connection must present.
    pub certificate: CertificateDer<'static>,
    /// The place to listen.
    pub place: Place,
}

impl Parent {
    /// Reads the settings from environment variables.
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
    /// Reads the place to listen. A port that is not set or is not a number sets no limit.
    /// `PLUGIN_UNIX_SOCKET_GROUP`, which would let a group of users connect, is not supported.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        if variable("PLUGIN_UNIX_SOCKET_GROUP").is_some_and(|group| !group.is_empty()) {
            tracing::warn!(
                "PLUGIN_UNIX_SOCKET_GROUP is ignored: only the owner can reach the socket"
            );
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

/// Writes the line that tells the parent the address and the certificate of this process. Nothing
/// else is ever written to stdout while serving.
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

    /// A certificate of three bytes. Only TLS reads its content.
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
    fn all_settings_of_a_parent_are_read() {
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
    fn a_wrong_cookie_means_that_a_user_started_it() {
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
