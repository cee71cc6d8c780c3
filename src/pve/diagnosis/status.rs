//! The status of a connection check: `ok`, or the kind of failure.

use std::fmt;

/// The status of a connection check, as one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Everything that was asked for works.
    Ok,
    /// The endpoint is not an address.
    InvalidEndpoint,
    /// The host name does not resolve.
    DnsFailure,
    /// The connection is refused, or there is no route to the host.
    ConnectionRefused,
    /// No response in time.
    Timeout,
    /// The certificate's authority is not trusted, or the handshake failed.
    TlsUntrusted,
    /// The certificate does not name the host.
    TlsNameMismatch,
    /// The certificate has expired or is not valid yet.
    TlsExpired,
    /// The certificate is not the pinned one.
    TlsFingerprintMismatch,
    /// Something other than Proxmox VE responds.
    NotProxmox,
    /// The server rejects the credential.
    Unauthenticated,
    /// The account needs a second factor that cannot be answered.
    SecondFactorRequired,
    /// The credential is accepted, and a request is forbidden.
    PermissionDenied,
    /// Required privileges are missing.
    MissingPrivileges,
    /// The node is cut off from its cluster.
    NoQuorum,
    /// Some nodes of the cluster are offline, and it is not known to be without quorum.
    ClusterDegraded,
    /// The host responds with a server error.
    ServerError,
    /// The version of the host is not supported.
    UnsupportedVersion,
}

impl Status {
    /// All of them, in the order of the stages that end with them.
    pub const ALL: [Self; 18] = [
        Self::Ok,
        Self::InvalidEndpoint,
        Self::DnsFailure,
        Self::ConnectionRefused,
        Self::Timeout,
        Self::TlsUntrusted,
        Self::TlsNameMismatch,
        Self::TlsExpired,
        Self::TlsFingerprintMismatch,
        Self::NotProxmox,
        Self::Unauthenticated,
        Self::SecondFactorRequired,
        Self::PermissionDenied,
        Self::MissingPrivileges,
        Self::NoQuorum,
        Self::ClusterDegraded,
        Self::ServerError,
        Self::UnsupportedVersion,
    ];

    /// The word, such as `tls_untrusted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::InvalidEndpoint => "invalid_endpoint",
            Self::DnsFailure => "dns_failure",
            Self::ConnectionRefused => "connection_refused",
            Self::Timeout => "timeout",
            Self::TlsUntrusted => "tls_untrusted",
            Self::TlsNameMismatch => "tls_name_mismatch",
            Self::TlsExpired => "tls_expired",
            Self::TlsFingerprintMismatch => "tls_fingerprint_mismatch",
            Self::NotProxmox => "not_proxmox",
            Self::Unauthenticated => "unauthenticated",
            Self::SecondFactorRequired => "second_factor_required",
            Self::PermissionDenied => "permission_denied",
            Self::MissingPrivileges => "missing_privileges",
            Self::NoQuorum => "no_quorum",
            Self::ClusterDegraded => "cluster_degraded",
            Self::ServerError => "server_error",
            Self::UnsupportedVersion => "unsupported_version",
        }
    }

    /// Whether the connection can be used as required. That of a cluster with a node offline can.
    pub fn is_ok(self) -> bool {
        matches!(self, Self::Ok | Self::ClusterDegraded)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
