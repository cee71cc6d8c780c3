//! What a change will do, decided from configuration and state alone.

use tf_provider::{AttributePath, Diagnostics, value::Value};

use super::state::State;
use crate::{framework::Report, provider::instant};

/// Plans a new token. Everything the server decides is unknown.
pub fn create(proposed: State, now: i64, diags: &mut Diagnostics) -> State {
    refuse_past(&proposed, None, now, diags);
    let id = id(&proposed);
    State {
        id: id.clone(),
        token_id: id,
        privilege_separation: separation(&proposed),
        secret: Value::Unknown,
        api_token: Value::Unknown,
        expires_at: expires_at(&proposed),
        created_at: Value::Unknown,
        ..proposed
    }
}

/// Plans a change of a token, and names the attributes that need a new one.
pub fn update(
    prior: &State,
    proposed: State,
    config: &State,
    now: i64,
    diags: &mut Diagnostics,
) -> (State, Vec<AttributePath>) {
    refuse_past(config, Some(prior), now, diags);
    let mut planned = State {
        privilege_separation: separation(config),
        comment: keep_equivalent(&prior.comment, proposed.comment.clone(), same_comment),
        expiration_date: keep_equivalent(
            &prior.expiration_date,
            proposed.expiration_date.clone(),
            same_instant,
        ),
        ..proposed
    };
    planned.expires_at = expires_at(&planned);
    let replace = [
        ("cluster", planned.cluster != prior.cluster),
        ("user_id", planned.user_id != prior.user_id),
        ("token_name", planned.token_name != prior.token_name),
    ];
    let replace = replace
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(name, _)| AttributePath::new(name))
        .collect();
    (planned, replace)
}

fn id(state: &State) -> Value<String> {
    match state.token() {
        Some(token) => Value::Value(token.to_string()),
        None => Value::Unknown,
    }
}

/// True unless configured otherwise, as in Proxmox VE.
fn separation(state: &State) -> Value<bool> {
    match state.privilege_separation {
        Value::Null => Value::Value(true),
        given => given,
    }
}

fn expires_at(state: &State) -> Value<String> {
    match &state.expiration_date {
        Value::Unknown => Value::Unknown,
        _ => instant::attribute(state.expire()),
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
            instant::parse(one).is_ok_and(|one| instant::parse(other) == Ok(one))
        }
        (one, other) => one.is_null() && other.is_null(),
    }
}

/// Keeps the spelling of the state where the new one means the same: no change to show.
fn keep_equivalent(
    prior: &Value<String>,
    proposed: Value<String>,
    same: fn(&Value<String>, &Value<String>) -> bool,
) -> Value<String> {
    // Core lets a plan keep a prior value in place of an equivalent one, except where either is null.
    if prior.is_value() && proposed.is_value() && same(prior, &proposed) {
        prior.clone()
    } else {
        proposed
    }
}

/// A token that is dead on arrival helps nobody; one that already had that date may keep it.
fn refuse_past(config: &State, prior: Option<&State>, now: i64, diags: &mut Diagnostics) {
    let Some(expire) = config.expire() else {
        return;
    };
    let unchanged = prior.is_some_and(|prior| prior.expire() == Some(expire));
    if expire <= now && !unchanged {
        diags.fail(
            "Expiration date in the past",
            "`expiration_date` has already passed: the token would be refused from the start. \
             Choose a later date, or remove the attribute for a token that never expires.",
            AttributePath::new("expiration_date"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            privilege_separation: Value::Value(true),
            comment: Value::Value("hello".into()),
            created_at: Value::Value("2026-01-01T00:00:00Z".into()),
            ..config()
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
            ..config.clone()
        };
        let (planned, replace) = update(prior, proposed, &config, NOW, &mut diags);
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
            expiration_date: past,
            ..existing()
        };
        let (_, _, diags) = plan(&prior, dated);
        assert_eq!(diags.errors, []);
    }
}
