//! The exit statuses of the commands.

use crate::cli::options::in_own_words;
use crate::provider::settings::setting::Problem;
use crate::pve::diagnosis::Status;

/// The exit statuses, one for each class of failure. Scripts may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Success.
    Ok = 0,
    /// Any other failure, such as an output that cannot be written.
    Other = 1,
    /// Invalid arguments, settings or answers.
    Configuration = 2,
    /// The host cannot be reached.
    Unreachable = 3,
    /// The certificate is not trusted, or the handshake failed.
    Tls = 4,
    /// The server is not Proxmox VE.
    NotProxmox = 5,
    /// The credentials were rejected.
    Authentication = 6,
    /// The credentials lack required privileges.
    Privileges = 7,
    /// The host or its cluster failed.
    Server = 8,
    /// Interrupted by the user, with the status that shells use.
    Interrupted = 130,
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok | Status::ClusterDegraded => Self::Ok,
            Status::InvalidEndpoint => Self::Configuration,
            Status::DnsFailure | Status::ConnectionRefused | Status::Timeout => Self::Unreachable,
            Status::TlsUntrusted
            | Status::TlsNameMismatch
            | Status::TlsExpired
            | Status::TlsFingerprintMismatch => Self::Tls,
            Status::NotProxmox => Self::NotProxmox,
            Status::Unauthenticated | Status::SecondFactorRequired => Self::Authentication,
            Status::PermissionDenied | Status::MissingPrivileges => Self::Privileges,
            Status::NoQuorum | Status::ServerError | Status::UnsupportedVersion => Self::Server,
        }
    }
}

/// The failure of a command: the cause and the required change.
#[derive(Debug)]
pub struct Failure {
    /// The exit status.
    pub exit: Exit,
    /// The message.
    pub text: String,
}

impl Failure {
    /// Creates a failure of any class.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
        }
    }

    /// Invalid arguments, settings or answers.
    pub fn configuration(text: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, text)
    }

    /// An interrupt by the user.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "Interrupted.")
    }
}

/// Settings that cannot be used, with the texts that the provider reports, in the words of the
/// command line.
impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        let texts: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.summary, in_own_words(&problem.detail)))
            .collect();
        Self::configuration(texts.join("\n"))
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        vec![problem].into()
    }
}
