//! Whether a secret is due to be replaced: decided by state, configuration and the time of the
//! latest refresh, and by nothing else.

use std::collections::BTreeMap;

use tf_provider::value::Value;

use crate::provider::api_token::model::State;
use crate::provider::api_token::plan::expiry::End;
use crate::provider::api_token::private_state::Notes;
use crate::provider::attributes::duration;

/// Whether a plan replaces the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It stays.
    No,
    /// It is replaced.
    Yes,
    /// Only apply knows: a value that it hangs on is unknown.
    Perhaps,
}

/// Whether the secret of `prior` is to be replaced under this configuration. `end` is when the
/// configuration lets it end.
pub fn due(prior: &State, config: &State, end: End, notes: Option<&Notes>) -> Due {
    if notes.is_some_and(|notes| notes.live_is_gone) {
        return Due::Yes;
    }
    match changed(&prior.rotate_when_changed, &config.rotate_when_changed) {
        Due::No => {}
        other => return other,
    }
    let Some(now) = notes.map(|notes| notes.observed_at) else {
        return Due::No;
    };
    let rotation = config.rotation();
    let old = prior
        .secret_since()
        .zip(duration::seconds(&rotation.every))
        .is_some_and(|(since, every)| since.saturating_add(every) <= now);
    let ending = match (end, duration::seconds(&rotation.before_expiry)) {
        (End::At(end), Some(before)) => end.saturating_sub(before) <= now,
        _ => false,
    };
    if old || ending { Due::Yes } else { Due::No }
}

type Keepers = Value<BTreeMap<String, Value<String>>>;

fn changed(prior: &Keepers, config: &Keepers) -> Due {
    let is_unknown = |keepers: &Keepers| match keepers {
        Value::Unknown => true,
        Value::Null => false,
        Value::Value(map) => map.values().any(Value::is_unknown),
    };
    if is_unknown(config) {
        return Due::Perhaps;
    }
    // No map and an empty one say the same.
    let entries = |keepers: &Keepers| keepers.as_ref_option().cloned().unwrap_or_default();
    if entries(prior) == entries(config) {
        Due::No
    } else {
        Due::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::model::Rotation;
    use crate::provider::attributes::timestamp;

    const NOW: i64 = 1_790_000_000;
    const DAY: i64 = 24 * 60 * 60;

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    fn aged(days: i64) -> State {
        State {
            created_at: timestamp::attribute(Some(NOW - days * DAY)),
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

    fn due_now(prior: &State, config: &State, end: End) -> Due {
        due(prior, config, end, Some(&Notes::at(NOW)))
    }

    #[test]
    fn a_secret_is_due_at_the_age_that_is_configured_and_not_before() {
        let config = rotating(text("30d"), Value::Null);
        assert_eq!(due_now(&aged(29), &config, End::Never), Due::No);
        assert_eq!(due_now(&aged(30), &config, End::Never), Due::Yes);
    }

    #[test]
    fn the_age_counts_from_the_latest_rotation() {
        let rotated = State {
            rotated_at: timestamp::attribute(Some(NOW - DAY)),
            ..aged(60)
        };
        let config = rotating(text("30d"), Value::Null);
        assert_eq!(due_now(&rotated, &config, End::Never), Due::No);
    }

    #[test]
    fn a_secret_is_due_before_its_end_and_after_it() {
        let config = rotating(Value::Null, text("14d"));
        for (left, expected) in [(15, Due::No), (14, Due::Yes), (-1, Due::Yes)] {
            let end = End::At(NOW + left * DAY);
            assert_eq!(due_now(&aged(76), &config, end), expected, "{left}");
        }
    }

    #[test]
    fn without_a_refresh_no_time_has_passed() {
        let config = rotating(text("30d"), text("14d"));
        assert_eq!(due(&aged(60), &config, End::At(NOW), None), Due::No);
    }

    #[test]
    fn the_age_of_an_imported_token_is_not_known() {
        let config = rotating(text("30d"), Value::Null);
        assert_eq!(due_now(&State::default(), &config, End::Never), Due::No);
    }

    #[test]
    fn a_changed_map_is_a_cause_and_an_unknown_one_may_be() {
        let (one, two) = (keeping(text("1")), keeping(text("2")));
        assert_eq!(due(&one, &one, End::Never, None), Due::No);
        assert_eq!(due(&one, &two, End::Never, None), Due::Yes);
        assert_eq!(due(&State::default(), &one, End::Never, None), Due::Yes);
        let unknown = keeping(Value::Unknown);
        assert_eq!(due(&one, &unknown, End::Never, None), Due::Perhaps);
    }

    #[test]
    fn no_map_and_an_empty_one_are_the_same() {
        let empty = State {
            rotate_when_changed: Value::Value(BTreeMap::new()),
            ..State::default()
        };
        assert_eq!(due(&State::default(), &empty, End::Never, None), Due::No);
    }

    #[test]
    fn a_token_that_was_removed_while_its_predecessor_lives_is_made_again() {
        let notes = Notes {
            live_is_gone: true,
            ..Notes::at(NOW)
        };
        let state = State::default();
        assert_eq!(due(&state, &state, End::Never, Some(&notes)), Due::Yes);
    }
}
