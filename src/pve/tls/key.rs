//! The key of a server's certificate: verification of a handshake with it, and its name in words.
//!
//! A pin depends on the key alone, so the signature of the handshake is verified with the public
//! key as it stands in the certificate. The certificate itself may then be of version 1 or break
//! other rules that the usual verification has.

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::SignatureVerificationAlgorithm;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use x509_parser::asn1_rs::Any;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::ecdsa_p521::algorithms;

/// The sizes of RSA keys that *ring* verifies signatures of.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The algorithms of *ring*, and P-521.
pub(super) fn provider() -> CryptoProvider {
    CryptoProvider {
        signature_verification_algorithms: algorithms(),
        ..ring::default_provider()
    }
}

/// Verifies the signature of a handshake of TLS 1.3, in which a scheme names the curve, too.
pub(super) fn verify_tls13(
    message: &[u8],
    certificate: &[u8],
    signed: &DigitallySignedStruct,
) -> Result<(), Error> {
    use SignatureScheme as S;
    let in_tls13 = matches!(
        signed.scheme,
        S::ECDSA_NISTP256_SHA256
            | S::ECDSA_NISTP384_SHA384
            | S::ECDSA_NISTP521_SHA512
            | S::RSA_PSS_SHA256
            | S::RSA_PSS_SHA384
            | S::RSA_PSS_SHA512
            | S::ED25519
    );
    match candidates(signed.scheme).first() {
        Some(first) if in_tls13 => verify(message, certificate, signed, &[*first]),
        _ => Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into()),
    }
}

/// Verifies the signature of a handshake of TLS 1.2.
pub(super) fn verify_tls12(
    message: &[u8],
    certificate: &[u8],
    signed: &DigitallySignedStruct,
) -> Result<(), Error> {
    match candidates(signed.scheme) {
        [] => Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into()),
        candidates => verify(message, certificate, signed, candidates),
    }
}

fn candidates(scheme: SignatureScheme) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    let mut mapping = algorithms().mapping.iter();
    mapping
        .find(|(candidate, _)| *candidate == scheme)
        .map_or(&[], |(_, algorithms)| algorithms)
}

fn verify(
    message: &[u8],
    certificate: &[u8],
    signed: &DigitallySignedStruct,
    candidates: &[&dyn SignatureVerificationAlgorithm],
) -> Result<(), Error> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let id = algorithm_id(&parsed).ok_or(CertificateError::BadEncoding)?;
    let key = &parsed.public_key().subject_public_key.data;
    let mut candidates = candidates.iter();
    let verified = candidates.any(|algorithm| {
        algorithm.public_key_alg_id().as_ref() == id
            && algorithm
                .verify_signature(key, message, signed.signature())
                .is_ok()
    });
    match verified {
        true => Ok(()),
        false => Err(CertificateError::BadSignature.into()),
    }
}

/// The algorithm of a certificate's key, as the DER of its identifier has it.
fn algorithm_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    let (_, key) = Any::from_der(certificate.public_key().raw).ok()?;
    let (_, algorithm) = Any::from_der(key.data).ok()?;
    Some(algorithm.data)
}

/// Why no handshake with the key of this certificate can be verified, in words.
pub(super) fn unsupported(certificate: &[u8]) -> Option<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return Some("it is not a readable X.509 certificate".to_owned());
    };
    let id = algorithm_id(&parsed);
    let mut all = algorithms().all.iter();
    let is_known = all.any(|one| Some(one.public_key_alg_id().as_ref()) == id);
    let key = parsed.public_key();
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if is_known && !RSA_BITS.contains(&rsa.key_size()) => {
            Some(format!(
                "its RSA key has {} bits, and keys of 2048 to 8192 bits are supported",
                rsa.key_size()
            ))
        }
        _ if is_known => None,
        _ => {
            let parameters = key.algorithm.parameters.as_ref();
            let curve = parameters.and_then(|any| any.as_oid().ok());
            let oid = curve.as_ref().unwrap_or(&key.algorithm.algorithm);
            Some(format!(
                "its key is of the type {}, and RSA, ECDSA over P-256, P-384 or P-521, and Ed25519 \
                 are supported",
                in_words(&oid.to_id_string())
            ))
        }
    }
}

/// The algorithm that signed a certificate, in words.
pub(super) fn signature_algorithm(certificate: &[u8]) -> String {
    match X509Certificate::from_der(certificate) {
        Ok((_, parsed)) => in_words(&parsed.signature_algorithm.algorithm.to_id_string()),
        Err(_) => "an unknown algorithm".to_owned(),
    }
}

/// Names of what is not supported, and of what is signed with it.
fn in_words(oid: &str) -> String {
    let known = match oid {
        "1.2.840.113549.1.1.2" => "RSA with MD2",
        "1.2.840.113549.1.1.4" => "RSA with MD5",
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => "RSA with SHA-1",
        "1.2.840.113549.1.1.14" => "RSA with SHA-224",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.113549.1.1.11" => "RSA with SHA-256",
        "1.2.840.113549.1.1.12" => "RSA with SHA-384",
        "1.2.840.113549.1.1.13" => "RSA with SHA-512",
        "1.2.840.10045.4.1" => "ECDSA with SHA-1",
        "1.2.840.10045.4.3.1" => "ECDSA with SHA-224",
        "1.2.840.10045.4.3.2" => "ECDSA with SHA-256",
        "1.2.840.10045.4.3.3" => "ECDSA with SHA-384",
        "1.2.840.10045.4.3.4" => "ECDSA with SHA-512",
        "1.2.840.10040.4.1" => "DSA",
        "1.2.840.10040.4.3" => "DSA with SHA-1",
        "2.16.840.1.101.3.4.3.2" => "DSA with SHA-256",
        "1.2.840.10045.3.1.1" => "ECDSA over P-192",
        "1.3.132.0.33" => "ECDSA over P-224",
        "1.3.132.0.10" => "ECDSA over secp256k1",
        "1.3.36.3.3.2.8.1.1.7" => "ECDSA over brainpoolP256r1",
        "1.3.36.3.3.2.8.1.1.11" => "ECDSA over brainpoolP384r1",
        "1.3.36.3.3.2.8.1.1.13" => "ECDSA over brainpoolP512r1",
        "1.3.101.113" => "Ed448",
        "1.3.101.112" => "Ed25519",
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        _ => return format!("with the object identifier {oid}"),
    };
    known.to_owned()
}
