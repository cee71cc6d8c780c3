//! The expiry that a configuration asks for, and warnings about an expiry that is near.

use std::time::Duration;

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::model::State;
use crate::provider::attributes::{duration, timestamp};
use crate::pve::{Expiry, Timestamp};

/// The plan warns of an expiry that is less than a week away.
const NEAR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The expiry that a configuration asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedExpiry {
    /// A date, or never.
    Known(Expiry),
    /// A lifetime that begins when the request is sent.
    After(Duration),
    /// The configuration is known only at apply.
    Unknown,
}

impl PlannedExpiry {
    /// The expiry that `config` gives a secret that was issued at `since`. Where that is not
    /// known, as after an import, the present expiry is kept until `expires_in` changes.
    pub fn of(config: &State, since: Option<Timestamp>, prior: Option<&State>) -> Self {
        if config.expiration_date.is_unknown() || config.expires_in.is_unknown() {
            return Self::Unknown;
        }
        if let Some(date) = config.expiration_date() {
            return Self::Known(Expiry::At(date));
        }
        let Some(lifetime) = config.lifetime() else {
            return Self::Known(Expiry::Never);
        };
        if let Some(since) = since {
            return Self::Known(Expiry::At(since + lifetime));
        }
        let present = prior
            .filter(|prior| {
                prior.expires_in.is_null() || duration::same(&prior.expires_in, &config.expires_in)
            })
            .and_then(|prior| prior.expiry().date());
        match present {
            Some(date) => Self::Known(Expiry::At(date)),
            None => Self::After(lifetime),
        }
    }

    /// The expiry to send at `now`.
    pub fn at(self, now: Timestamp) -> Expiry {
        match self {
            Self::Known(expiry) => expiry,
            Self::After(lifetime) => Expiry::At(now + lifetime),
            Self::Unknown => Expiry::Never,
        }
    }

    /// The attribute `expires_at` of a plan.
    pub fn attribute(self) -> Value<String> {
        match self {
            Self::Known(expiry) => timestamp::attribute(expiry),
            Self::After(_) | Self::Unknown => Value::Unknown,
        }
    }
}

/// Refuses an expiry that has passed. A token that already has that expiry may keep it.
pub fn refuse_past(
    config: &State,
    expiry: PlannedExpiry,
    prior: Option<&State>,
    now: Timestamp,
) -> Result<(), Problem> {
    let PlannedExpiry::Known(expiry) = expiry else {
        return Ok(());
    };
    if expiry > Expiry::At(now) || prior.is_some_and(|prior| prior.expiry() == expiry) {
        return Ok(());
    }
    Err(match config.expiration_date.is_null() {
        true => Problem::new(
            "Expiry in the past",
            "`expires_in` counts from the creation or the latest rotation of the token and has \
             already elapsed, so the token would stop working at once. Choose a longer duration, \
             or also change `rotate_when_changed` so that it counts from now.",
            AttributePath::new("expires_in"),
        ),
        false => Problem::new(
            "Expiration date in the past",
            "`expiration_date` has already passed, so Proxmox VE would refuse the token from the \
             start. Choose a later date, or remove the attribute for a token that never expires.",
            AttributePath::new("expiration_date"),
        ),
    })
}

/// Refuses a rotation whose new secret would already be expired.
pub fn refuse_expired(planned: &State, now: Timestamp) -> Result<(), Problem> {
    match planned.expiration_date() {
        Some(date) if date <= now => Err(Problem::new(
            "Expiration date in the past",
            "The token is due for a new secret, but `expiration_date` has passed, so Proxmox VE \
             would refuse the new secret too. Choose a later date, or use `expires_in`, which \
             counts from each rotation.",
            AttributePath::new("expiration_date"),
        )),
        _ => Ok(()),
    }
}

/// The warning about a token that has expired or soon will, and that the plan leaves so.
pub fn warning(planned: &State, now: Timestamp) -> Option<Problem> {
    let (expiry, id) = (planned.expiry().date()?, planned.token_id.as_ref_option()?);
    let date = timestamp::format(expiry).unwrap_or_default();
    let attribute = AttributePath::new(match planned.expires_in.is_null() {
        true => "expiration_date",
        false => "expires_in",
    });
    if expiry <= now {
        return Some(Problem::new(
            "API token has expired",
            format!(
                "{id} stopped working at {date}. Set a later `expiration_date`, change \
                 `rotate_when_changed` for a new secret with a new `expires_in`, or destroy the \
                 token."
            ),
            attribute,
        ));
    }
    (expiry.since(now) < near(planned, expiry)).then(|| {
        Problem::new(
            "API token expires soon",
            format!(
                "{id} stops working at {date}. Set a later `expiration_date`, or set \
                 `rotation.before_expiry` to have its secret rotated in time."
            ),
            attribute,
        )
    })
}

/// How long before its expiry the plan warns of a token. One that lives for less than a month is
/// near its expiry only in the last quarter of its life.
fn near(state: &State, expiry: Timestamp) -> Duration {
    let lifetime = state.secret_since().map(|since| expiry.since(since));
    lifetime.map_or(NEAR, |lifetime| NEAR.min(lifetime / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_790_000_000);

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * 24 * 60 * 60)
    }

    fn lasting(expires_in: &str) -> State {
        State {
            expires_in: Value::Value(expires_in.into()),
            ..State::default()
        }
    }

    fn expiring(date: Timestamp) -> State {
        State {
            token_id: Value::Value("demo@pve!ci".into()),
            expires_at: timestamp::attribute(date),
            ..State::default()
        }
    }

    fn summary(state: &State) -> Option<&'static str> {
        warning(state, NOW).map(|warning| warning.summary)
    }

    fn on(date: Timestamp) -> PlannedExpiry {
        PlannedExpiry::Known(Expiry::At(date))
    }

    #[test]
    fn a_lifetime_counts_from_the_issue_of_the_secret() {
        let expiry = PlannedExpiry::of(&lasting("2d"), Some(NOW), None);
        assert_eq!(expiry, on(NOW + days(2)));
        let endless = PlannedExpiry::of(&State::default(), Some(NOW), None);
        assert_eq!(endless, PlannedExpiry::Known(Expiry::Never));
    }

    #[test]
    fn after_an_import_the_present_expiry_is_kept_until_the_lifetime_changes() {
        let imported = expiring(NOW + days(1));
        let expiry = PlannedExpiry::of(&lasting("90d"), None, Some(&imported));
        assert_eq!(expiry, on(NOW + days(1)));

        let adopted = State {
            expires_in: Value::Value("90d".into()),
            ..imported
        };
        let expiry = PlannedExpiry::of(&lasting("30d"), None, Some(&adopted));
        assert_eq!(expiry, PlannedExpiry::After(days(30)));

        let endless = State::default();
        let expiry = PlannedExpiry::of(&lasting("30d"), None, Some(&endless));
        assert_eq!(expiry.at(NOW), Expiry::At(NOW + days(30)));
    }

    #[test]
    fn the_plan_warns_of_an_expired_token_and_of_one_that_soon_will_be() {
        assert_eq!(summary(&expiring(NOW)), Some("API token has expired"));
        let soon = expiring(NOW + days(1));
        assert_eq!(summary(&soon), Some("API token expires soon"));
        assert_eq!(summary(&expiring(NOW + days(30))), None);
        assert_eq!(summary(&State::default()), None);
    }

    #[test]
    fn a_short_life_is_near_its_expiry_only_in_its_last_quarter() {
        let issued = |since: Timestamp| State {
            created_at: timestamp::attribute(since),
            ..expiring(since + days(2))
        };
        assert_eq!(summary(&issued(NOW - days(1))), None);
        let late = NOW - (days(2) - Duration::from_secs(3600));
        assert_eq!(summary(&issued(late)), Some("API token expires soon"));
    }
}
