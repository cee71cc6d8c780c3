//! When a token is to end, as its configuration says, and what a person should know of it.

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::model::State;
use crate::provider::attributes::{duration, timestamp};

/// A week, in seconds: what ends sooner is worth a warning.
const SOON: i64 = 7 * 24 * 60 * 60;

/// When a token is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Never.
    Never,
    /// At this time, in epoch seconds.
    At(i64),
    /// So many seconds after the server is told.
    In(i64),
    /// The configuration is known only at apply.
    Unknown,
}

impl End {
    /// The end that a configuration gives a secret that is in use since `since`. Where nobody
    /// knows since when, as after an import, an end that is there already is taken as meant.
    pub fn of(config: &State, since: Option<i64>, prior: Option<&State>) -> Self {
        if config.expiration_date.is_unknown() || config.expires_in.is_unknown() {
            return Self::Unknown;
        }
        if let Some(date) = config.expiration_date() {
            return Self::At(date);
        }
        let Some(lifetime) = duration::seconds(&config.expires_in) else {
            return Self::Never;
        };
        let as_it_is = prior
            .filter(|prior| prior.expires_in.is_null() || same_lifetime(prior, config))
            .and_then(State::end);
        match (since, as_it_is) {
            (Some(since), _) => Self::At(since.saturating_add(lifetime)),
            (None, Some(end)) => Self::At(end),
            (None, None) => Self::In(lifetime),
        }
    }

    /// The time in epoch seconds, once the server is told `now`.
    pub fn at(self, now: i64) -> Option<i64> {
        match self {
            Self::At(end) => Some(end),
            Self::In(lifetime) => Some(now.saturating_add(lifetime)),
            Self::Never | Self::Unknown => None,
        }
    }

    /// As the attribute `expires_at` of a plan.
    pub fn planned(self) -> Value<String> {
        match self {
            Self::Never => Value::Null,
            Self::At(end) => timestamp::attribute(Some(end)),
            Self::In(_) | Self::Unknown => Value::Unknown,
        }
    }
}

fn same_lifetime(one: &State, other: &State) -> bool {
    duration::same(&one.expires_in, &other.expires_in)
}

/// A token that is dead on arrival helps nobody; one that already had that end may keep it.
pub fn refuse_past(
    config: &State,
    end: End,
    prior: Option<&State>,
    now: i64,
    diags: &mut Diagnostics,
) {
    let End::At(end) = end else {
        return;
    };
    if end > now || prior.is_some_and(|prior| prior.end() == Some(end)) {
        return;
    }
    if config.expiration_date.is_null() {
        diags.fail(
            "Expiry in the past",
            "`expires_in` counts from the creation or the latest rotation of the token, and is \
             over by that: the token would stop working at once. Choose a longer duration, or \
             change `rotate_when_changed` as well, so that it counts from now.",
            AttributePath::new("expires_in"),
        );
    } else {
        diags.fail(
            "Expiration date in the past",
            "`expiration_date` has already passed: the token would be refused from the start. \
             Choose a later date, or remove the attribute for a token that never expires.",
            AttributePath::new("expiration_date"),
        );
    }
}

/// Warns of a token that will be refused soon, or is already, unless this plan changes that.
pub fn warn(planned: &State, now: i64, diags: &mut Diagnostics) {
    let (Some(end), Some(id)) = (planned.end(), planned.token_id.as_ref_option()) else {
        return;
    };
    let date = timestamp::format(end).unwrap_or_default();
    if end <= now {
        diags.warn(
            "API token has expired",
            format!(
                "{id} stopped working at {date}. Set a later `expiration_date`, or change \
                 `rotate_when_changed` for a new secret with a new `expires_in`; or destroy it."
            ),
            attribute(planned),
        );
    } else if end - now < soon(planned, end) {
        diags.warn(
            "API token expires soon",
            format!(
                "{id} stops working at {date}. Set a later `expiration_date`, or let it be \
                 replaced in time by `rotation` with `before_expiry`."
            ),
            attribute(planned),
        );
    }
}

/// A token that lives for less than a month is not "soon" at its end for most of its life.
fn soon(state: &State, end: i64) -> i64 {
    let lifetime = state.secret_since().map(|since| end.saturating_sub(since));
    lifetime.map_or(SOON, |lifetime| SOON.min(lifetime / 4))
}

fn attribute(state: &State) -> AttributePath {
    AttributePath::new(if state.expires_in.is_null() {
        "expiration_date"
    } else {
        "expires_in"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;
    const DAY: i64 = 24 * 60 * 60;

    fn lasting(expires_in: &str) -> State {
        State {
            expires_in: Value::Value(expires_in.into()),
            ..State::default()
        }
    }

    fn ending(end: i64) -> State {
        State {
            token_id: Value::Value("demo@pve!ci".into()),
            expires_at: timestamp::attribute(Some(end)),
            ..State::default()
        }
    }

    fn warnings(state: &State) -> Vec<String> {
        let mut diags = Diagnostics::default();
        warn(state, NOW, &mut diags);
        let summaries = diags.warnings.into_iter();
        summaries.map(|warning| warning.summary.into()).collect()
    }

    #[test]
    fn a_lifetime_counts_from_when_the_secret_came_into_use() {
        let end = End::of(&lasting("2d"), Some(NOW), None);
        assert_eq!(end, End::At(NOW + 2 * DAY));
        assert_eq!(End::of(&State::default(), Some(NOW), None), End::Never);
    }

    #[test]
    fn after_an_import_an_end_that_is_there_is_taken_as_meant_until_the_lifetime_changes() {
        let imported = ending(NOW + DAY);
        let end = End::of(&lasting("90d"), None, Some(&imported));
        assert_eq!(end, End::At(NOW + DAY));

        let adopted = State {
            expires_in: Value::Value("90d".into()),
            ..imported
        };
        let end = End::of(&lasting("30d"), None, Some(&adopted));
        assert_eq!(end, End::In(30 * DAY));

        let endless = State::default();
        let end = End::of(&lasting("30d"), None, Some(&endless));
        assert_eq!(
            (end, end.at(NOW)),
            (End::In(30 * DAY), Some(NOW + 30 * DAY))
        );
    }

    #[test]
    fn an_expired_token_and_one_that_ends_soon_are_told() {
        assert_eq!(warnings(&ending(NOW)), ["API token has expired"]);
        assert_eq!(warnings(&ending(NOW + DAY)), ["API token expires soon"]);
        assert!(warnings(&ending(NOW + 30 * DAY)).is_empty());
        assert!(warnings(&State::default()).is_empty());
    }

    #[test]
    fn a_short_life_is_near_its_end_only_in_its_last_quarter() {
        let short = |age: i64| State {
            created_at: timestamp::attribute(Some(NOW - age)),
            ..ending(NOW - age + 2 * DAY)
        };
        assert!(warnings(&short(DAY)).is_empty());
        assert_eq!(warnings(&short(2 * DAY - 3600)), ["API token expires soon"]);
    }
}
