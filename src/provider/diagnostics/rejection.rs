//! A rejected credential: why it was rejected, and what to change.

use crate::provider::diagnostics::explanation::Explanation;
use crate::provider::diagnostics::quorum::restore_quorum;
use crate::provider::diagnostics::words::Words;
use crate::provider::settings::address::ENDPOINT;
use crate::provider::settings::credentials::{
    API_TOKEN, API_TOKEN_ID, API_TOKEN_SECRET, AUTH_TICKET, CSRF_PREVENTION_TOKEN, OTP, PASSWORD,
    TOTP_SECRET, USERNAME,
};
use crate::pve::diagnosis::{Rejected, Rejection};
use crate::pve::{AuthFailure, ErrorKind, Refusal};

/// The explanation of a rejected credential.
pub fn explain(rejected: &Rejected, words: Words) -> Explanation {
    let error = &rejected.error;
    let mut explanation = Explanation {
        message: format!("{error}."),
        remedy: match &error.kind {
            ErrorKind::Unauthenticated {
                failure, refusal, ..
            } => remedy(*failure, refusal, words),
            _ => String::new(),
        },
    };
    if let Some(unknown) = &rejected.unknown_realm {
        explanation.message.push_str(&format!(
            " The host has no realm {}, only {}.",
            unknown.realm,
            unknown.known.join(", ")
        ));
    }
    if let Some((reason, identity)) = &rejected.reason {
        explanation
            .message
            .push_str(&format!(" {identity} can see the reason: {reason}."));
        explanation.remedy = remedy_of_reason(reason, words);
    }
    explanation
}

/// What to change when the server does not name the reason.
pub fn remedy(failure: AuthFailure, refusal: &Refusal, words: Words) -> String {
    let mut remedy = check_credential(failure, words);
    let is_timed = matches!(failure, AuthFailure::SecondFactor | AuthFailure::Ticket);
    if is_timed && refusal.clock_doubt().is_some() {
        remedy.push_str(
            " If the clock of the host is wrong, correct it first, because the host verifies \
             tickets and one-time codes against it. `timedatectl` shows whether the clock is \
             synchronized.",
        );
    }
    remedy
}

fn check_credential(failure: AuthFailure, words: Words) -> String {
    let (username, password) = (words.name(&USERNAME), words.name(&PASSWORD));
    let api_token = words.name(&API_TOKEN);
    match failure {
        AuthFailure::Token => format!(
            "Check {api_token}, or {} and {}. Under Datacenter > Permissions > API Tokens, check \
             that the token exists and has not expired; under Users, check that its owner is \
             enabled. A lost secret cannot be retrieved, only replaced.",
            words.name(&API_TOKEN_ID),
            words.name(&API_TOKEN_SECRET)
        ),
        AuthFailure::Password => {
            format!("Check {username}, including its realm as in root@pam, and {password}.")
        }
        AuthFailure::SecondFactor => format!(
            "Check {}, or set {} to a new code. A code can be used only once and is valid for 30 \
             seconds. The host refuses every code in the same words while its node has no quorum \
             (`pvecm status`), and after eight wrong codes, until the factor is unlocked under \
             Datacenter > Permissions > Users. An API token needs no second factor.",
            words.name(&TOTP_SECRET),
            words.name(&OTP)
        ),
        AuthFailure::Ticket => format!(
            "Try again, with a new {} and {} if they are set. A login is valid for two hours. An \
             API token does not expire during a run.",
            words.name(&AUTH_TICKET),
            words.name(&CSRF_PREVENTION_TOKEN)
        ),
        AuthFailure::NotReceived => format!(
            "Let the proxy or gateway pass on the headers Authorization, Cookie and \
             CSRFPreventionToken, or set {} to the host itself. The credential itself was not \
             refused.",
            words.name(&ENDPOINT)
        ),
        AuthFailure::Nothing => format!("Set {api_token}, or {username} and {password}."),
    }
}

fn remedy_of_reason(reason: &Rejection, words: Words) -> String {
    let secret = words.name(&API_TOKEN_SECRET);
    match reason {
        Rejection::NoUser(user) => format!("Correct the user, or create {user} on the host."),
        Rejection::UserDisabled(user) => {
            format!("Enable {user} under Datacenter > Permissions > Users, or use another user.")
        }
        Rejection::UserExpired(user) => format!(
            "Extend the expiry of {user} under Datacenter > Permissions > Users, or use another \
             user."
        ),
        Rejection::NoToken(token) => format!(
            "Set {} to a token that exists, or create {token}, for example with a \
             `proxmox_api_token`, and set {secret} to its secret.",
            words.name(&API_TOKEN_ID)
        ),
        Rejection::TokenExpired(token) => format!(
            "Extend the expiry of {token}, with `expiration_date` or `expires_in` if a \
             `proxmox_api_token` manages it, or use another token."
        ),
        Rejection::WrongSecret(token) => format!(
            "Set {secret} to the secret of {token}. A lost secret cannot be retrieved, only \
             replaced: by a rotation if a `proxmox_api_token` manages the token."
        ),
        Rejection::NoQuorum => restore_quorum(words),
        Rejection::SecondFactorLocked(user) => format!(
            "Unlock the second factor of {user} under Datacenter > Permissions > Users. Eight wrong \
             codes lock it."
        ),
        Rejection::PasswordRejected(user) => format!(
            "Set {} to the password of {user}. Check that the realm {} accepts passwords and that \
             the host can reach it.",
            words.name(&PASSWORD),
            user.realm()
        ),
    }
}
