//! The validation of a `proxmox_host`, without a connection.

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::attributes::timeouts;
use crate::provider::host::connect::own_port;
use crate::provider::host::facts::invalid_required_privileges;
use crate::provider::host::model::State;
use crate::provider::settings::address::parse_endpoint;
use crate::provider::settings::setting::{Source, problem};

/// The problems of a configuration, as far as its values are known.
pub fn problems(config: &State) -> Vec<Problem> {
    let hostname = config.hostname.as_ref_option();
    let hostname = hostname.map(|text| parse_endpoint(text, &Source::Attribute("hostname")));
    let mut problems: Vec<Problem> = hostname.and_then(problem).into_iter().collect();
    problems.extend(problem(own_port(config)));
    problems.extend(secrets_set_twice(config));
    problems.extend(second_factor_without_password(config));
    problems.extend(invalid_required_privileges(&config.required_privileges));
    problems.extend(timeouts::problems(&config.timeouts));
    problems.extend(problem(config.credentials().resolve()));
    problems.extend(problem(config.tls().resolve()));
    problems
}

/// The secrets that are set in both their stored and their write-only attribute.
fn secrets_set_twice(config: &State) -> impl Iterator<Item = Problem> {
    let stored = &config.credentials;
    let both =
        |stored: &Value<_>, write_only: &Value<_>| !stored.is_null() && !write_only.is_null();
    let secrets = [
        (
            "api_token_secret",
            "api_token_secret_wo",
            both(&stored.api_token_secret, &config.api_token_secret_wo),
        ),
        (
            "password",
            "password_wo",
            both(&stored.password, &config.password_wo),
        ),
        (
            "totp_secret",
            "totp_secret_wo",
            both(&stored.totp_secret, &config.totp_secret_wo),
        ),
    ];
    let both = secrets.into_iter().filter(|(_, _, both)| *both);
    both.map(|(stored, write_only, _)| {
        Problem::new(
            "More than one credential",
            format!(
                "`{stored}` and `{write_only}` are both set. Set only one of them: `{write_only}` \
                 is never stored in the state."
            ),
            AttributePath::new(write_only),
        )
    })
}

fn second_factor_without_password(config: &State) -> Option<Problem> {
    let alone = !config.totp_secret_wo.is_null() && config.password_wo.is_null();
    alone.then(|| {
        Problem::new(
            "Second factor without password",
            "`totp_secret_wo` requires `password_wo`. With `password`, which is stored in the \
             state, use `totp_secret`: a refresh that knows only one of the two cannot log in.",
            AttributePath::new("totp_secret_wo"),
        )
    })
}
