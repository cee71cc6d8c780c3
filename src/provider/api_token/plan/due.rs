//! When a secret is due for rotation.
//!
//! The refresh decides by the server's clock, and the plan takes its decision. A plan looks at the
//! time itself only where the configuration changes the schedule.

use std::collections::BTreeMap;

use tf_provider::value::Value;

use crate::provider::api_token::model::State;
use crate::provider::api_token::plan::expiry::PlannedExpiry;
use crate::provider::api_token::private_state::RotationCause;
use crate::provider::attributes::{duration, timestamp};
use crate::pve::{Expiry, Timestamp};

/// Why the secret of a token is due at a refresh; `None` where it stays.
pub fn at_refresh(state: &State, now: Timestamp) -> Option<RotationCause> {
    let since = state.secret_since();
    let expiry = PlannedExpiry::of(state, since, Some(state));
    by_time(state, since, expiry, now)
}

/// Why a plan rotates the secret of `prior`; `None` where it stays. `expiry` is the one that the
/// configuration gives the present secret, and `observed` is the decision of the latest refresh.
pub fn at_plan(
    prior: &State,
    config: &State,
    expiry: PlannedExpiry,
    observed: Option<RotationCause>,
    now: Timestamp,
) -> Option<RotationCause> {
    match observed {
        lost @ Some(RotationCause::LiveTokenGone | RotationCause::SecretLost) => lost,
        due => changed_keepers(&prior.rotate_when_changed, &config.rotate_when_changed).or(
            match changes_schedule(prior, config) {
                true => by_time(config, prior.secret_since(), expiry, now),
                false => due,
            },
        ),
    }
}

/// Whether a configuration changes the times at which a secret is rotated.
pub fn changes_schedule(prior: &State, config: &State) -> bool {
    prior.rotation != config.rotation
        || !duration::same(&prior.expires_in, &config.expires_in)
        || !timestamp::same(&prior.expiration_date, &config.expiration_date)
}

fn by_time(
    settings: &State,
    since: Option<Timestamp>,
    expiry: PlannedExpiry,
    now: Timestamp,
) -> Option<RotationCause> {
    let rotation = settings.rotation();
    let age = since.map(|since| now.since(since));
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

/// A map that is removed, or emptied, triggers nothing: there is no value that has changed.
fn changed_keepers(prior: &Keepers, config: &Keepers) -> Option<RotationCause> {
    let Value::Value(values) = config else {
        return config.is_unknown().then_some(RotationCause::UnknownKeepers);
    };
    if values.values().any(Value::is_unknown) {
        return Some(RotationCause::UnknownKeepers);
    }
    let is_changed = !values.is_empty() && prior.as_ref_option() != Some(values);
    is_changed.then_some(RotationCause::Keepers)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::provider::api_token::model::Rotation;

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

    /// The decision of a plan that changes the schedule to `config`.
    fn cause_now(prior: &State, config: &State, expiry: PlannedExpiry) -> Option<RotationCause> {
        at_plan(prior, config, expiry, None, NOW)
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
    fn a_plan_takes_the_decision_of_the_refresh_while_the_schedule_stays() {
        let scheduled = State {
            rotation: rotating(text("30d"), Value::Null).rotation,
            ..aged(60)
        };
        assert_eq!(at_refresh(&scheduled, NOW), Some(RotationCause::Age));
        assert_eq!(cause_now(&scheduled, &scheduled, NEVER), None);
        let observed = Some(RotationCause::Age);
        let due = at_plan(&scheduled, &scheduled, NEVER, observed, NOW);
        assert_eq!(due, Some(RotationCause::Age));
        // A schedule that is given up, or that is longer now, cancels it.
        let longer = rotating(text("90d"), Value::Null);
        assert_eq!(at_plan(&scheduled, &longer, NEVER, observed, NOW), None);
    }

    #[test]
    fn the_age_of_an_imported_token_is_not_known() {
        let config = rotating(text("30d"), Value::Null);
        assert_eq!(cause_now(&State::default(), &config, NEVER), None);
    }

    #[test]
    fn a_changed_map_is_a_cause_and_an_unknown_one_may_be() {
        let (first, second) = (keeping(text("1")), keeping(text("2")));
        let due = |prior: &State, config: &State| cause_now(prior, config, NEVER);
        assert_eq!(due(&first, &first), None);
        assert_eq!(due(&first, &second), Some(RotationCause::Keepers));
        assert_eq!(due(&State::default(), &first), Some(RotationCause::Keepers));
        let unknown = keeping(Value::Unknown);
        assert_eq!(due(&first, &unknown), Some(RotationCause::UnknownKeepers));
    }

    #[test]
    fn a_map_that_is_removed_or_empty_is_no_cause() {
        let empty = State {
            rotate_when_changed: Value::Value(BTreeMap::new()),
            ..State::default()
        };
        for prior in [&State::default(), &empty, &keeping(text("1"))] {
            for config in [&State::default(), &empty] {
                assert_eq!(cause_now(prior, config, NEVER), None);
            }
        }
    }

    #[test]
    fn a_lost_token_or_secret_is_replaced_whatever_is_configured() {
        for lost in [RotationCause::LiveTokenGone, RotationCause::SecretLost] {
            let changed = keeping(text("2"));
            let due = at_plan(&State::default(), &changed, NEVER, Some(lost), NOW);
            assert_eq!(due, Some(lost));
        }
    }
}
