//! How a command ends.

use tf_provider::Diagnostics;

use crate::pve::Error;
use crate::pve::diagnosis::{Status, Verdict};

/// The exit statuses, which scripts may rely on: one for each class of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything is as it should be.
    Ok = 0,
    /// None of the others, such as an output that cannot be written to.
    Other = 1,
    /// The arguments, the settings or the answers cannot be used.
    Configuration = 2,
    /// The host cannot be reached.
    Unreachable = 3,
    /// The certificate is not trusted, or the handshake failed.
    Tls = 4,
    /// Something else than Proxmox VE answers.
    NotProxmox = 5,
    /// The credentials are not accepted.
    Authentication = 6,
    /// The credentials may not do what is required.
    Privileges = 7,
    /// The host or its cluster has trouble of its own.
    Server = 8,
    /// Interrupted by the person at the keyboard, as shells have it.
    Interrupted = 130,
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::Ok,
            Status::InvalidEndpoint => Self::Configuration,
            Status::DnsFailure | Status::ConnectionRefused | Status::Timeout => Self::Unreachable,
            Status::TlsUntrusted
            | Status::TlsNameMismatch
            | Status::TlsExpired
            | Status::TlsFingerprintMismatch => Self::Tls,
            Status::NotProxmox => Self::NotProxmox,
            Status::Unauthenticated | Status::SecondFactorRequired => Self::Authentication,
            Status::PermissionDenied | Status::MissingPrivileges => Self::Privileges,
            Status::NoQuorum
            | Status::ClusterDegraded
            | Status::ServerError
            | Status::UnsupportedVersion => Self::Server,
        }
    }
}

/// Why a command could not do its work: what is wrong and what to change.
#[derive(Debug)]
pub struct Failure {
    /// With what status it ends.
    pub exit: Exit,
    /// What to tell.
    pub text: String,
}

impl Failure {
    /// A failure of any class.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
        }
    }

    /// Arguments, settings or answers that cannot be used.
    pub fn configuration(text: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, text)
    }

    /// The person at the keyboard wants no more.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "Interrupted.")
    }

    /// Settings that cannot be used, as the provider would report them.
    pub fn of_settings(diags: &Diagnostics) -> Self {
        let errors = diags.errors.iter();
        let texts: Vec<String> = errors
            .map(|error| format!("{}: {}", error.summary, error.detail))
            .collect();
        Self::configuration(texts.join("\n"))
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let verdict = Verdict::from(error);
        Self::new(
            verdict.status.into(),
            format!("{} {}", verdict.message, verdict.remedy),
        )
    }
}
