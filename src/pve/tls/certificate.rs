//! The contents of a server's certificate, for messages and for pinning.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};
use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::pve::foreign_text::shown;

/// The most names of one certificate that are kept.
const MOST_NAMES: usize = 20;

/// A text is not a SHA-256 fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// 20 bytes.
    #[error(
        "this is a SHA-1 fingerprint: the SHA-256 one is needed, 64 hexadecimal digits, as Node > System > Certificates shows it"
    )]
    Sha1,
    /// Any other length.
    #[error(
        "a SHA-256 fingerprint has 64 hexadecimal digits, with or without colons; this one has {0}"
    )]
    Length(usize),
    /// A character that is not a hexadecimal digit.
    #[error("a SHA-256 fingerprint holds hexadecimal digits and colons only, not {0:?}")]
    Digit(char),
}

/// The SHA-256 digest of a certificate in DER, displayed as Proxmox VE does: `AA:BB:…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(der: &[u8]) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest(&SHA256, der).as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let text = text.trim();
        let text = text
            .strip_prefix("sha256:")
            .or_else(|| text.strip_prefix("SHA256:"))
            .unwrap_or(text);
        let mut digits = Vec::with_capacity(64);
        for character in text.chars().filter(|c| !matches!(c, ':' | '-' | ' ')) {
            let digit = character
                .to_digit(16)
                .ok_or(FingerprintError::Digit(character))?;
            digits.push(u8::try_from(digit).unwrap_or_default());
        }
        match digits.len() {
            64 => {}
            40 => return Err(FingerprintError::Sha1),
            other => return Err(FingerprintError::Length(other)),
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |high, low| (high << 4) | low);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The certificate that a server presented. A field that could not be parsed is empty or `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The SHA-256 fingerprint.
    pub fingerprint: Fingerprint,
    /// The version of X.509: 3 is usual. 0 if it could not be parsed.
    pub version: u32,
    /// The subject.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// The DNS names and addresses that it is valid for.
    pub names: Vec<String>,
    /// Valid from.
    pub not_before: Option<OffsetDateTime>,
    /// Valid until.
    pub not_after: Option<OffsetDateTime>,
}

impl Certificate {
    /// Whether it is its own authority.
    pub fn is_self_signed(&self) -> bool {
        self.issuer == self.subject
    }

    /// Parses a certificate in DER.
    pub fn from_der(der: &[u8]) -> Self {
        let mut seen = Self {
            fingerprint: Fingerprint::of(der),
            version: 0,
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: None,
            not_after: None,
        };
        if let Ok((_, parsed)) = X509Certificate::from_der(der) {
            seen.version = parsed.version().0.saturating_add(1);
            seen.subject = shown(&parsed.subject().to_string());
            seen.issuer = shown(&parsed.issuer().to_string());
            seen.not_before = Some(parsed.validity().not_before.to_datetime());
            seen.not_after = Some(parsed.validity().not_after.to_datetime());
            if let Ok(Some(names)) = parsed.subject_alternative_name() {
                let names = names.value.general_names.iter().filter_map(name);
                seen.names = names.take(MOST_NAMES).collect();
            }
        }
        seen
    }
}

/// The fields that identify the certificate, such as
/// `subject CN=pve1, valid for pve1 and 192.0.2.7, issuer CN=…, valid from 2026-11-24 to …,
/// SHA-256 fingerprint AA:BB:…`.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |text: &str| if text.is_empty() { "none" } else { text }.to_owned();
        let day = |instant: Option<OffsetDateTime>| {
            instant.map_or_else(|| "?".to_owned(), |instant| instant.date().to_string())
        };
        write!(
            f,
            "subject {}, valid for {}, issuer {}, valid from {} to {}, SHA-256 fingerprint {}",
            named(&self.subject),
            named(&self.names.join(" and ")),
            named(&self.issuer),
            day(self.not_before),
            day(self.not_after),
            self.fingerprint
        )
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(shown(name)),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(v4) => Some(std::net::IpAddr::from(v4).to_string()),
            Err(_) => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|v6| std::net::IpAddr::from(v6).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Certificate, Fingerprint, FingerprintError};

    /// As `GET /nodes` gave it in recording `178-use-nodes-unprivileged`.
    const RECORDED: &str = "BB:63:E4:06:1D:E4:0D:45:A6:66:21:63:F5:C5:60:B1:A6:11:CD:89:A8:97:10:37:03:A2:82:27:7A:A1:83:2E";

    #[test]
    fn every_usual_spelling_is_the_same_fingerprint() {
        let expected: Fingerprint = RECORDED.parse().unwrap();
        for text in [
            RECORDED.to_lowercase(),
            RECORDED.replace(':', ""),
            RECORDED.replace(':', " "),
            format!("sha256:{}", RECORDED.to_lowercase().replace(':', "")),
            format!(" {RECORDED}\n"),
        ] {
            assert_eq!(text.parse::<Fingerprint>().unwrap(), expected, "{text}");
        }
        assert_eq!(expected.to_string(), RECORDED);
    }

    #[test]
    fn what_is_no_sha256_fingerprint_is_refused_with_the_reason() {
        assert_eq!(
            "AA:BB".parse::<Fingerprint>().unwrap_err(),
            FingerprintError::Length(4)
        );
        assert_eq!(
            "ab".repeat(20).parse::<Fingerprint>().unwrap_err(),
            FingerprintError::Sha1
        );
        assert_eq!(
            "x".repeat(64).parse::<Fingerprint>().unwrap_err(),
            FingerprintError::Digit('x')
        );
        assert_eq!(
            "".parse::<Fingerprint>().unwrap_err(),
            FingerprintError::Length(0)
        );
    }

    #[test]
    fn a_certificate_tells_its_names_and_issuer() {
        let made = rcgen::generate_simple_self_signed([
            "pve1.example.com".to_owned(),
            "192.0.2.7".to_owned(),
        ])
        .unwrap();
        let seen = Certificate::from_der(made.cert.der());
        assert_eq!(seen.names, ["pve1.example.com", "192.0.2.7"]);
        assert_eq!(seen.issuer, seen.subject);
        assert_eq!(seen.fingerprint, Fingerprint::of(made.cert.der()));
        assert!(seen.not_before < seen.not_after);
    }

    #[test]
    fn what_a_certificate_says_does_not_reach_a_terminal_raw() {
        let mut params = rcgen::CertificateParams::new(["pve1".to_owned()]).unwrap();
        let hostile = "pve1\u{1b}[2K\u{202e}trusted";
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, hostile);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let text = Certificate::from_der(made.der()).to_string();
        assert!(
            !text.contains(['\u{1b}', '\u{202e}']) && text.contains("\\u{1b}"),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_certificate_still_has_a_fingerprint() {
        let seen = Certificate::from_der(b"nonsense");
        assert_eq!(seen.subject, "");
        assert_eq!(seen.fingerprint, Fingerprint::of(b"nonsense"));
    }
}
