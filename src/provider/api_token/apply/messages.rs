//! The errors and warnings of operations on a token. Those of a rotation are beside it.

use tf_provider::AttributePath;

use crate::framework::Problem;
use crate::provider::api_token::acl::{Grant, Grants};
use crate::provider::diagnostics;
use crate::provider::diagnostics::listing::listing;
use crate::pve::diagnosis::Rejection;
use crate::pve::{ClockDifference, Endpoint, Error, ErrorKind, IdError, Quorum, TokenId, UserId};

const UNABLE_TO_CREATE: &str = "Unable to create API token";
const UNABLE_TO_READ: &str = "Unable to read API token";
const UNABLE_TO_IMPORT: &str = "Unable to import API token";
const UNABLE_TO_UPDATE: &str = "Unable to update API token";
const PLAN_OVERTAKEN: &str = "Plan overtaken by a change on the server";
const UNABLE_TO_REVOKE: &str = "Unable to revoke API token";
const UNABLE_TO_SCOPE: &str = "Unable to scope API token";

/// A problem of the resource as a whole.
pub fn problem(summary: &'static str, detail: String) -> Problem {
    Problem::new(summary, detail, AttributePath::root())
}

// Creation.

/// The reason for which a token is created. It decides what follows when the secret is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new resource.
    Creation,
    /// A rotation with overlap, in which the token in use stays until the new one is ready.
    Alternation,
    /// A rotation that has revoked the token before.
    Recreation,
    /// An ephemeral token.
    OneRun,
}

impl Purpose {
    /// What follows when the token may exist with a lost secret.
    pub fn consequence(self) -> &'static str {
        match self {
            Self::Creation => {
                "The token is kept in the state as damaged. The next apply checks again and \
                 replaces it if it exists."
            }
            Self::Alternation => {
                "The token in use keeps working. The next apply revokes the new token if it \
                 exists, and tries again."
            }
            Self::Recreation => "The next apply creates the token again.",
            Self::OneRun => "The token is revoked if it exists.",
        }
    }
}

/// The server refused the creation of a token.
pub fn not_created(token: &TokenId, error: &Error) -> Problem {
    match error {
        Error {
            kind: ErrorKind::TokenExists { .. },
            ..
        } => already_exists(token),
        Error {
            kind: ErrorKind::NoSuchUser { .. },
            ..
        } => no_such_owner(token),
        error => diagnostics::problem(UNABLE_TO_CREATE, &token.to_string(), error),
    }
}

/// A token of that id exists.
pub fn already_exists(token: &TokenId) -> Problem {
    Problem::new(
        "API token already exists",
        format!(
            "Proxmox VE already has a token {token}. It was left unchanged, since taking it over \
             would cut off its users. If another resource of this run gives up the name, as when \
             elements of `count` move, nothing is wrong: apply again. Otherwise choose another `token_name`, or run `terraform import` and \
             get a new secret with `rotate_when_changed`, also if an earlier run was killed after \
             it had created this token. If this resource is being replaced, a resource that \
             depends on it sets `create_before_destroy`, and two tokens cannot have one name: \
             give the new token another `token_name`, or remove `create_before_destroy` there."
        ),
        AttributePath::new("token_name"),
    )
}

/// The owner of the token does not exist.
pub fn no_such_owner(token: &TokenId) -> Problem {
    Problem::new(
        "Owner of the API token does not exist",
        format!(
            "Proxmox VE has no user {}. Create the user first, or correct `user_id`: the realm \
             follows the @.",
            token.user
        ),
        AttributePath::new("user_id"),
    )
}

/// The response to a creation was lost, and so was the check for the token.
pub fn creation_unverified(
    token: &TokenId,
    lost: &Error,
    error: &Error,
    purpose: Purpose,
) -> Problem {
    problem(
        UNABLE_TO_CREATE,
        format!(
            "{token}: {lost}. Whether the token was created could not be verified: {error}. {}",
            purpose.consequence()
        ),
    )
}

/// The response to a creation was lost, and the token does not exist yet.
pub fn creation_pending(token: &TokenId, lost: &Error, purpose: Purpose) -> Problem {
    problem(
        UNABLE_TO_CREATE,
        format!(
            "{token}: {lost}. The token does not exist now, but the server may still create it. {}",
            purpose.consequence()
        ),
    )
}

/// The response to a creation was lost, and the token has other settings.
pub fn created_by_another(token: &TokenId, lost: &Error) -> Problem {
    Problem::new(
        UNABLE_TO_CREATE,
        format!(
            "{token}: {lost}. A token of this name now exists with other settings than requested, \
             so another client created it at the same moment. It was left unchanged. Choose \
             another `token_name`, or import the token."
        ),
        AttributePath::new("token_name"),
    )
}

/// The response to a creation was lost, and a new secret could not be had.
pub fn secret_lost(token: &TokenId, lost: &Error, error: &Error, purpose: Purpose) -> Problem {
    problem(
        UNABLE_TO_CREATE,
        format!(
            "{token}: {lost}. The token exists, but its secret was lost with the response, and \
             requesting a new secret failed: {error}. {}",
            purpose.consequence()
        ),
    )
}

/// The response to a creation was lost, and the token has a new secret.
pub fn no_response_to_creation(token: &TokenId, lost: &Error) -> Problem {
    problem(
        "No response to token creation",
        format!(
            "{token}: {lost}. The token exists with the requested settings and was given a new \
             secret."
        ),
    )
}

/// The clocks of the host and of this machine differ while a secret is issued.
pub fn clocks_differ(token: &TokenId, difference: &ClockDifference) -> Problem {
    let direction = match difference.ahead.is_negative() {
        true => "behind",
        false => "ahead of",
    };
    let used = match difference.is_believed {
        true => "the host's clock was used, by which Proxmox VE judges an expiry",
        false => "this machine's clock was used, since the host's cannot be right",
    };
    problem(
        "Clocks differ",
        format!(
            "{token}: the clock of the host is {} seconds {direction} that of this machine. For \
             the times of the token, {used}. Correct the clock that is wrong.",
            difference.ahead.whole_seconds().unsigned_abs()
        ),
    )
}

// Grants.

/// A grant could not be written or removed.
pub fn not_granted(token: &TokenId, error: &Error) -> Problem {
    diagnostics::problem(UNABLE_TO_SCOPE, &token.to_string(), error)
}

/// A new token would be granted a role that the server does not have.
pub fn no_such_role(token: &TokenId, grant: &Grant, endpoint: &Endpoint) -> Problem {
    let (path, role) = (grant.path(), grant.role());
    Problem::new(
        "No such role",
        format!(
            "{token} was not created: {endpoint} has no role {role:?}, which `acl` grants at \
             {path}. Correct `role`, or create the role first (Datacenter > Permissions > Roles). \
             If the same apply creates the role, refer to an attribute of its resource in `role`, \
             or add that resource to `depends_on`."
        ),
        AttributePath::new("acl"),
    )
}

/// A new token could not be given its grants and was revoked again.
pub fn not_granted_and_revoked(token: &TokenId, error: &Error) -> Problem {
    let object = format!("{token}, which was therefore revoked again");
    diagnostics::problem(UNABLE_TO_SCOPE, &object, error)
}

/// A new token without its grants could not be revoked.
pub fn not_revoked_again(token: &TokenId, error: &Error) -> Problem {
    problem(
        UNABLE_TO_REVOKE,
        format!(
            "{token} was created but could not be given the grants in `acl`, and revoking it \
             again failed: {error}. It is kept in the state as damaged, and the next apply \
             replaces it."
        ),
    )
}

/// Declared grants that the server does not show.
pub fn grants_hidden(token: &TokenId, hidden: &Grants) -> Problem {
    Problem::new(
        "ACL only partly visible",
        format!(
            "The provider's credential cannot read the whole access control list, so these acl \
             entries of {token} could not be verified and were left unchanged in the state: {}. \
             Grant the credential Sys.Audit on /access, propagating, as the role PVEAuditor does.",
            entries(hidden)
        ),
        AttributePath::new("acl"),
    )
}

/// Other grants than the declared ones cannot be looked for.
pub fn exclusive_unverified(token: &TokenId) -> Problem {
    Problem::new(
        "ACL only partly visible",
        format!(
            "The provider's credential cannot read the whole access control list, so entries of \
             {token} that `acl` does not declare may exist, and none are removed. Grant the \
             credential Sys.Audit on /access, propagating, as the role PVEAuditor does, or set \
             `acl_exclusive = false`."
        ),
        AttributePath::new("acl_exclusive"),
    )
}

/// An imported token has entries that may not all be visible.
pub fn imported_acl_partial(token: &TokenId) -> Problem {
    Problem::new(
        "ACL only partly visible",
        format!(
            "The provider's credential cannot read the whole access control list, so {token} can \
             have more entries than those that were imported. Grant the credential Sys.Audit on \
             /access, propagating, as the role PVEAuditor does, and import again."
        ),
        AttributePath::new("acl"),
    )
}

fn entries(grants: &Grants) -> String {
    listing(grants.iter().map(Grant::entry))
}

// Refresh.

/// The token could not be read.
pub fn not_read(token: &TokenId, error: &Error) -> Problem {
    with_way_out(
        error,
        diagnostics::problem(UNABLE_TO_READ, &token.to_string(), error),
    )
}

/// The token could not be read, and the reason was reported before.
pub fn not_read_either(token: &TokenId) -> Problem {
    problem(
        UNABLE_TO_READ,
        format!(
            "{token}: not read, for the same reason as another object of this connection. The \
             diagnostic of that object has the details."
        ),
    )
}

/// The token in use was removed while its predecessor exists.
pub fn removed_during_overlap(token: &TokenId) -> Problem {
    problem(
        "API token removed during its overlap",
        format!(
            "{token} no longer exists, while its predecessor still does. The next apply creates \
             {token} again, with a new secret."
        ),
    )
}

/// A token of the name exists that the state does not know.
pub fn appeared_again(token: &TokenId) -> Problem {
    problem(
        "API token created outside of Terraform",
        format!(
            "{token} was removed earlier and exists again, but this state did not create it: \
             another run did, perhaps one that was killed, or another user. The state does not have \
             its secret, and the provider does not touch it. Revoke {token} if nothing uses it: the \
             next apply then creates it with a new secret."
        ),
    )
}

/// The token was not found by a node without quorum, or by one that may have none.
pub fn absence_without_quorum(token: &TokenId, quorum: Quorum) -> Problem {
    let reason = match quorum {
        Quorum::Lost => "the node that answered is cut off from the majority of its cluster",
        Quorum::Present | Quorum::Likely | Quorum::Doubtful => {
            "the node that answered may be cut off from the majority of its cluster: half of its \
             nodes or more are offline, and whether it has quorum can be read only with Sys.Audit \
             on /, which the provider's credential lacks"
        }
    };
    absence_doubted(token, reason)
}

/// The token was not found by a node whose quorum is unknown.
pub fn absence_unverified(token: &TokenId, error: &Error) -> Problem {
    let reason = format!("the quorum of the node that answered could not be verified: {error}");
    absence_doubted(token, &reason)
}

fn absence_doubted(token: &TokenId, reason: &str) -> Problem {
    problem(
        "API token not found but kept",
        format!(
            "{token} was not found, but {reason}. Its state is kept until a node with quorum \
             answers."
        ),
    )
}

/// The server refuses the stored secret.
pub fn secret_refused(reason: &Rejection) -> Problem {
    let remedy = match reason {
        Rejection::WrongSecret(_) => {
            " The secret was replaced outside of Terraform. Find out by whom before you replace it \
             again with `rotate_when_changed`: that cuts off the users of the present secret."
        }
        _ => "",
    };
    Problem::new(
        "Stored secret is refused",
        format!("The stored secret cannot be used to log in: {reason}.{remedy}"),
        AttributePath::new("secret"),
    )
}

/// The stored secret could not be verified.
pub fn secret_not_verified(token: &TokenId, error: &Error) -> Problem {
    Problem::new(
        "Stored secret not verified",
        format!(
            "Logging in with the stored secret of {token} failed for another reason than the \
             secret: {error}."
        ),
        AttributePath::new("secret"),
    )
}

// Update and revocation.

/// The settings of the token could not be changed.
pub fn not_updated(token: &TokenId, error: &Error) -> Problem {
    diagnostics::problem(UNABLE_TO_UPDATE, &token.to_string(), error)
}

/// The response to a change was lost, and the token has the planned settings.
pub fn no_response_to_update(token: &TokenId, lost: &Error) -> Problem {
    problem(
        "No response to token update",
        format!("{token}: {lost}. The token has the planned settings."),
    )
}

/// The token could not be revoked.
pub fn not_revoked(token: &TokenId, error: &Error) -> Problem {
    with_way_out(
        error,
        diagnostics::problem(UNABLE_TO_REVOKE, &token.to_string(), error),
    )
}

/// The way out where the host cannot be reached, since it may never be again.
fn with_way_out(error: &Error, problem: Problem) -> Problem {
    match error.is_unreachable() {
        true => problem.with_sentence(
            "If the host is gone for good, plan with `-refresh=false`, and remove the token from \
             the state with `terraform state rm`.",
        ),
        false => problem,
    }
}

/// The token to change is gone.
pub fn token_gone(token: &TokenId) -> Problem {
    problem(
        PLAN_OVERTAKEN,
        format!(
            "{token} was removed on the server after this plan was made, so it could not be \
             changed. Plan again: the new plan creates the token."
        ),
    )
}

/// The owner of the token to change is gone.
pub fn owner_gone(token: &TokenId) -> Problem {
    problem(
        PLAN_OVERTAKEN,
        format!(
            "The user {} was removed on the server after this plan was made, and {token} with it. \
             Create the user again, or correct `user_id`, and plan again.",
            token.user
        ),
    )
}

/// The response to a revocation was lost, and the token still exists.
pub fn revocation_pending(token: &TokenId, lost: &Error) -> Problem {
    problem(
        UNABLE_TO_REVOKE,
        format!(
            "{token}: {lost}. The token still exists, and the server may still revoke it. It is \
             kept in the state. The next plan shows whether it is gone; otherwise the next apply \
             revokes it."
        ),
    )
}

// Import.

/// The import id is not a token id.
pub fn invalid_import_id(error: &IdError) -> Problem {
    problem(
        "Invalid import id",
        format!(
            "{error}. Import a token by its full id, such as \"demo@pve!ci\", or by the key of its \
             cluster and its id, such as \"berlin/demo@pve!ci\"."
        ),
    )
}

/// The token to import could not be read.
pub fn not_imported(token: &TokenId, error: &Error) -> Problem {
    diagnostics::problem(UNABLE_TO_IMPORT, &token.to_string(), error)
}

/// The owner of the token to import does not exist.
pub fn no_user_to_import(user: &UserId) -> Problem {
    Problem::new(
        "Nothing to import",
        format!("Proxmox VE has no user {user}."),
        AttributePath::new("user_id"),
    )
}

/// The token to import does not exist.
pub fn no_token_to_import(token: &TokenId) -> Problem {
    Problem::new(
        "Nothing to import",
        format!("{} has no token {}.", token.user, token.name),
        AttributePath::new("token_name"),
    )
}

/// The warning about the secret of an imported token, and about a token with its second name.
pub fn imported_without_secret(live: &TokenId, second: Option<&TokenId>) -> Problem {
    let second = second.map_or_else(String::new, |second| {
        format!(
            " {second} also exists. Whether a rotation of this token created it cannot be known, \
             so it was left alone: with `rotation.overlap`, revoke it or import it as a resource \
             of its own."
        )
    });
    problem(
        "Imported without its secret",
        format!(
            "Proxmox VE shows a secret only once, so `secret` and `api_token` of {live} are null. \
             The present secret keeps working for its users. For a new secret, set or change \
             `rotate_when_changed`. That invalidates the present secret at once, or with \
             `rotation.overlap` after a while.{second}"
        ),
    )
}
