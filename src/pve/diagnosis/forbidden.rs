//! Why the server forbids a request.

use crate::pve::error::refusal::Refusal;
use crate::pve::error::request::RequestInfo;

/// Why the server forbids a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forbidden {
    /// Only `root@pam` may send it, with a login by password.
    OnlyRoot,
    /// Only a login by password may send it, no token.
    OnlyLogin,
    /// It needs a privilege: names and paths, as in `Sys.Audit on /`.
    Privilege(String),
    /// It needs a privilege that the server does not name.
    UnnamedPrivilege,
}

impl Forbidden {
    /// The reason for a refusal with status 403.
    pub fn new(request: &RequestInfo, refusal: &Refusal) -> Self {
        if refusal.message.contains("root@pam") {
            return Self::OnlyRoot;
        }
        if refusal.message.contains("not available with API token") {
            return Self::OnlyLogin;
        }
        named(refusal)
            .or_else(|| of_request(request).map(str::to_owned))
            .map_or(Self::UnnamedPrivilege, Self::Privilege)
    }
}

/// Most refusals name the path and the privilege: `Permission check failed (/, Sys.Audit)`
/// (recording `180-use-cluster-status-unprivileged`).
fn named(refusal: &Refusal) -> Option<String> {
    let (_, rest) = refusal.message.split_once('(')?;
    let (path, privileges) = rest.strip_suffix(')')?.split_once(", ")?;
    path.starts_with('/')
        .then(|| format!("{privileges} on {path}"))
}

/// The privilege that a request about users and tokens needs, which the refusal does not name
/// (recording `144-token-update-unprivileged`).
fn of_request(request: &RequestInfo) -> Option<&'static str> {
    let path = &request.path;
    if path.starts_with("/access/users/") && (request.is_write() || path.contains("/token")) {
        Some("User.Modify on /access/groups or on a group of the token's owner")
    } else if path == "/access/acl" {
        Some("Permissions.Modify on the path of the ACL entry")
    } else if path.starts_with("/access/users/") {
        // `540-audit-without-propagation`
        Some(
            "Sys.Audit or User.Modify on /access/groups or on a group of the user; Sys.Audit on \
             /access is enough only with propagation",
        )
    } else if path.starts_with("/access") {
        Some("Sys.Audit on /access")
    } else {
        None
    }
}
