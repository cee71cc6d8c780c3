//! What an error means for the person who configured the connection.

use crate::pve::diagnosis::remedy::remedy;
use crate::pve::diagnosis::report::{Stage, Status};
use crate::pve::error::Error;
use crate::pve::error::failure::{AuthFailure, Phase, ProxyFailure, TlsFailure};

/// One word, one sentence and one piece of advice for an error of any call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome in one word.
    pub status: Status,
    /// The stage of a check at which such an error arises.
    pub stage: Stage,
    /// What happened.
    pub message: String,
    /// What to change.
    pub remedy: String,
}

impl From<&Error> for Verdict {
    fn from(error: &Error) -> Self {
        let (status, stage) = classify(error);
        Self {
            status,
            stage,
            message: format!("{error}."),
            remedy: remedy(error),
        }
    }
}

fn classify(error: &Error) -> (Status, Stage) {
    match error {
        Error::Dns { .. } => (Status::DnsFailure, Stage::Dns),
        Error::Refused { .. } | Error::Connect { .. } => (Status::ConnectionRefused, Stage::Tcp),
        Error::Timeout {
            phase: Phase::Connect,
            ..
        } => (Status::Timeout, Stage::Tcp),
        Error::Proxy {
            failure: ProxyFailure::Timeout(_),
            ..
        } => (Status::Timeout, Stage::Tcp),
        Error::Proxy { .. } => (Status::ConnectionRefused, Stage::Tcp),
        // Setting up wherever it was: nothing is known of the way there.
        Error::Cancelled { .. }
        | Error::Timeout {
            phase: Phase::Deadline,
            ..
        } => (Status::Timeout, Stage::Dns),
        Error::Timeout { .. } => (Status::Timeout, Stage::Proxmox),
        Error::Tls { failure, .. } => (tls(failure), Stage::Tls),
        Error::Setup { .. } => (Status::TlsUntrusted, Stage::Tls),
        Error::PlainHttp { .. } => (Status::NotProxmox, Stage::Tls),
        Error::NotProxmox { .. } => (Status::NotProxmox, Stage::Proxmox),
        Error::Unauthenticated {
            failure: AuthFailure::SecondFactor,
            ..
        } => (Status::Unauthenticated, Stage::SecondFactor),
        Error::Unauthenticated { .. } => (Status::Unauthenticated, Stage::Authentication),
        Error::SecondFactorRequired { .. } => (Status::SecondFactorRequired, Stage::SecondFactor),
        Error::Forbidden { .. } => (Status::PermissionDenied, Stage::Privileges),
        Error::NoQuorum { .. } => (Status::NoQuorum, Stage::Cluster),
        Error::Lost { .. }
        | Error::Decode { .. }
        | Error::TooLarge { .. }
        | Error::LockTimeout { .. }
        | Error::ProxyHop { .. }
        | Error::NoSuchToken { .. }
        | Error::NoSuchUser { .. }
        | Error::NoSuchRole { .. }
        | Error::TokenExists { .. }
        | Error::ParameterErrors { .. }
        | Error::Api { .. } => (Status::ServerError, Stage::Proxmox),
    }
}

fn tls(failure: &TlsFailure) -> Status {
    match failure {
        TlsFailure::Untrusted(_) | TlsFailure::Version(_) | TlsFailure::Other { .. } => {
            Status::TlsUntrusted
        }
        TlsFailure::NameMismatch(_) => Status::TlsNameMismatch,
        TlsFailure::Expired(_) | TlsFailure::NotYetValid(_) => Status::TlsExpired,
        TlsFailure::FingerprintMismatch(_) => Status::TlsFingerprintMismatch,
    }
}
