//! What an error means for the person who configured the connection.

use crate::pve::diagnosis::remedy::remedy;
use crate::pve::diagnosis::report::{Stage, Status};
use crate::pve::error::failure::{AuthFailure, Phase, ProxyFailure};
use crate::pve::error::{Error, ErrorKind};
use crate::pve::tls::failure::TlsFailure;

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
    match &error.kind {
        ErrorKind::Dns { .. } => (Status::DnsFailure, Stage::Dns),
        ErrorKind::Refused | ErrorKind::Connect { .. } => (Status::ConnectionRefused, Stage::Tcp),
        ErrorKind::Timeout {
            phase: Phase::Connect,
            ..
        } => (Status::Timeout, Stage::Tcp),
        ErrorKind::Proxy {
            failure: ProxyFailure::Timeout(_),
            ..
        } => (Status::Timeout, Stage::Tcp),
        ErrorKind::Proxy { .. } => (Status::ConnectionRefused, Stage::Tcp),
        // Setting up wherever it was: nothing is known of the way there.
        ErrorKind::Cancelled
        | ErrorKind::Timeout {
            phase: Phase::Deadline,
            ..
        } => (Status::Timeout, Stage::Dns),
        ErrorKind::Timeout { .. } => (Status::Timeout, Stage::Proxmox),
        ErrorKind::Tls { failure, .. } => (tls(failure), Stage::Tls),
        ErrorKind::Setup { .. } => (Status::TlsUntrusted, Stage::Tls),
        ErrorKind::PlainHttp => (Status::NotProxmox, Stage::Tls),
        ErrorKind::NotProxmox { .. } => (Status::NotProxmox, Stage::Proxmox),
        ErrorKind::Unauthenticated {
            failure: AuthFailure::SecondFactor,
            ..
        } => (Status::Unauthenticated, Stage::SecondFactor),
        ErrorKind::Unauthenticated { .. } => (Status::Unauthenticated, Stage::Authentication),
        ErrorKind::SecondFactorRequired { .. } => {
            (Status::SecondFactorRequired, Stage::SecondFactor)
        }
        ErrorKind::Forbidden { .. } => (Status::PermissionDenied, Stage::Privileges),
        ErrorKind::NoQuorum { .. } => (Status::NoQuorum, Stage::Cluster),
        ErrorKind::Lost { .. }
        | ErrorKind::Decode { .. }
        | ErrorKind::TooLarge { .. }
        | ErrorKind::LockTimeout { .. }
        | ErrorKind::ProxyHop { .. }
        | ErrorKind::NoSuchToken { .. }
        | ErrorKind::NoSuchUser { .. }
        | ErrorKind::NoSuchRole { .. }
        | ErrorKind::TokenExists { .. }
        | ErrorKind::ParameterErrors { .. }
        | ErrorKind::Api { .. } => (Status::ServerError, Stage::Proxmox),
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
