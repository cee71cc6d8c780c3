//! What to change when the TLS handshake fails.

use crate::provider::diagnostics::words::Words;
use crate::provider::settings::address::ENDPOINT;
use crate::provider::settings::tls::{
    CA_CERTIFICATE, CERTIFICATE_FINGERPRINTS, MIN_TLS_VERSION, TLS_SERVER_NAME, VERIFY_SSL,
};
use crate::pve::{Certificate, TlsFailure, TlsVersion};

const COMPARE: &str = "Compare its fingerprint with the one that the host shows under Node > System \
     > Certificates.";

/// What to change when the TLS handshake fails.
pub fn remedy(failure: &TlsFailure, words: Words) -> String {
    let (endpoint, authority) = (words.name(&ENDPOINT), words.name(&CA_CERTIFICATE));
    match failure {
        TlsFailure::Untrusted(seen) if seen.is_self_signed() && !seen.names.is_empty() => accept(
            seen,
            &format!("set {authority} to this certificate, which is its own authority"),
            words,
        ),
        TlsFailure::Untrusted(seen) if seen.is_self_signed() => accept(
            seen,
            "replace the certificate by one that names the host (subject alternative name)",
            words,
        ),
        TlsFailure::Untrusted(seen) => accept(
            seen,
            &format!(
                "set {authority} to the CA certificate of the cluster, /etc/pve/pve-root-ca.pem \
                 on any node, which covers all nodes and stays valid when certificates are renewed"
            ),
            words,
        ),
        TlsFailure::NameMismatch(seen) if seen.names.is_empty() => accept(
            seen,
            "replace the certificate by one that names the host (subject alternative name)",
            words,
        ),
        TlsFailure::Unsupported { certificate, .. } => accept(
            certificate,
            "renew the certificate (`pvecm updatecerts --force` on a host of Proxmox VE)",
            words,
        ),
        TlsFailure::UnsupportedKey { .. } => "No setting accepts the certificate, because the \
            handshake cannot be verified. Renew the certificate with another key, such as an RSA \
            key of 2048 bits or an ECDSA key over P-256 (`pvecm updatecerts --force` on a host of \
            Proxmox VE)."
            .to_owned(),
        TlsFailure::NameMismatch(seen) => accept(
            seen,
            &format!(
                "set {endpoint} to a name that the certificate is valid for, or set {} to that name",
                words.name(&TLS_SERVER_NAME)
            ),
            words,
        ),
        TlsFailure::Expired(seen) => accept(
            seen,
            "renew the certificate (`pvecm updatecerts --force` on the host)",
            words,
        ),
        TlsFailure::NotYetValid(_) => {
            "Check the clocks of this machine and of the host.".to_owned()
        }
        TlsFailure::FingerprintMismatch(seen) => format!(
            "{COMPARE} If they match, the certificate was renewed or belongs to another node: add \
             {} to {}, or set {authority} to the CA certificate of the cluster, which stays valid \
             when certificates are renewed. If they do not match, the response is from another \
             server.",
            seen.fingerprint,
            words.name(&CERTIFICATE_FINGERPRINTS)
        ),
        TlsFailure::Version(TlsVersion::Tls12) => format!(
            "Update the host or the reverse proxy in front of it. Versions before TLS 1.2 are \
             insecure, and {} cannot allow them.",
            words.name(&MIN_TLS_VERSION)
        ),
        TlsFailure::Version(TlsVersion::Tls13) => format!(
            "Set {}, or enable TLS 1.3 on the host.",
            words.assignment(&MIN_TLS_VERSION, "\"1.2\"")
        ),
        TlsFailure::Other {
            certificate: Some(seen),
            ..
        } => accept(
            seen,
            "renew the certificate (`pvecm updatecerts --force` on a host of Proxmox VE)",
            words,
        ),
        TlsFailure::Other { .. } => format!(
            "The handshake failed before the certificate was verified. Check that {endpoint} leads \
             to Proxmox VE itself, and that the server offers TLS 1.2 or 1.3."
        ),
    }
}

/// How to accept a certificate: the lasting way first, then its fingerprint.
fn accept(seen: &Certificate, lasting: &str, words: Words) -> String {
    let pin = format!("[\"{}\"]", seen.fingerprint);
    format!(
        "{COMPARE} If they match, {lasting}, or accept only this certificate with {}. {} accepts \
         any certificate, so credentials can be sent to an impostor.",
        words.assignment(&CERTIFICATE_FINGERPRINTS, &pin),
        words.assignment(&VERIFY_SSL, "false")
    )
}
