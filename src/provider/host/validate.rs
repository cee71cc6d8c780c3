//! The validation of a `proxmox_host`, without a connection.

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::attributes::timeouts;
use crate::provider::host::connect::own_port;
use crate::provider::host::facts::invalid_required_privileges;
use crate::provider::host::model::State;
use crate::provider::settings::address::parse_endpoint;
use crate::provider::settings::setting::{SettingError, Source, is_given, problem};
use crate::pve::Endpoint;

/// The problems of a configuration, as far as its values are known.
pub fn problems(config: &State) -> Vec<Problem> {
    let mut problems: Vec<Problem> = problem(address(config)).into_iter().collect();
    problems.extend(secrets_set_twice(config));
    problems.extend(second_factor_without_password(config));
    problems.extend(invalid_required_privileges(&config.required_privileges));
    problems.extend(timeouts::problems(&config.timeouts));
    problems.extend(problem(config.credentials().resolve()));
    problems.extend(problem(config.tls().resolve()));
    problems
}

/// The host's own address: its parts are valid, and `hostname` has no other port than `port`.
fn address(config: &State) -> Result<(), SettingError> {
    let port = own_port(config);
    let hostname = config.hostname();
    if let Some((text, source)) = hostname.known()? {
        let address = parse_endpoint(text, source)?;
        let (Some(port), Some(inside)) = (port.clone()?, Endpoint::explicit_port(text)) else {
            return port.map(|_| ());
        };
        if port != inside {
            return Err(SettingError::invalid(
                "Conflicting ports",
                format!(
                    "`hostname` has the port {inside}, but `port` is {port}. Remove one of them, \
                     or set both to the same port. The address would be {}.",
                    address.with_port(port)
                ),
                &Source::Attribute("port"),
            ));
        }
    }
    port.map(|_| ())
}

/// The secrets that are set in both their stored and their write-only attribute.
fn secrets_set_twice(config: &State) -> impl Iterator<Item = Problem> {
    let stored = &config.credentials;
    let both = |stored: &Value<_>, write_only: &Value<_>| is_given(stored) && is_given(write_only);
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
    let alone = is_given(&config.totp_secret_wo) && !is_given(&config.password_wo);
    alone.then(|| {
        Problem::new(
            "Second factor without password",
            "`totp_secret_wo` requires `password_wo`. With `password`, which is stored in the \
             state, use `totp_secret`: a refresh that knows only one of the two cannot log in.",
            AttributePath::new("totp_secret_wo"),
        )
    })
}
