//! The status and the stage of a failed request.

use crate::pve::diagnosis::report::Stage;
use crate::pve::diagnosis::status::Status;
use crate::pve::error::failure::{AuthFailure, Phase, ProxyFailure};
use crate::pve::error::{Error, ErrorKind};
use crate::pve::progress::Step;
use crate::pve::tls::failure::TlsFailure;

impl From<&Error> for Status {
    fn from(error: &Error) -> Self {
        classify(error).0
    }
}

impl From<&Error> for Stage {
    fn from(error: &Error) -> Self {
        classify(error).1
    }
}

fn classify(error: &Error) -> (Status, Stage) {
    match &error.kind {
        ErrorKind::Dns { .. } => (Status::DnsFailure, Stage::Dns),
        ErrorKind::Refused | ErrorKind::Connect { .. } => (Status::ConnectionRefused, Stage::Tcp),
        ErrorKind::Proxy {
            failure: ProxyFailure::Timeout(_),
            ..
        } => (Status::Timeout, Stage::Tcp),
        ErrorKind::Proxy { .. } => (Status::ConnectionRefused, Stage::Tcp),
        ErrorKind::Timeout { phase, .. } => (Status::Timeout, waited(*phase)),
        ErrorKind::Cancelled => (Status::Timeout, waited(Phase::Deadline)),
        ErrorKind::Tls { failure, .. } => (tls(failure), Stage::Tls),
        ErrorKind::Setup { .. } => (Status::TlsUntrusted, Stage::Tls),
        ErrorKind::PlainHttp => (Status::NotProxmox, Stage::Tls),
        ErrorKind::NotProxmox { .. } => (Status::NotProxmox, Stage::Proxmox),
        ErrorKind::Unauthenticated {
            failure: AuthFailure::SecondFactor,
            ..
        } => (Status::Unauthenticated, Stage::SecondFactor),
        ErrorKind::Unauthenticated { .. } => (Status::Unauthenticated, Stage::Authentication),
        ErrorKind::ClocksDiffer { .. } => (Status::Unauthenticated, Stage::SecondFactor),
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
        | ErrorKind::Gateway { .. }
        | ErrorKind::NoSuchToken { .. }
        | ErrorKind::NoSuchUser { .. }
        | ErrorKind::NoSuchRole { .. }
        | ErrorKind::TokenExists { .. }
        | ErrorKind::ParameterErrors { .. }
        | ErrorKind::Api { .. } => (Status::ServerError, Stage::Proxmox),
    }
}

fn waited(phase: Phase) -> Stage {
    match phase {
        // A deadline does not say how far the request came.
        Phase::Connect(Step::Resolve) | Phase::Deadline => Stage::Dns,
        Phase::Connect(Step::Connect) => Stage::Tcp,
        Phase::Connect(Step::Handshake) => Stage::Tls,
        Phase::Response => Stage::Proxmox,
    }
}

fn tls(failure: &TlsFailure) -> Status {
    match failure {
        TlsFailure::Untrusted(_)
        | TlsFailure::Unsupported { .. }
        | TlsFailure::UnsupportedKey { .. }
        | TlsFailure::Version(_)
        | TlsFailure::Other { .. } => Status::TlsUntrusted,
        TlsFailure::NameMismatch(_) => Status::TlsNameMismatch,
        TlsFailure::Expired(_) | TlsFailure::NotYetValid(_) => Status::TlsExpired,
        TlsFailure::FingerprintMismatch(_) => Status::TlsFingerprintMismatch,
    }
}
