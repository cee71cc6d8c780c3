//! Requirements of a TLS handshake beside a trusted certificate: the version and the name.

use std::fmt;
use std::str::FromStr;

use rustls::SupportedProtocolVersion;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};

/// A minimum version of TLS. Older versions are insecure, and no supported Proxmox VE needs them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// 1.2
    #[default]
    Tls12,
    /// 1.3
    Tls13,
}

/// The text is not a supported version of TLS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be \"1.2\" or \"1.3\"; older versions of TLS are not supported")]
pub struct TlsVersionError;

impl TlsVersion {
    /// This version and all newer ones.
    pub(crate) fn and_newer(self) -> &'static [&'static SupportedProtocolVersion] {
        static FROM_TLS12: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
        static FROM_TLS13: [&SupportedProtocolVersion; 1] = [&TLS13];
        match self {
            Self::Tls12 => &FROM_TLS12,
            Self::Tls13 => &FROM_TLS13,
        }
    }

    /// The versions of a server that supports none of [`Self::and_newer`].
    pub(crate) fn older(self) -> &'static str {
        match self {
            Self::Tls12 => "TLS 1.1 or older",
            Self::Tls13 => "TLS 1.2 or older",
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

impl FromStr for TlsVersion {
    type Err = TlsVersionError;

    fn from_str(text: &str) -> Result<Self, TlsVersionError> {
        match text.trim() {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err(TlsVersionError),
        }
    }
}

/// A DNS name or address that a certificate can be valid for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CertificateName(pub(crate) ServerName<'static>);

/// A text is not a DNS name or address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be a host name or an address alone, without scheme and port")]
pub struct CertificateNameError;

impl FromStr for CertificateName {
    type Err = CertificateNameError;

    fn from_str(text: &str) -> Result<Self, CertificateNameError> {
        let name = ServerName::try_from(text.trim().to_owned());
        name.map(Self).map_err(|_| CertificateNameError)
    }
}

#[cfg(test)]
mod tests {
    use super::{CertificateName, TlsVersion};

    #[test]
    fn versions_that_are_not_spoken_are_refused() {
        assert_eq!("1.2".parse(), Ok(TlsVersion::Tls12));
        assert_eq!(" 1.3".parse(), Ok(TlsVersion::Tls13));
        for text in ["1.1", "1.0", "2", "", "TLS 1.4"] {
            assert!(text.parse::<TlsVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_for_a_certificate_has_neither_scheme_nor_port() {
        for text in ["pve1.example.com", "pve1", "192.0.2.7", "2001:db8::7"] {
            assert!(text.parse::<CertificateName>().is_ok(), "{text}");
        }
        for text in ["", "https://pve1", "pve1:8006", "pve 1", "pve1..example"] {
            assert!(text.parse::<CertificateName>().is_err(), "{text}");
        }
    }
}
