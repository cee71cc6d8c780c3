//! Whether a secret is due for rotation: decided by state, configuration and the time of the
//! latest refresh, and by nothing else.

use std::collections::BTreeMap;

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::change::{Change, RotationCause};
use crate::provider::api_token::model::State;
use crate::provider::api_token::plan::expiry::PlannedExpiry;
use crate::provider::api_token::private_state::PrivateState;
use crate::provider::attributes::duration;
use crate::provider::clients::call_within;
use crate::pve::{CachedClient, Expiry, TokenId};

/// Why the secret of `prior` is due for rotation; `None` where it stays. `expiry` is the one that
/// the configuration gives the present secret.
pub fn cause(
    prior: &State,
    config: &State,
    expiry: PlannedExpiry,
    observed: Option<&PrivateState>,
) -> Option<RotationCause> {
    if observed.is_some_and(|observed| observed.live_is_gone) {
        return Some(RotationCause::LiveTokenGone);
    }
    let keepers = changed_keepers(&prior.rotate_when_changed, &config.rotate_when_changed);
    if keepers.is_some() {
        return keepers;
    }
    let now = observed?.observed_at;
    let rotation = config.rotation();
    let age = prior.secret_since().map(|since| now.since(since));
    if age
        .zip(duration::known(&rotation.every))
        .is_some_and(|(age, every)| age >= every)
    {
        return Some(RotationCause::Age);
    }
    match (expiry, duration::known(&rotation.before_expiry)) {
        (PlannedExpiry::Known(Expiry::At(date)), Some(before)) if date - before <= now => {
            Some(RotationCause::Expiry)
        }
        _ => None,
    }
}

type Keepers = Value<BTreeMap<String, Value<String>>>;

fn changed_keepers(prior: &Keepers, config: &Keepers) -> Option<RotationCause> {
    let is_unknown = match config {
        Value::Unknown => true,
        Value::Null => false,
        Value::Value(map) => map.values().any(Value::is_unknown),
    };
    if is_unknown {
        return Some(RotationCause::UnknownKeepers);
    }
    // No map and an empty one are the same.
    let entries = |keepers: &Keepers| keepers.as_ref_option().cloned().unwrap_or_default();
    (entries(prior) != entries(config)).then_some(RotationCause::Keepers)
}

/// Refuses a rotation in place that the server does not support, and warns of one that needs
/// `allow_recreate`.
pub async fn check_rotation(
    client: &CachedClient,
    change: &Change,
) -> Result<Option<Problem>, Problem> {
    let planned = &change.planned;
    if change.rotation.is_none() || change.alternates() || planned.rotation.is_unknown() {
        return Ok(None);
    }
    let live = &change.slots.live;
    let context = call_within(planned.timeout("read"));
    if client.can_regenerate(live, &context).await != Some(false) {
        return Ok(None);
    }
    match planned.allow_recreate == Value::Value(true) {
        true => Ok(Some(will_be_recreated(live))),
        false => Err(cannot_regenerate(live)),
    }
}

/// The problem of a server that cannot replace a secret in place, where the configuration allows
/// no other way.
pub fn cannot_regenerate(token: &TokenId) -> Problem {
    Problem::new(
        "Server cannot replace a secret in place",
        format!(
            "{token} is due for rotation, and this server is too old to replace the secret of a \
             token in place: that needs libpve-access-control 9.1. Set `rotation.overlap` to \
             rotate without a gap by a second token, or set `allow_recreate = true` to revoke \
             the token and create it again."
        ),
        AttributePath::new("rotation"),
    )
}

fn will_be_recreated(token: &TokenId) -> Problem {
    Problem::new(
        "API token will be recreated",
        format!(
            "The server cannot replace the secret of {token} in place, so the token will be \
             revoked and created again, with all its grants and settings. In between, it cannot \
             be used to log in. Set `rotation.overlap` to rotate without a gap."
        ),
        AttributePath::new("allow_recreate"),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::provider::api_token::model::Rotation;
    use crate::provider::attributes::timestamp;
    use crate::pve::Timestamp;

    const NOW: Timestamp = Timestamp::from_unix(1_790_000_000);
    const NEVER: PlannedExpiry = PlannedExpiry::Known(Expiry::Never);

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * 24 * 60 * 60)
    }

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    fn aged(age: u64) -> State {
        State {
            created_at: timestamp::attribute(NOW - days(age)),
            ..State::default()
        }
    }

    fn rotating(every: Value<String>, before_expiry: Value<String>) -> State {
        State {
            rotation: Value::Value(Rotation {
                every,
                before_expiry,
                ..Rotation::default()
            }),
            ..State::default()
        }
    }

    fn keeping(value: Value<String>) -> State {
        State {
            rotate_when_changed: Value::Value([("key".to_owned(), value)].into()),
            ..State::default()
        }
    }

    fn cause_now(prior: &State, config: &State, expiry: PlannedExpiry) -> Option<RotationCause> {
        cause(prior, config, expiry, Some(&PrivateState::at(NOW)))
    }

    #[test]
    fn a_secret_is_due_at_the_configured_age_and_not_before() {
        let config = rotating(text("30d"), Value::Null);
        assert_eq!(cause_now(&aged(29), &config, NEVER), None);
        let due = cause_now(&aged(30), &config, NEVER);
        assert_eq!(due, Some(RotationCause::Age));
    }

    #[test]
    fn the_age_counts_from_the_latest_rotation() {
        let rotated = State {
            rotated_at: timestamp::attribute(NOW - days(1)),
            ..aged(60)
        };
        let config = rotating(text("30d"), Value::Null);
        assert_eq!(cause_now(&rotated, &config, NEVER), None);
    }

    #[test]
    fn a_secret_is_due_before_its_expiry_and_after_it() {
        let config = rotating(Value::Null, text("14d"));
        for (expiry, expected) in [
            (NOW + days(15), None),
            (NOW + days(14), Some(RotationCause::Expiry)),
            (NOW - days(1), Some(RotationCause::Expiry)),
        ] {
            let expiry = PlannedExpiry::Known(Expiry::At(expiry));
            assert_eq!(cause_now(&aged(76), &config, expiry), expected);
        }
    }

    #[test]
    fn without_a_refresh_no_time_has_passed() {
        let config = rotating(text("30d"), text("14d"));
        let expired = PlannedExpiry::Known(Expiry::At(NOW));
        assert_eq!(cause(&aged(60), &config, expired, None), None);
    }

    #[test]
    fn the_age_of_an_imported_token_is_not_known() {
        let config = rotating(text("30d"), Value::Null);
        assert_eq!(cause_now(&State::default(), &config, NEVER), None);
    }

    #[test]
    fn a_changed_map_is_a_cause_and_an_unknown_one_may_be() {
        let (first, second) = (keeping(text("1")), keeping(text("2")));
        let due = |prior: &State, config: &State| cause(prior, config, NEVER, None);
        assert_eq!(due(&first, &first), None);
        assert_eq!(due(&first, &second), Some(RotationCause::Keepers));
        assert_eq!(due(&State::default(), &first), Some(RotationCause::Keepers));
        let unknown = keeping(Value::Unknown);
        assert_eq!(due(&first, &unknown), Some(RotationCause::UnknownKeepers));
    }

    #[test]
    fn no_map_and_an_empty_one_are_the_same() {
        let empty = State {
            rotate_when_changed: Value::Value(BTreeMap::new()),
            ..State::default()
        };
        assert_eq!(cause(&State::default(), &empty, NEVER, None), None);
    }

    #[test]
    fn a_token_that_was_removed_while_its_predecessor_exists_is_created_again() {
        let observed = PrivateState {
            live_is_gone: true,
            ..PrivateState::at(NOW)
        };
        let state = State::default();
        let due = cause(&state, &state, NEVER, Some(&observed));
        assert_eq!(due, Some(RotationCause::LiveTokenGone));
    }
}
