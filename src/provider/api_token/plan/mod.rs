//! What a change will do, decided from configuration, state and what the latest refresh noted.

pub(crate) mod acl_checks;
pub(crate) mod expiry;
pub(crate) mod lockout;
pub(crate) mod name_conflicts;
pub(crate) mod rotation;
pub(crate) mod validate;

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::model::State;
use crate::provider::api_token::plan::expiry::End;
use crate::provider::api_token::plan::rotation::{Due, due};
use crate::provider::api_token::private_state::Notes;
use crate::provider::attributes::{duration, timestamp};

/// Plans a new token. Everything the server decides is unknown.
pub fn create(proposed: State, now: i64, diags: &mut Diagnostics) -> State {
    let end = End::of(&proposed, None, None);
    expiry::refuse_past(&proposed, end, None, now, diags);
    let id = id(&proposed);
    State {
        id: id.clone(),
        token_id: id,
        secret: Value::Unknown,
        api_token: Value::Unknown,
        expires_at: end.planned(),
        created_at: Value::Unknown,
        rotated_at: Value::Null,
        rotation_method: Value::Null,
        previous_token_id: Value::Null,
        previous_expires_at: Value::Null,
        ..proposed.with_defaults()
    }
}

/// Plans a change of a token, and names the attributes that need a new one.
pub fn update(
    prior: &State,
    proposed: State,
    config: &State,
    notes: Option<&Notes>,
    now: i64,
    diags: &mut Diagnostics,
) -> (State, Vec<AttributePath>) {
    let planned = configured(prior, proposed, config);
    let replace = replaced(prior, &planned);
    let end = End::of(&planned, prior.secret_since(), Some(prior));
    let due = match replace.is_empty() {
        true => due(prior, &planned, end, notes),
        false => Due::No,
    };
    let planned = if due == Due::No {
        expiry::refuse_past(&planned, end, Some(prior), now, diags);
        let planned = State {
            expires_at: end.planned(),
            ..with_previous(planned, prior, notes)
        };
        expiry::warn(&planned, now, diags);
        planned
    } else {
        refuse_dead(&planned, now, diags);
        renewed(planned, notes.is_some_and(|notes| notes.live_is_gone))
    };
    (planned, replace)
}

/// The values of the configuration, in the spelling of the state where they mean the same.
fn configured(prior: &State, proposed: State, config: &State) -> State {
    let switches = State {
        privilege_separation: config.privilege_separation,
        allow_recreate: config.allow_recreate,
        revoke_on_destroy: config.revoke_on_destroy,
        allow_self_lockout: config.allow_self_lockout,
        verify_secret: config.verify_secret,
        ..proposed
    };
    let comment = keep_equivalent(&prior.comment, &switches.comment, same_comment);
    let date = &switches.expiration_date;
    let expiration_date = keep_equivalent(&prior.expiration_date, date, same_instant);
    let expires_in = keep_equivalent(&prior.expires_in, &switches.expires_in, duration::same);
    State {
        comment,
        expiration_date,
        expires_in,
        ..switches.with_defaults()
    }
}

/// The attributes whose change needs a new token.
fn replaced(prior: &State, planned: &State) -> Vec<AttributePath> {
    let attributes = [
        ("cluster", planned.cluster != prior.cluster),
        ("user_id", planned.user_id != prior.user_id),
        ("token_name", planned.token_name != prior.token_name),
    ];
    let changed = attributes.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| AttributePath::new(name)).collect()
}

/// A plan with a rotation: every output of it is known only afterwards.
fn renewed(planned: State, live_is_gone: bool) -> State {
    let renewed = State {
        secret: Value::Unknown,
        api_token: Value::Unknown,
        expires_at: match planned.expires_in {
            Value::Null => End::of(&planned, None, None).planned(),
            _ => Value::Unknown,
        },
        rotated_at: Value::Unknown,
        rotation_method: Value::Unknown,
        ..planned
    };
    if renewed.rotation().overlap.is_null() && !renewed.rotation.is_unknown() && !live_is_gone {
        return renewed;
    }
    State {
        token_id: Value::Unknown,
        previous_token_id: Value::Unknown,
        previous_expires_at: Value::Unknown,
        ..renewed
    }
}

/// A token that got a new secret after its end would still be dead.
fn refuse_dead(planned: &State, now: i64, diags: &mut Diagnostics) {
    if planned.expiration_date().is_some_and(|end| end <= now) {
        diags.fail(
            "Expiration date in the past",
            "The token is to get a new secret, but `expiration_date` has passed, so that the new \
             one would be refused as well. Choose a later date, or use `expires_in`, which counts \
             from each rotation.",
            AttributePath::new("expiration_date"),
        );
    }
}

/// The predecessor from the latest rotation: removed once its end has passed, and given an end
/// where an interrupted rotation had not come to that.
fn with_previous(planned: State, prior: &State, notes: Option<&Notes>) -> State {
    let (Some(_), Some(notes)) = (prior.previous(), notes) else {
        return planned;
    };
    let end = prior.previous_end();
    if end.is_some_and(|end| end <= notes.observed_at) {
        return State {
            previous_token_id: Value::Null,
            previous_expires_at: Value::Null,
            ..planned
        };
    }
    let meant = prior.secret_since().zip(prior.overlap());
    match meant.map(|(since, overlap)| since.saturating_add(overlap)) {
        Some(meant) if end.is_none_or(|end| end > meant) => State {
            previous_expires_at: timestamp::attribute(Some(meant)),
            ..planned
        },
        _ => planned,
    }
}

fn id(state: &State) -> Value<String> {
    match state.token() {
        Some(token) => Value::Value(token.to_string()),
        None => Value::Unknown,
    }
}

/// Whether two comments are the same to Proxmox VE, which trims them (recording
/// `019-token-create-comment-spaces`) and does not tell an empty one from none
/// (`014-token-create-comment-empty`).
pub fn same_comment(one: &Value<String>, other: &Value<String>) -> bool {
    let text = |value: &Value<String>| match value {
        Value::Value(text) => Some(text.trim().to_owned()),
        Value::Null => Some(String::new()),
        Value::Unknown => None,
    };
    text(one).is_some() && text(one) == text(other)
}

/// Whether two dates are the same instant, in whatever offset.
pub fn same_instant(one: &Value<String>, other: &Value<String>) -> bool {
    match (one, other) {
        (Value::Value(one), Value::Value(other)) => {
            timestamp::parse(one).is_ok_and(|one| timestamp::parse(other) == Ok(one))
        }
        (one, other) => one.is_null() && other.is_null(),
    }
}

/// Keeps the spelling of the state where the new one means the same: no change to show.
fn keep_equivalent(
    prior: &Value<String>,
    proposed: &Value<String>,
    same: fn(&Value<String>, &Value<String>) -> bool,
) -> Value<String> {
    // Core lets a plan keep a prior value in place of an equivalent one, except where either is null.
    if prior.is_value() && proposed.is_value() && same(prior, proposed) {
        prior.clone()
    } else {
        proposed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::model::Rotation;

    const NOW: i64 = 1_790_000_000;

    fn config() -> State {
        State {
            user_id: Value::Value("demo@pve".into()),
            token_name: Value::Value("ci".into()),
            ..State::default()
        }
    }

    fn existing() -> State {
        State {
            id: Value::Value("demo@pve!ci".into()),
            token_id: Value::Value("demo@pve!ci".into()),
            comment: Value::Value("hello".into()),
            created_at: Value::Value("2026-01-01T00:00:00Z".into()),
            ..config().with_defaults()
        }
    }

    fn plan(prior: &State, config: State) -> (State, Vec<AttributePath>, Diagnostics) {
        let mut diags = Diagnostics::default();
        let proposed = State {
            id: prior.id.clone(),
            token_id: prior.token_id.clone(),
            secret: prior.secret.clone(),
            api_token: prior.api_token.clone(),
            created_at: prior.created_at.clone(),
            expires_at: prior.expires_at.clone(),
            rotated_at: prior.rotated_at.clone(),
            previous_token_id: prior.previous_token_id.clone(),
            previous_expires_at: prior.previous_expires_at.clone(),
            ..config.clone()
        };
        let notes = Notes::at(NOW);
        let (planned, replace) = update(prior, proposed, &config, Some(&notes), NOW, &mut diags);
        (planned, replace, diags)
    }

    #[test]
    fn a_new_token_has_a_known_id_and_an_unknown_secret() {
        let planned = create(config(), NOW, &mut Diagnostics::default());
        assert_eq!(planned.id, Value::Value("demo@pve!ci".into()));
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
        assert!(
            create(unknown, NOW, &mut Diagnostics::default())
                .id
                .is_unknown()
        );
    }

    #[test]
    fn an_equal_instant_in_another_offset_is_no_change() {
        let prior = State {
            expiration_date: Value::Value("2027-12-31T00:00:00Z".into()),
            expires_at: Value::Value("2027-12-31T00:00:00Z".into()),
            ..existing()
        };
        let config = State {
            comment: Value::Value("hello".into()),
            expiration_date: Value::Value("2027-12-31T02:00:00+02:00".into()),
            ..config()
        };
        let (planned, replace, _) = plan(&prior, config);
        assert_eq!(planned, prior);
        assert_eq!(replace, []);
    }

    #[test]
    fn an_expiry_removed_from_the_configuration_is_a_change() {
        let prior = State {
            expiration_date: Value::Value("2027-12-31T00:00:00Z".into()),
            expires_at: Value::Value("2027-12-31T00:00:00Z".into()),
            ..existing()
        };
        let (planned, _, _) = plan(&prior, config());
        assert!(planned.expiration_date.is_null() && planned.expires_at.is_null());
    }

    #[test]
    fn white_space_around_a_comment_is_no_change() {
        let padded = State {
            comment: Value::Value("  hello ".into()),
            ..config()
        };
        let (planned, _, _) = plan(&existing(), padded);
        assert_eq!(planned.comment, existing().comment);
    }

    #[test]
    fn another_owner_or_name_needs_a_new_token() {
        let renamed = State {
            token_name: Value::Value("other".into()),
            ..config()
        };
        let (_, replace, _) = plan(&existing(), renamed);
        assert_eq!(replace, [AttributePath::new("token_name")]);
    }

    #[test]
    fn a_date_in_the_past_is_refused_unless_it_was_there_before() {
        let past = Value::Value("2020-01-01T00:00:00Z".to_owned());
        let dated = State {
            expiration_date: past.clone(),
            ..config()
        };
        let mut diags = Diagnostics::default();
        create(dated.clone(), NOW, &mut diags);
        assert_eq!(diags.errors.len(), 1);

        let prior = State {
            expires_at: past.clone(),
            expiration_date: past,
            ..existing()
        };
        let (_, _, diags) = plan(&prior, dated);
        assert_eq!(diags.errors, []);
    }

    fn rotating(overlap: Value<String>) -> State {
        State {
            comment: Value::Value("hello".into()),
            rotate_when_changed: Value::Value([("key".to_owned(), text("1"))].into()),
            rotation: Value::Value(Rotation {
                overlap,
                ..Rotation::default()
            }),
            ..config()
        }
    }

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    #[test]
    fn a_rotation_in_place_keeps_the_id_and_makes_the_rest_unknown() {
        let (planned, replace, _) = plan(&existing(), rotating(Value::Null));
        assert_eq!(replace, []);
        assert_eq!(planned.token_id, existing().token_id);
        assert!(planned.secret.is_unknown() && planned.rotated_at.is_unknown());
        assert!(planned.previous_token_id.is_null());
    }

    #[test]
    fn a_rotation_with_overlap_makes_the_ids_unknown_too() {
        let (planned, _, _) = plan(&existing(), rotating(text("48h")));
        assert_eq!(planned.id, existing().id);
        assert!(planned.token_id.is_unknown() && planned.previous_token_id.is_unknown());
    }

    /// A token whose predecessor ends at `end`, an hour after it was rotated.
    fn rotated(end: i64) -> State {
        State {
            rotation: Value::Value(Rotation {
                overlap: text("2h"),
                ..Rotation::default()
            }),
            token_id: text("demo@pve!ci-b"),
            previous_token_id: text("demo@pve!ci"),
            previous_expires_at: timestamp::attribute(Some(end)),
            rotated_at: timestamp::attribute(Some(NOW - 3600)),
            ..existing()
        }
    }

    fn unchanged(prior: &State) -> State {
        plan(prior, prior.clone()).0
    }

    #[test]
    fn a_predecessor_stays_until_its_end_and_is_removed_after_it() {
        let alive = rotated(NOW + 3600);
        assert_eq!(unchanged(&alive), alive);
        let over = unchanged(&rotated(NOW));
        assert!(over.previous_token_id.is_null() && over.previous_expires_at.is_null());
    }

    #[test]
    fn a_predecessor_that_was_given_no_end_is_given_one() {
        let endless = State {
            previous_expires_at: Value::Null,
            ..rotated(0)
        };
        let planned = unchanged(&endless);
        assert_eq!(planned.previous_token_id, endless.previous_token_id);
        assert_eq!(
            planned.previous_expires_at,
            rotated(NOW + 3600).previous_expires_at
        );
    }

    #[test]
    fn a_rotation_into_a_date_that_has_passed_is_refused() {
        let dated = State {
            expiration_date: text("2020-01-01T00:00:00Z"),
            ..rotating(Value::Null)
        };
        let (_, _, diags) = plan(&existing(), dated);
        assert_eq!(diags.errors.len(), 1);
    }
}
