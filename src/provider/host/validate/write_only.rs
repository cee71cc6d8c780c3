//! The validation of the write-only attributes of a `proxmox_host`.

use tf_provider::AttributePath;

use crate::framework::Problem;
use crate::provider::host::model::State;
use crate::provider::host::write_only::WRITE_ONLY;
use crate::provider::settings::setting::is_given;

/// The problems of the write-only attributes of a configuration.
pub fn problems(config: &State) -> Vec<Problem> {
    let twice = set_twice(config);
    twice
        .chain(second_factor_without_password(config))
        .chain(half_of_a_ticket(config))
        .chain(without_trace(config))
        .collect()
}

/// The secrets that are set in both their stored and their write-only attribute.
fn set_twice(config: &State) -> impl Iterator<Item = Problem> {
    let credentials = &config.credentials;
    let stored = [
        &credentials.api_token,
        &credentials.api_token_secret,
        &credentials.password,
        &credentials.totp_secret,
        &credentials.otp,
        &credentials.auth_ticket,
        &credentials.csrf_prevention_token,
        &config.tls.client_key,
    ];
    let secrets = WRITE_ONLY
        .iter()
        .zip(stored.into_iter().zip(config.secrets.values()));
    let both = secrets
        .filter(|(_, (stored, write_only))| is_given(*stored) && is_given(*write_only))
        .map(|(one, _)| one);
    both.map(|one| {
        Problem::new(
            "More than one credential",
            format!(
                "`{}` and `{}` are both set. Set only one of them: `{1}` is never stored in the \
                 state.",
                one.stored.name, one.name
            ),
            AttributePath::new(one.name),
        )
    })
}

/// A second factor that is not stored, with a password that is.
fn second_factor_without_password(config: &State) -> impl Iterator<Item = Problem> {
    let secrets = &config.secrets;
    let factors = [
        ("totp_secret_wo", "totp_secret", &secrets.totp_secret_wo),
        ("otp_wo", "otp", &secrets.otp_wo),
    ];
    let password = !is_given(&secrets.password_wo);
    let alone = factors
        .into_iter()
        .filter(move |(_, _, value)| password && is_given(*value));
    alone.map(|(name, stored, _)| {
        let detail = format!(
            "`{name}` requires `password_wo`. With `password`, which is stored in the state, use \
             `{stored}`: a refresh that knows only one of the two cannot log in."
        );
        Problem::new(
            "Second factor without password",
            detail,
            AttributePath::new(name),
        )
    })
}

/// One half of a ticket that is not stored, without the other.
fn half_of_a_ticket(config: &State) -> Option<Problem> {
    let secrets = &config.secrets;
    let ticket = is_given(&secrets.auth_ticket_wo);
    let csrf = is_given(&secrets.csrf_prevention_token_wo);
    let (set, missing) = match (ticket, csrf) {
        (true, false) => ("auth_ticket_wo", "csrf_prevention_token_wo"),
        (false, true) => ("csrf_prevention_token_wo", "auth_ticket_wo"),
        _ => return None,
    };
    let detail = format!(
        "`{set}` is set, but `{missing}` is not. Set both, or in their place `auth_ticket` and \
         `csrf_prevention_token`, which are stored in the state."
    );
    Some(Problem::new(
        "Incomplete credential",
        detail,
        AttributePath::new(set),
    ))
}

/// The secrets that nothing in the state would show without their version.
fn without_trace(config: &State) -> impl Iterator<Item = Problem> {
    let (secrets, versions) = (&config.secrets, &config.versions);
    let attributes = [
        (
            "api_token_wo",
            is_given(&secrets.api_token_wo) && !is_given(&versions.api_token_wo_version),
        ),
        (
            "auth_ticket_wo",
            is_given(&secrets.auth_ticket_wo) && !is_given(&versions.auth_ticket_wo_version),
        ),
    ];
    let missing = attributes.into_iter().filter(|(_, missing)| *missing);
    missing.map(|(name, _)| {
        let detail = format!(
            "`{name}` is set, but `{name}_version` is not. The state does not contain the value, so \
             `{name}_version` shows a refresh that the host has a credential of its own. Set \
             `{name}_version = 1`."
        );
        Problem::new(
            "Missing version of a write-only attribute",
            detail,
            AttributePath::new(name),
        )
    })
}
