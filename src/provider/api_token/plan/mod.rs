//! What a change will do, decided from configuration, state and the observations of the latest
//! refresh.

pub(crate) mod acl_checks;
pub(crate) mod availability;
pub(crate) mod due;
pub(crate) mod expiry;
pub(crate) mod findings;
pub(crate) mod lockout;
pub(crate) mod name_conflicts;
pub(crate) mod rotation;
pub(crate) mod undeclared_entries;
pub(crate) mod validate;

use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::acl;
use crate::provider::api_token::change::{Change, requires_replacement};
use crate::provider::api_token::model::{Config, Planned, State, same_comment};
use crate::provider::api_token::plan::expiry::PlannedExpiry;
use crate::provider::api_token::private_state::PrivateState;
use crate::provider::api_token::slots::Slots;
use crate::provider::attributes::{duration, timestamp};
use crate::provider::clients::call_within;
use crate::pve::{CachedClient, Expiry, Timestamp};

/// Plans a new token. Everything that the server decides is unknown. Refuses one that would be
/// expired.
pub fn create(proposed: State, now: Timestamp) -> Result<Planned, Problem> {
    let expiry = PlannedExpiry::of(&proposed, None, None);
    expiry::refuse_past(&proposed, expiry, None, now)?;
    let id = match Slots::of(&proposed) {
        Some(slots) => Value::Value(slots.base.to_string()),
        None => Value::Unknown,
    };
    Ok(Planned(State {
        id: id.clone(),
        token_id: id,
        secret: Value::Unknown,
        api_token: Value::Unknown,
        expires_at: expiry.attribute(),
        effective_expires_at: Value::Unknown,
        created_at: Value::Unknown,
        rotated_at: Value::Null,
        rotation_method: Value::Null,
        ..proposed.with_defaults().without_previous()
    }))
}

/// Plans a change of a token. `None` for a state without a usable `user_id` and `token_name`.
pub fn update(
    prior: State,
    proposed: State,
    config: &Config,
    observed: PrivateState,
    now: Timestamp,
) -> Option<Change> {
    let configured = configured(&prior, proposed, config);
    let expiry = PlannedExpiry::of(&configured, prior.secret_since(), Some(&prior));
    let rotation = match requires_replacement(&prior, &configured).is_empty() {
        true => due::at_plan(&prior, &configured, expiry, observed.due, now),
        false => None,
    };
    let change = Change {
        slots: Slots::of(&prior)?,
        now,
        prior,
        planned: Planned(configured),
        rotation,
        unsettled: observed.unsettled,
        released: observed.released.clone(),
    };
    let planned = match rotation {
        Some(_) => rotated(&change),
        None => with_expiry(&change.prior, with_previous(&change, &observed), expiry),
    };
    Some(Change {
        planned: Planned(planned),
        ..change
    })
}

/// The time of a plan, on the server's clock. The server is asked where the plan changes the
/// schedule of rotations: the plan that apply makes again must then come to the same answer.
pub async fn clock(client: Option<&CachedClient>, prior: &State, config: &State) -> Timestamp {
    let Some(client) = client else {
        return Timestamp::now();
    };
    if let Some(slots) = Slots::of(prior).filter(|_| due::changes_schedule(prior, config)) {
        let context = call_within(prior.timeout("read"));
        if let Err(error) = client.user(&slots.live.user, &context).await {
            tracing::info!(%error, "The clock of the server is not known");
        }
    }
    client.server_now().into()
}

/// Refuses an expiry that has passed, and warns of one that is near.
pub fn check_expiry(change: &Change) -> Result<Option<Problem>, Problem> {
    let (prior, planned, now) = (&change.prior, &change.planned, change.now);
    if change.rotation.is_some() {
        expiry::refuse_expired(planned, now)?;
        return Ok(None);
    }
    let expiry = PlannedExpiry::of(planned, prior.secret_since(), Some(prior));
    expiry::refuse_past(planned, expiry, Some(prior), now)?;
    Ok(expiry::warning(planned, now))
}

/// The configured values, in the spelling of the state where they mean the same.
fn configured(prior: &State, proposed: State, config: &Config) -> State {
    let date = &proposed.expiration_date;
    State {
        acl: match acl::same(&prior.acl, &proposed.acl) {
            true => prior.acl.clone(),
            false => proposed.acl,
        },
        comment: keep_equivalent(&prior.comment, &proposed.comment, same_comment),
        expiration_date: keep_equivalent(&prior.expiration_date, date, timestamp::same),
        expires_in: keep_equivalent(&prior.expires_in, &proposed.expires_in, duration::same),
        privilege_separation: config.privilege_separation,
        acl_exclusive: config.acl_exclusive,
        allow_recreate: config.allow_recreate,
        revoke_on_destroy: config.revoke_on_destroy,
        allow_self_lockout: config.allow_self_lockout,
        verify_secret: config.verify_secret,
        ..proposed
    }
    .with_defaults()
}

/// The planned state of a rotation: every output of it is known only afterwards.
fn rotated(change: &Change) -> State {
    let planned = change.planned.0.clone();
    let rotated = State {
        secret: Value::Unknown,
        api_token: Value::Unknown,
        expires_at: match planned.expires_in {
            Value::Null => PlannedExpiry::of(&planned, None, None).attribute(),
            _ => Value::Unknown,
        },
        effective_expires_at: Value::Unknown,
        rotated_at: Value::Unknown,
        rotation_method: Value::Unknown,
        ..planned
    };
    let keeps_ids = rotated.rotation().overlap.is_null() && !rotated.rotation.is_unknown();
    if keeps_ids && !change.live_is_gone() {
        return rotated;
    }
    State {
        token_id: Value::Unknown,
        previous_token_id: Value::Unknown,
        previous_expires_at: Value::Unknown,
        ..rotated
    }
}

/// The planned state of a change with the expiry that the configuration gives the token.
fn with_expiry(prior: &State, planned: State, expiry: PlannedExpiry) -> State {
    let expires_at = expiry.attribute();
    State {
        effective_expires_at: match expires_at == prior.expires_at {
            true => prior.effective_expires_at.clone(),
            false => Value::Unknown,
        },
        expires_at,
        ..planned
    }
}

/// The previous token is removed once it has expired, and given an expiry where an interrupted
/// rotation has left it without one.
fn with_previous(change: &Change, observed: &PrivateState) -> State {
    let (prior, planned) = (&change.prior, change.planned.0.clone());
    if change.slots.previous.is_none() {
        return planned;
    }
    if observed.previous_expired {
        return planned.without_previous();
    }
    let expiry = prior.previous_expiry();
    match prior.secret_since().zip(prior.overlap()) {
        Some((since, overlap)) if expiry > Expiry::At(since + overlap) => State {
            previous_expires_at: timestamp::attribute(since + overlap),
            ..planned
        },
        _ => planned,
    }
}

/// Keeps the spelling of the state where the new one means the same: no change to show.
fn keep_equivalent(
    prior: &Value<String>,
    proposed: &Value<String>,
    is_same: fn(&Value<String>, &Value<String>) -> bool,
) -> Value<String> {
    // Core lets a plan keep a prior value in place of an equivalent one, except where either is null.
    if prior.is_value() && proposed.is_value() && is_same(prior, proposed) {
        prior.clone()
    } else {
        proposed.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tf_provider::AttributePath;

    use super::*;
    use crate::provider::api_token::acl::AclEntry;
    use crate::provider::api_token::change::settings_diff;
    use crate::provider::api_token::model::Rotation;
    use crate::provider::api_token::private_state::RotationCause;

    const NOW: Timestamp = Timestamp::from_unix(1_790_000_000);
    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn config() -> State {
        State {
            user_id: text("demo@pve"),
            token_name: text("ci"),
            ..State::default()
        }
    }

    fn existing() -> State {
        State {
            id: text("demo@pve!ci"),
            token_id: text("demo@pve!ci"),
            comment: text("hello"),
            created_at: text("2026-01-01T00:00:00Z"),
            ..config().with_defaults()
        }
    }

    fn change(prior: &State, config: State) -> Change {
        let proposed = State {
            id: prior.id.clone(),
            token_id: prior.token_id.clone(),
            secret: prior.secret.clone(),
            api_token: prior.api_token.clone(),
            created_at: prior.created_at.clone(),
            expires_at: prior.expires_at.clone(),
            effective_expires_at: prior.effective_expires_at.clone(),
            rotated_at: prior.rotated_at.clone(),
            previous_token_id: prior.previous_token_id.clone(),
            previous_expires_at: prior.previous_expires_at.clone(),
            ..config.clone()
        };
        let observed = PrivateState {
            previous_expired: prior.previous_expiry() <= Expiry::At(NOW),
            ..PrivateState::default()
        };
        update(prior.clone(), proposed, &Config(config), observed, NOW).unwrap()
    }

    fn planned(prior: &State, config: State) -> State {
        change(prior, config).planned.0
    }

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    #[test]
    fn a_new_token_has_a_known_id_and_an_unknown_secret() {
        let planned = create(config(), NOW).unwrap();
        assert_eq!(planned.id, text("demo@pve!ci"));
        assert!(planned.secret.is_unknown() && planned.api_token.is_unknown());
        assert_eq!(planned.privilege_separation, Value::Value(true));
        assert!(planned.expires_at.is_null());
    }

    #[test]
    fn the_id_is_unknown_while_the_owner_is() {
        let unknown = State {
            user_id: Value::Unknown,
            ..config()
        };
        assert!(create(unknown, NOW).unwrap().id.is_unknown());
    }

    #[test]
    fn an_equal_instant_in_another_offset_is_no_change() {
        let prior = State {
            expiration_date: text("2027-12-31T00:00:00Z"),
            expires_at: text("2027-12-31T00:00:00Z"),
            ..existing()
        };
        let config = State {
            comment: text("hello"),
            expiration_date: text("2027-12-31T02:00:00+02:00"),
            ..config()
        };
        let change = change(&prior, config);
        assert_eq!(change.planned.0, prior);
        assert_eq!(change.requires_replacement(), []);
        assert_eq!(change.rotation, None);
        assert_eq!(settings_diff(&prior, &change.planned), None);
    }

    #[test]
    fn an_expiry_removed_from_the_configuration_is_a_change() {
        let prior = State {
            expiration_date: text("2027-12-31T00:00:00Z"),
            expires_at: text("2027-12-31T00:00:00Z"),
            ..existing()
        };
        let planned = planned(&prior, config());
        assert!(planned.expiration_date.is_null() && planned.expires_at.is_null());
    }

    #[test]
    fn white_space_around_a_comment_is_no_change() {
        let padded = State {
            comment: text("  hello "),
            ..config()
        };
        assert_eq!(planned(&existing(), padded).comment, existing().comment);
    }

    #[test]
    fn a_default_that_is_written_out_is_no_change_of_the_acl() {
        let acl = |path: &str, propagate| {
            let entry = AclEntry {
                path: text(path),
                role: text("PVEAuditor"),
                propagate,
            };
            Value::Value(vec![Value::Value(entry)])
        };
        let prior = State {
            acl: acl("/vms", Value::Null),
            ..existing()
        };
        let with = |acl| State {
            acl,
            comment: text("hello"),
            ..config()
        };
        let spelled = planned(&prior, with(acl("/vms/", Value::Value(true))));
        assert_eq!(spelled.acl, prior.acl);
        let own = acl("/vms", Value::Value(false));
        assert_eq!(planned(&prior, with(own.clone())).acl, own);
    }

    #[test]
    fn another_owner_or_name_forces_a_new_token() {
        let renamed = State {
            token_name: text("other"),
            ..config()
        };
        let replaced = change(&existing(), renamed).requires_replacement();
        assert_eq!(replaced, [AttributePath::new("token_name")]);
    }

    #[test]
    fn a_date_in_the_past_is_refused_unless_it_was_there_before() {
        let past = text("2020-01-01T00:00:00Z");
        let dated = State {
            expiration_date: past.clone(),
            ..config()
        };
        assert!(create(dated.clone(), NOW).is_err());
        assert!(check_expiry(&change(&existing(), dated.clone())).is_err());

        let prior = State {
            expires_at: past.clone(),
            expiration_date: past,
            ..existing()
        };
        assert!(check_expiry(&change(&prior, dated)).is_ok());
    }

    fn rotating(overlap: Value<String>) -> State {
        State {
            comment: text("hello"),
            rotate_when_changed: Value::Value([("key".to_owned(), text("1"))].into()),
            rotation: Value::Value(Rotation {
                overlap,
                ..Rotation::default()
            }),
            ..config()
        }
    }

    #[test]
    fn a_rotation_in_place_keeps_the_id_and_makes_the_rest_unknown() {
        let change = change(&existing(), rotating(Value::Null));
        assert_eq!(change.requires_replacement(), []);
        assert_eq!(change.rotation, Some(RotationCause::Keepers));
        let planned = change.planned;
        assert_eq!(planned.token_id, existing().token_id);
        assert!(planned.secret.is_unknown() && planned.rotated_at.is_unknown());
        assert!(planned.previous_token_id.is_null());
    }

    #[test]
    fn a_rotation_with_overlap_makes_the_ids_unknown_too() {
        let planned = planned(&existing(), rotating(text("48h")));
        assert_eq!(planned.id, existing().id);
        assert!(planned.token_id.is_unknown() && planned.previous_token_id.is_unknown());
    }

    /// A token that was rotated an hour ago and whose previous token expires at `expiry`.
    fn with_previous(expiry: impl Into<Option<Timestamp>>) -> State {
        State {
            rotation: Value::Value(Rotation {
                overlap: text("2h"),
                ..Rotation::default()
            }),
            token_id: text("demo@pve!ci-b"),
            previous_token_id: text("demo@pve!ci"),
            previous_expires_at: timestamp::attribute(expiry),
            rotated_at: timestamp::attribute(NOW - HOUR),
            ..existing()
        }
    }

    fn unchanged(prior: &State) -> State {
        planned(prior, prior.clone())
    }

    #[test]
    fn a_previous_token_stays_until_its_expiry_and_is_removed_after_it() {
        let valid = with_previous(NOW + HOUR);
        assert_eq!(unchanged(&valid), valid);
        let expired = unchanged(&with_previous(NOW));
        assert!(expired.previous_token_id.is_null() && expired.previous_expires_at.is_null());
    }

    #[test]
    fn a_previous_token_without_an_expiry_is_given_one() {
        let endless = with_previous(None);
        let planned = unchanged(&endless);
        assert_eq!(planned.previous_token_id, endless.previous_token_id);
        let expected = timestamp::attribute(NOW + HOUR);
        assert_eq!(planned.previous_expires_at, expected);
    }

    #[test]
    fn a_rotation_with_an_expiration_date_that_has_passed_is_refused() {
        let dated = State {
            expiration_date: text("2020-01-01T00:00:00Z"),
            ..rotating(Value::Null)
        };
        assert!(check_expiry(&change(&existing(), dated)).is_err());
    }
}
