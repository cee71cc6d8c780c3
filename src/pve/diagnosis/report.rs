//! The result of a connection check.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::pve::api::nodes::ClusterNode;
use crate::pve::api::version::Version;
use crate::pve::diagnosis::cause::Cause;
use crate::pve::diagnosis::status::Status;
use crate::pve::net::endpoint::{Endpoint, EndpointError};
use crate::pve::tls::certificate::Fingerprint;

/// The requirements of a connection check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirements {
    /// For each path, the privileges that the credential must have.
    pub privileges: BTreeMap<String, BTreeSet<String>>,
}

/// The stages of a check, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The endpoint's text is an address.
    Endpoint,
    /// The name resolves.
    Dns,
    /// A connection is made.
    Tcp,
    /// The handshake succeeds with a certificate that is trusted.
    Tls,
    /// It is Proxmox VE that answers.
    Proxmox,
    /// The credentials are accepted.
    Authentication,
    /// So is the answer to the challenge that follows a password, where the account has a second
    /// factor. A token, and a password without one, pass at once.
    SecondFactor,
    /// They may do what is required.
    Privileges,
    /// The cluster is together.
    Cluster,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Endpoint,
        Self::Dns,
        Self::Tcp,
        Self::Tls,
        Self::Proxmox,
        Self::Authentication,
        Self::SecondFactor,
        Self::Privileges,
        Self::Cluster,
    ];

    /// The stage's name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Proxmox => "proxmox",
            Self::Authentication => "authentication",
            Self::SecondFactor => "second_factor",
            Self::Privileges => "privileges",
            Self::Cluster => "cluster",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How one stage went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageResult {
    /// Which stage.
    pub name: Stage,
    /// Whether it was passed.
    pub ok: bool,
    /// The duration of its requests; zero for a stage that follows from the request of another.
    pub elapsed: Duration,
}

/// Everything a check found out. What could not be found out is `None` or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The first stage that failed, or the last that was reached when none did.
    pub stage: Stage,
    /// Why the check failed, or what is worth a word although it passed.
    pub cause: Option<Cause>,
    /// The address of the host, if it is valid.
    pub endpoint: Option<Endpoint>,
    /// The stages that were reached, in order.
    pub stages: Vec<StageResult>,
    /// The host's version.
    pub version: Option<Version>,
    /// Whose credentials were accepted or refused.
    pub identity: Option<String>,
    /// `api_token`, `password` or `none`.
    pub auth_method: &'static str,
    /// How long an authenticated request took on the open connection.
    pub latency: Option<Duration>,
    /// The certificate that was seen, accepted or not.
    pub certificate_fingerprint: Option<Fingerprint>,
    /// The cluster's nodes, or the host alone.
    pub nodes: Vec<ClusterNode>,
    /// The cluster's name; needs `Sys.Audit` on `/`.
    pub cluster_name: Option<String>,
    /// Whether the cluster has quorum; needs `Sys.Audit` on `/`.
    pub quorate: Option<bool>,
    /// Whether the credential is a token without any privilege.
    pub no_privileges: bool,
    /// For each required path, every privilege that the credentials have there.
    pub privileges: BTreeMap<String, Vec<String>>,
    /// For each required path, the required privileges that are missing; only paths that lack some.
    pub missing_privileges: BTreeMap<String, Vec<String>>,
}

impl Report {
    pub(crate) fn begin(auth_method: &'static str, identity: Option<String>) -> Self {
        Self {
            stage: Stage::Endpoint,
            cause: None,
            endpoint: None,
            stages: Vec::new(),
            version: None,
            identity,
            auth_method,
            latency: None,
            certificate_fingerprint: None,
            nodes: Vec::new(),
            cluster_name: None,
            quorate: None,
            no_privileges: false,
            privileges: BTreeMap::new(),
            missing_privileges: BTreeMap::new(),
        }
    }

    /// The report on an endpoint that is not an address.
    pub fn invalid_endpoint(error: EndpointError) -> Self {
        let mut report = Self::begin("none", None);
        report.fail(
            Stage::Endpoint,
            Cause::InvalidEndpoint(error),
            Duration::ZERO,
        );
        report
    }

    pub(crate) fn pass(&mut self, name: Stage, elapsed: Duration) {
        self.note(name, true, elapsed);
    }

    /// Records a stage that was passed although something is worth a word.
    pub(crate) fn pass_with(&mut self, name: Stage, cause: Cause, elapsed: Duration) {
        self.note(name, true, elapsed);
        self.cause.get_or_insert(cause);
    }

    /// The outcome.
    pub fn status(&self) -> Status {
        self.cause.as_ref().map_or(Status::Ok, Cause::status)
    }

    /// Records a failed stage. The first cause decides the status.
    pub(crate) fn fail(&mut self, name: Stage, cause: Cause, elapsed: Duration) {
        self.note(name, false, elapsed);
        self.cause.get_or_insert(cause);
    }

    fn note(&mut self, name: Stage, ok: bool, elapsed: Duration) {
        if self.stages.iter().all(|stage| stage.ok) {
            self.stage = name;
        }
        self.stages.push(StageResult { name, ok, elapsed });
    }
}
