//! Why a connection check fails.

use std::collections::BTreeSet;

use crate::pve::api::nodes::Quorum;
use crate::pve::diagnosis::rejection::Rejection;
use crate::pve::diagnosis::status::Status;
use crate::pve::error::Error;
use crate::pve::id::UserId;
use crate::pve::net::endpoint::EndpointError;

/// Why a connection check fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The endpoint is not an address.
    InvalidEndpoint(EndpointError),
    /// A request failed.
    Request(Error),
    /// The server rejected the credential.
    Rejected(Box<Rejected>),
    /// The version of the host is not supported.
    UnsupportedVersion {
        /// The version of the host.
        version: String,
        /// The oldest supported major version.
        oldest: u32,
    },
    /// The credential lacks required privileges.
    MissingPrivileges(Box<MissingPrivileges>),
    /// The node is cut off from the majority of its cluster.
    NoQuorum,
    /// Nodes are offline, and the cluster may well work without them.
    NodesOffline {
        /// The names of the nodes.
        nodes: Vec<String>,
        /// Whether the node that responded has quorum, as far as it is known.
        quorum: Quorum,
    },
}

impl Cause {
    /// The status of a check that fails for this cause.
    pub fn status(&self) -> Status {
        match self {
            Self::InvalidEndpoint(_) => Status::InvalidEndpoint,
            Self::Request(error) => error.into(),
            Self::Rejected(rejected) => (&rejected.error).into(),
            Self::UnsupportedVersion { .. } => Status::UnsupportedVersion,
            Self::MissingPrivileges(_) => Status::MissingPrivileges,
            Self::NoQuorum => Status::NoQuorum,
            Self::NodesOffline { .. } => Status::ClusterDegraded,
        }
    }
}

/// A credential that the server rejected, with what other responses show about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The failure of the request.
    pub error: Error,
    /// The realm of the user, if the host does not have it.
    pub unknown_realm: Option<UnknownRealm>,
    /// The reason, and the identity of the other credential that it was looked up with.
    pub reason: Option<(Rejection, String)>,
}

/// A realm that the host does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRealm {
    /// The name of the realm.
    pub realm: String,
    /// The realms of the host.
    pub known: Vec<String>,
}

/// Required privileges that a credential lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPrivileges {
    /// The user or token that the credential belongs to.
    pub identity: Option<String>,
    /// The missing privileges.
    pub missing: Vec<Lacking>,
    /// Those of them that the host does not know.
    pub unknown: BTreeSet<String>,
    /// All privileges that the host knows; empty if its roles could not be read.
    pub known: BTreeSet<String>,
    /// Whether the credential is a token without any privilege.
    pub no_privileges: bool,
    /// The owner, if the credential is a token.
    pub owner: Option<TokenOwner>,
}

impl MissingPrivileges {
    /// The missing privileges that the host knows, and that can therefore be granted.
    pub fn grantable(&self) -> Vec<Lacking> {
        let at_path = |lacking: &Lacking| {
            let known = lacking.privileges.difference(&self.unknown).cloned();
            Lacking {
                privileges: known.collect(),
                ..lacking.clone()
            }
        };
        let grantable = self.missing.iter().map(at_path);
        grantable
            .filter(|lacking| !lacking.privileges.is_empty())
            .collect()
    }
}

/// Privileges missing at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The normalised path.
    pub path: String,
    /// The names of the privileges.
    pub privileges: BTreeSet<String>,
    /// The role to grant at the path.
    pub role: RoleFor,
}

/// The least powerful role that has all privileges required at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleFor {
    /// The roles of the host could not be read.
    Unknown,
    /// No role but `Administrator` has all of them.
    None,
    /// The name of the role.
    Role(String),
}

/// The owner of a token that lacks privileges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenOwner {
    /// The owner.
    pub user: UserId,
    /// The owner's rights, if the server shows them.
    pub rights: Option<OwnerRights>,
}

/// The part that a token's owner has in missing privileges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRights {
    /// The missing privileges that the owner lacks, too.
    pub lacks: Vec<Lacking>,
    /// Whether the token has privilege separation, and so needs entries of its own.
    pub privilege_separation: bool,
}
