//! The errors and warnings of a rotation.

use crate::framework::Problem;
use crate::provider::api_token::acl::Grants;
use crate::provider::api_token::apply::messages::problem;
use crate::provider::diagnostics;
use crate::pve::{Error, TokenId};

const UNABLE_TO_ROTATE: &str = "Unable to rotate API token";

/// The server refused a step of a rotation.
pub fn not_rotated(token: &TokenId, error: &Error) -> Problem {
    diagnostics::problem(UNABLE_TO_ROTATE, &token.to_string(), error)
}

/// The owner of a token that is to be rotated does not exist.
pub fn owner_gone(token: &TokenId) -> Problem {
    problem(
        UNABLE_TO_ROTATE,
        format!("{token}: its owner no longer exists. Refresh and apply again."),
    )
}

/// The response to a rotation was lost, and the token has another new secret.
pub fn no_response_to_rotation(token: &TokenId, lost: &Error) -> Problem {
    problem(
        "No response to token rotation",
        format!(
            "{token}: {lost}. The old secret no longer worked, so the token was given another new one."
        ),
    )
}

/// The outcome of a rotation in place whose response was lost, by what the old secret shows.
pub enum LostRotation<'a> {
    /// The old secret no longer works, and the request for another new one failed.
    OldSecretDead(&'a Error),
    OldSecretWorks,
    Unverified,
}

/// The response to a rotation was lost.
pub fn rotation_lost(token: &TokenId, lost: &Error, outcome: &LostRotation<'_>) -> Problem {
    let outcome = match outcome {
        LostRotation::OldSecretDead(error) => format!(
            "The old secret no longer works, and requesting another new one failed: {error}. The \
             token cannot be used to log in until the next apply, which rotates it again"
        ),
        LostRotation::OldSecretWorks => {
            "The old secret worked afterwards, but the server may still carry out the request, \
             and then the old secret stops working. The next plan verifies the old secret, and the \
             next apply rotates it again"
                .to_owned()
        }
        LostRotation::Unverified => {
            "Whether the old secret still works could not be verified. The next plan verifies it, \
             and the next apply rotates it again"
                .to_owned()
        }
    };
    problem(UNABLE_TO_ROTATE, format!("{token}: {lost}. {outcome}."))
}

/// The stored secret was replaced by another client before this rotation.
pub fn replaced_meanwhile(token: &TokenId) -> Problem {
    problem(
        UNABLE_TO_ROTATE,
        format!(
            "{token}: the server refuses the stored secret, although the token is valid. Another \
             client has replaced it, perhaps another run of this configuration at the same time. \
             Nothing was changed, since another rotation would cut off the users of the present \
             secret. If they are known and may be cut off, change `rotate_when_changed`."
        ),
    )
}

/// The warning about a secret that another client had replaced before this rotation.
pub fn was_replaced(token: &TokenId) -> Problem {
    problem(
        "Stored secret was already replaced",
        format!(
            "{token}: before this rotation, the server refused the stored secret, although the \
             token was valid. Another client had replaced it, perhaps another run of this \
             configuration at the same time. The users of that secret are cut off now."
        ),
    )
}

/// The token that a rotation would remove is no longer as the state has it.
pub fn previous_changed(previous: &TokenId) -> Problem {
    problem(
        UNABLE_TO_ROTATE,
        format!(
            "{previous} was changed since the latest refresh. Another run of this configuration \
             may have rotated the token at the same time, and {previous} may be in use. Nothing \
             was changed. Use the state of that run, or plan again to see the present tokens."
        ),
    )
}

/// The grants that the next token needs cannot all be read.
pub fn grants_unknown(token: &TokenId) -> Problem {
    problem(
        UNABLE_TO_ROTATE,
        format!(
            "{token}: its successor must have the same grants, and the provider's credential \
             cannot read them all. Nothing was changed. Declare the grants in `acl`, or give the \
             credential Sys.Audit on /access, propagating."
        ),
    )
}

/// The next token was not completed, and was revoked.
pub fn alternation_rolled_back(previous: &TokenId) -> Problem {
    problem(
        UNABLE_TO_ROTATE,
        format!(
            "{previous}: its successor could not be completed and was revoked, so this token \
             stays in use. The next apply tries again."
        ),
    )
}

/// The next token was not completed, and could not be revoked.
pub fn alternation_not_rolled_back(previous: &TokenId, next: &TokenId, error: &Error) -> Problem {
    problem(
        UNABLE_TO_ROTATE,
        format!(
            "{previous}: its successor could not be completed, so this token stays in use. The \
             next apply tries again. Revoking {next} failed: {error}. The next apply revokes it."
        ),
    )
}

/// The previous token could not be given its expiry.
pub fn previous_without_expiry(previous: &TokenId, error: &Error) -> Problem {
    diagnostics::problem(UNABLE_TO_ROTATE, &format!("{previous} (its expiry)"), error)
}

/// The grants of a token that is to be recreated cannot all be read.
pub fn grants_unreadable(token: &TokenId) -> Problem {
    problem(
        UNABLE_TO_ROTATE,
        format!(
            "{token}: the rotation would revoke the token and create it again, and the provider's \
             credential cannot read all its grants. Nothing was changed. Give the credential \
             Sys.Audit on /access, propagating."
        ),
    )
}

/// A grant of a token that is to be recreated could not be restored.
pub fn grant_not_restorable(token: &TokenId, role: &str, path: &str) -> Problem {
    problem(
        UNABLE_TO_ROTATE,
        format!(
            "{token}: the rotation would revoke the token and create it again, and could not \
             restore its grant of {role} on {path}. Nothing was changed. Give the provider's \
             credential Permissions.Modify on {path}."
        ),
    )
}

/// A token was revoked and not created again with all its grants.
pub fn recreation_incomplete(token: &TokenId, grants: &Grants) -> Problem {
    let grants = match grants.is_empty() {
        true => "It had no grants".to_owned(),
        false => format!("It had these grants: {grants}"),
    };
    problem(
        UNABLE_TO_ROTATE,
        format!(
            "{token} was revoked in order to be created again, and the creation was not completed. \
             The token cannot be used to log in until the next apply. {grants}. The next apply \
             restores those that `acl` declares."
        ),
    )
}
