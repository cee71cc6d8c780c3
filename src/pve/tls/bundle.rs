//! Certificates to trust, and the identity of a client, parsed from PEM.
//!
//! PEM is often pasted into a heredoc, printed with other text around it, or kept in a variable in
//! one line, so a block is found wherever its two marks are, and white space inside counts for
//! nothing.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A text is not a bundle of certificates. The error never quotes it, because it may contain a
/// private key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaBundleError {
    /// It contains no certificate.
    #[error("the CA certificate holds no PEM block \"BEGIN CERTIFICATE\"")]
    Empty,
    /// It contains a private key.
    #[error(
        "the CA certificate holds a private key: give the certificate alone, and treat the key as leaked"
    )]
    PrivateKey,
    /// The PEM armour or its base64 is invalid.
    #[error("certificate {0} of the CA certificate is not readable PEM")]
    Pem(usize),
    /// The content is not an X.509 certificate.
    #[error("certificate {0} of the CA certificate is not an X.509 certificate")]
    Certificate(usize),
}

/// One or more certificates to trust, parsed from PEM.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CaBundle(pub(super) Vec<CertificateDer<'static>>);

impl FromStr for CaBundle {
    type Err = CaBundleError;

    fn from_str(pem: &str) -> Result<Self, CaBundleError> {
        if pem.contains("PRIVATE KEY-----") {
            return Err(CaBundleError::PrivateKey);
        }
        let certificates = certificates(pem)?;
        match certificates.is_empty() {
            true => Err(CaBundleError::Empty),
            false => Ok(Self(certificates)),
        }
    }
}

impl fmt::Debug for CaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaBundle({} certificates)", self.0.len())
    }
}

/// The certificates in a text.
pub(super) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, CaBundleError> {
    let blocks = blocks(pem, is_certificate).enumerate();
    let certificates = blocks.map(|(index, block)| {
        let der = block.ok_or(CaBundleError::Pem(index + 1))?;
        match X509Certificate::from_der(&der) {
            Ok(_) => Ok(CertificateDer::from(der)),
            Err(_) => Err(CaBundleError::Certificate(index + 1)),
        }
    });
    certificates.collect()
}

fn is_certificate(label: &str) -> bool {
    matches!(label, "CERTIFICATE" | "X509 CERTIFICATE")
}

/// The contents of the PEM blocks with such a label; `None` for one that cannot be read.
pub(super) fn blocks(
    text: &str,
    is_meant: impl Fn(&str) -> bool,
) -> impl Iterator<Item = Option<Vec<u8>>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once("-----BEGIN ")?;
            let Some((label, after)) = after.split_once("-----") else {
                rest = "";
                return None;
            };
            rest = after;
            if is_meant(label) {
                let end = format!("-----END {label}-----");
                let Some((body, after)) = after.split_once(end.as_str()) else {
                    return Some(None);
                };
                rest = after;
                return Some(decoded(body));
            }
        }
    })
}

/// Base64 without white space. A variable in one line may spell its line breaks as `\n`.
fn decoded(body: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let body = body.replace("\\n", "").replace("\\r", "");
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = GeneralPurpose::new(&STANDARD, CONFIG).decode(body).ok()?;
    (!der.is_empty()).then_some(der)
}

#[cfg(test)]
mod tests {
    use super::{CaBundle, CaBundleError};

    fn pem() -> String {
        rcgen::generate_simple_self_signed(["pve1".to_owned()])
            .unwrap()
            .cert
            .pem()
    }

    #[test]
    fn a_bundle_may_hold_several_authorities() {
        let bundle: CaBundle = format!("{}\n# second\n{}", pem(), pem()).parse().unwrap();
        assert_eq!(format!("{bundle:?}"), "CaBundle(2 certificates)");
    }

    #[test]
    fn a_certificate_is_found_wherever_it_is() {
        let pem = pem();
        let plain: CaBundle = pem.parse().unwrap();
        let indented: String = pem.lines().map(|line| format!("    {line}\n")).collect();
        for text in [
            indented.clone(),
            indented.replace("    ", "\t\t"),
            format!("subject=CN = pve1\n{pem}issuer=...\n"),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', "\\n"),
            pem.replace('\n', " "),
            format!("\u{feff}{pem}"),
            format!("\"{pem}\""),
            format!("ca: {}", pem.trim_end()),
            pem.replace("BEGIN CERT", "BEGIN X509 CERT")
                .replace("END CERT", "END X509 CERT"),
            format!("-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n{pem}"),
            pem.replace("=\n", "\n"),
        ] {
            assert_eq!(text.parse::<CaBundle>().as_ref(), Ok(&plain), "{text}");
        }
    }

    #[test]
    fn what_is_no_bundle_is_refused_with_the_reason() {
        assert_eq!("".parse::<CaBundle>(), Err(CaBundleError::Empty));
        assert_eq!(
            "/etc/pve/pve-root-ca.pem".parse::<CaBundle>(),
            Err(CaBundleError::Empty)
        );
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(key.parse::<CaBundle>(), Err(CaBundleError::PrivateKey));
        let armour = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        assert_eq!(
            armour("!!!!").parse::<CaBundle>(),
            Err(CaBundleError::Pem(1))
        );
        let second_is_none = pem() + &armour("aGVsbG8=");
        assert_eq!(
            second_is_none.parse::<CaBundle>(),
            Err(CaBundleError::Certificate(2))
        );
        let cut = pem().replace("-----END CERTIFICATE-----", "");
        assert_eq!(cut.parse::<CaBundle>(), Err(CaBundleError::Pem(1)));
    }
}
