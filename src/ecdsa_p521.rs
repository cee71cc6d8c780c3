//! ECDSA over P-521, which *ring* does not have: the key of Terraform's client certificate, and of
//! some servers.
//!
//! go-plugin generates a P-521 key for each client (`mtls.go`, `generateCert`). The curve comes from
//! RustCrypto's `p521`, the digests from *ring*, and this file adapts them to rustls. It only
//! verifies and handles no secrets.

use std::sync::OnceLock;

use ::ring::digest::{self, digest};
use p521::ecdsa::signature::hazmat::PrehashVerifier;
use p521::ecdsa::{Signature, VerifyingKey};
use rustls::SignatureScheme;
use rustls::crypto::{WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

/// The bytes of a number of the curve's order.
const FIELD: usize = 66;

/// ECDSA over P-521 with one digest.
#[derive(Debug)]
struct EcdsaP521 {
    digest: &'static digest::Algorithm,
    id: AlgorithmIdentifier,
}

/// With SHA-512: `ecdsa_secp521r1_sha512` of RFC 8446, section 4.2.3.
static SHA512: EcdsaP521 = EcdsaP521 {
    digest: &digest::SHA512,
    id: alg_id::ECDSA_SHA512,
};

/// With SHA-384, as a server may choose in TLS 1.2.
static SHA384: EcdsaP521 = EcdsaP521 {
    digest: &digest::SHA384,
    id: alg_id::ECDSA_SHA384,
};

/// With SHA-256, as a server may choose in TLS 1.2.
static SHA256: EcdsaP521 = EcdsaP521 {
    digest: &digest::SHA256,
    id: alg_id::ECDSA_SHA256,
};

/// The algorithms of *ring*, and P-521. Made once for the process: rustls asks for slices that live
/// as long.
pub(crate) fn algorithms() -> WebPkiSupportedAlgorithms {
    static ALGORITHMS: OnceLock<WebPkiSupportedAlgorithms> = OnceLock::new();
    *ALGORITHMS.get_or_init(|| {
        let of_ring = ring::default_provider().signature_verification_algorithms;
        let mut all = of_ring.all.to_vec();
        for p521 in [&SHA256, &SHA384, &SHA512] {
            all.push(p521);
        }
        let mut mapping = Vec::new();
        for (scheme, algorithms) in of_ring.mapping {
            // In TLS 1.2, a scheme names the digest and leaves the curve open.
            let p521: Option<&dyn SignatureVerificationAlgorithm> = match scheme {
                SignatureScheme::ECDSA_NISTP256_SHA256 => Some(&SHA256),
                SignatureScheme::ECDSA_NISTP384_SHA384 => Some(&SHA384),
                _ => None,
            };
            let algorithms: Vec<_> = algorithms.iter().copied().chain(p521).collect();
            mapping.push((*scheme, &*algorithms.leak()));
        }
        const P521: &[&dyn SignatureVerificationAlgorithm] = &[&SHA512];
        mapping.push((SignatureScheme::ECDSA_NISTP521_SHA512, P521));
        WebPkiSupportedAlgorithms {
            all: all.leak(),
            mapping: mapping.leak(),
        }
    })
}

impl SignatureVerificationAlgorithm for EcdsaP521 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        // A digest shorter than the order of the curve is the same number with zeros in front
        // (FIPS 186-5, section 6.4.1).
        let digest = digest(self.digest, message);
        let mut number = vec![0; FIELD.saturating_sub(digest.as_ref().len())];
        number.extend_from_slice(digest.as_ref());
        key.verify_prehash(&number, &signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.id
    }
}

#[cfg(test)]
mod tests {
    use p521::ecdsa::SigningKey;
    use p521::ecdsa::signature::Signer;

    use super::*;

    /// A key from fixed bytes, so that the tests need no random numbers.
    fn key(fill: u8) -> SigningKey {
        let mut bytes = [fill; 66];
        bytes[0] = 0;
        SigningKey::from_slice(&bytes).unwrap()
    }

    fn public(key: &SigningKey) -> Vec<u8> {
        key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
    }

    fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
        let signature: Signature = key.sign(message);
        signature.to_der().as_bytes().to_vec()
    }

    fn verify(key: &SigningKey, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        SHA512.verify_signature(&public(key), message, signature)
    }

    #[test]
    fn a_signature_of_the_key_over_the_message_passes() {
        let signature = sign(&key(7), b"hello");
        assert!(verify(&key(7), b"hello", &signature).is_ok());
    }

    #[test]
    fn another_key_another_message_or_a_changed_signature_fails() {
        let mut signature = sign(&key(7), b"hello");
        assert!(verify(&key(8), b"hello", &signature).is_err());
        assert!(verify(&key(7), b"hullo", &signature).is_err());
        *signature.last_mut().unwrap() ^= 1;
        assert!(verify(&key(7), b"hello", &signature).is_err());
    }

    #[test]
    fn malformed_keys_and_signatures_fail() {
        let signature = sign(&key(7), b"hello");
        let bad_key = SHA512.verify_signature(&[4; 133], b"hello", &signature);
        assert!(bad_key.is_err());
        assert!(verify(&key(7), b"hello", b"").is_err());
        assert!(verify(&key(7), b"hello", &[0x30, 0x00]).is_err());
    }
}
