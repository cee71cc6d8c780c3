//! What a configuration can get wrong, found before anything connects.

use std::collections::BTreeSet;

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::acl::{AclEntry, entries};
use crate::provider::api_token::model::State;
use crate::provider::attributes::{duration, timeouts, timestamp};
use crate::pve::{TokenName, UserId};

/// Reports everything that is wrong with a configuration.
pub fn validate(config: &State, diags: &mut Diagnostics) {
    validate_owner(config, diags);
    if let Value::Value(name) = &config.token_name
        && let Err(error) = name.parse::<TokenName>()
    {
        malformed("token_name", &error, diags);
    }
    validate_expiry(config, diags);
    validate_rotation(config, diags);
    timeouts::problems(&config.timeouts).for_each(|problem| diags.problem(problem));
    validate_comment(config, diags);
    validate_acl(config, diags);
}

/// The paths of Proxmox VE's API are read as Latin-1, so a user whose name goes beyond ASCII can
/// be made but not addressed (recording `360-username-umlaut`).
fn validate_owner(config: &State, diags: &mut Diagnostics) {
    let Value::Value(user) = &config.user_id else {
        return;
    };
    match user.parse::<UserId>() {
        Err(error) => malformed("user_id", &error, diags),
        Ok(_) if !user.is_ascii() => malformed(
            "user_id",
            &"the API of Proxmox VE cannot address a user whose name has characters beyond ASCII; \
              choose another owner",
            diags,
        ),
        Ok(_) => {}
    }
}

fn validate_expiry(config: &State, diags: &mut Diagnostics) {
    if let Value::Value(date) = &config.expiration_date
        && let Err(problem) = timestamp::parse(date)
    {
        malformed("expiration_date", &problem, diags);
    }
    is_duration("expires_in", &config.expires_in, diags);
    if !config.expiration_date.is_null() && !config.expires_in.is_null() {
        malformed(
            "expires_in",
            &"it and `expiration_date` both say when the token ends; keep one",
            diags,
        );
    }
}

fn validate_rotation(config: &State, diags: &mut Diagnostics) {
    let rotation = config.rotation();
    let every = is_duration("rotation.every", &rotation.every, diags);
    let before = is_duration("rotation.before_expiry", &rotation.before_expiry, diags);
    let overlap = is_duration("rotation.overlap", &rotation.overlap, diags);
    if !rotation.before_expiry.is_null() && config.expires_in.is_null() {
        malformed(
            "rotation.before_expiry",
            &"it needs `expires_in`, which gives each new secret an end of its own",
            diags,
        );
    }
    let lifetime = duration::seconds(&config.expires_in);
    for (attribute, value, limit, longest) in [
        ("rotation.before_expiry", before, "expires_in", lifetime),
        ("rotation.overlap", overlap, "rotation.every", every),
        ("rotation.overlap", overlap, "expires_in", lifetime),
    ] {
        if value
            .zip(longest)
            .is_some_and(|(value, longest)| value >= longest)
        {
            malformed(
                attribute,
                &format!("it must be shorter than `{limit}`"),
                diags,
            );
        }
    }
}

/// The seconds of a known duration, or a report of what is wrong with it.
fn is_duration(
    attribute: &'static str,
    value: &Value<String>,
    diags: &mut Diagnostics,
) -> Option<i64> {
    if let Err(problem) = duration::parse(value.as_ref_option()?) {
        malformed(attribute, &problem, diags);
    }
    duration::seconds(value)
}

/// Proxmox VE takes a comment of "0" and stores none (recording `015-token-create-comment-zero`).
fn validate_comment(config: &State, diags: &mut Diagnostics) {
    if config
        .comment
        .as_ref_option()
        .is_some_and(|comment| comment.trim() == "0")
    {
        malformed(
            "comment",
            &"Proxmox VE never stores a comment of just \"0\"; choose another text",
            diags,
        );
    }
}

fn validate_acl(config: &State, diags: &mut Diagnostics) {
    let declared = config.acl.iter().flatten();
    if declared.clone().any(Value::is_null) {
        malformed("acl", &"an entry is null", diags);
    }
    if config.privilege_separation == Value::Value(false) && declared.count() > 0 {
        diags.fail(
            "Access control without privilege separation",
            "`acl` is set while `privilege_separation` is false. A token without privilege \
             separation has all of its owner's privileges, and Proxmox VE ignores entries of its \
             own. Remove one of the two.",
            AttributePath::new("acl"),
        );
    }
    for entry in entries(&config.acl) {
        if let Value::Value(path) = &entry.path
            && (!path.starts_with('/') || path.contains(char::is_whitespace))
        {
            malformed(
                "acl",
                &format!(
                    "the path {path:?} must begin with a slash, as in \"/vms\", and hold no white \
                     space"
                ),
                diags,
            );
        }
        // The server takes a list here and grants each of its roles
        // (recording `274-acl-set-token-two-roles`).
        if let Value::Value(role) = &entry.role
            && !is_role(role)
        {
            malformed(
                "acl",
                &format!("{role:?} must be the name of one role; make an entry for each"),
                diags,
            );
        }
    }
    let grants = entries(&config.acl).filter_map(AclEntry::grant);
    let mut seen = BTreeSet::new();
    for grant in grants {
        if !seen.insert((grant.path.clone(), grant.role.clone())) {
            malformed(
                "acl",
                &format!(
                    "the role {:?} is granted twice at the path {:?}",
                    grant.role, grant.path
                ),
                diags,
            );
        }
    }
}

fn is_role(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && name.chars().all(is_allowed)
}

fn malformed(attribute: &'static str, problem: &dyn std::fmt::Display, diags: &mut Diagnostics) {
    diags.fail(
        "Invalid API token configuration",
        format!("`{attribute}` cannot be used: {problem}."),
        path(attribute),
    );
}

/// The path of an attribute as a person writes it, `rotation.every`.
fn path(attribute: &'static str) -> AttributePath {
    match attribute.split_once('.') {
        Some((outer, inner)) => AttributePath::new(outer).attribute(inner),
        None => AttributePath::new(attribute),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::model::Rotation;

    fn config() -> State {
        State {
            user_id: Value::Value("demo@pve".into()),
            token_name: Value::Value("ci".into()),
            ..State::default()
        }
    }

    fn entry(path: &str, role: &str, propagate: Value<bool>) -> Value<AclEntry> {
        Value::Value(AclEntry {
            path: Value::Value(path.into()),
            role: Value::Value(role.into()),
            propagate,
        })
    }

    fn faults(config: &State) -> Vec<String> {
        let mut diags = Diagnostics::default();
        validate(config, &mut diags);
        diags
            .errors
            .iter()
            .map(|error| error.attribute.to_string())
            .collect()
    }

    #[test]
    fn a_plain_configuration_has_no_faults() {
        assert_eq!(faults(&config()), Vec::<String>::new());
    }

    #[test]
    fn unknown_values_are_not_judged() {
        let config = State {
            user_id: Value::Unknown,
            token_name: Value::Unknown,
            expiration_date: Value::Unknown,
            acl: Value::Unknown,
            ..State::default()
        };
        assert_eq!(faults(&config), Vec::<String>::new());
    }

    #[test]
    fn each_malformed_value_is_reported_on_its_attribute() {
        let config = State {
            user_id: Value::Value("demo".into()),
            token_name: Value::Value("1".into()),
            expiration_date: Value::Value("soon".into()),
            comment: Value::Value("0".into()),
            acl: Value::Value(vec![entry("vms", "PVEAuditor", Value::Null)]),
            ..State::default()
        };
        assert_eq!(
            faults(&config),
            ["user_id", "token_name", "expiration_date", "comment", "acl"]
        );
    }

    #[test]
    fn entries_that_are_equal_after_defaults_are_refused() {
        let config = State {
            acl: Value::Value(vec![
                entry("/vms", "PVEAuditor", Value::Null),
                entry("/vms/", "PVEAuditor", Value::Value(false)),
            ]),
            ..config()
        };
        assert_eq!(faults(&config), ["acl"]);
    }

    #[test]
    fn a_list_of_roles_in_one_entry_is_refused_and_so_is_a_null_entry() {
        for entry in [
            entry("/vms", "PVEAuditor,PVEVMAdmin", Value::Null),
            entry("/vms", " PVEAuditor", Value::Null),
            entry("/vms ", "PVEAuditor", Value::Null),
            Value::Null,
        ] {
            let config = State {
                acl: Value::Value(vec![entry]),
                ..config()
            };
            assert_eq!(faults(&config), ["acl"]);
        }
    }

    #[test]
    fn an_entry_that_is_unknown_as_a_whole_is_not_judged() {
        let config = State {
            acl: Value::Value(vec![Value::Unknown]),
            ..config()
        };
        assert_eq!(faults(&config), Vec::<String>::new());
    }

    #[test]
    fn an_acl_without_privilege_separation_is_refused() {
        let config = State {
            privilege_separation: Value::Value(false),
            acl: Value::Value(vec![entry("/", "PVEAdmin", Value::Null)]),
            ..config()
        };
        assert_eq!(faults(&config), ["acl"]);
    }

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    fn rotating(expires_in: Value<String>, every: &str, before: &str, overlap: &str) -> State {
        let given = |duration: &str| match duration {
            "" => Value::Null,
            duration => text(duration),
        };
        State {
            expires_in,
            rotation: Value::Value(Rotation {
                every: given(every),
                before_expiry: given(before),
                overlap: given(overlap),
            }),
            ..config()
        }
    }

    #[test]
    fn a_rotation_that_fits_its_lifetime_has_no_faults() {
        assert!(faults(&rotating(text("90d"), "30d", "14d", "48h")).is_empty());
        assert!(faults(&rotating(Value::Null, "30d", "", "48h")).is_empty());
        assert!(faults(&rotating(Value::Unknown, "30d", "14d", "48h")).is_empty());
    }

    #[test]
    fn a_rotation_that_cannot_work_is_refused_on_its_attribute() {
        for (config, attribute) in [
            (rotating(Value::Null, "", "14d", ""), "before_expiry"),
            (rotating(text("14d"), "", "14d", ""), "before_expiry"),
            (rotating(text("90d"), "30d", "", "30d"), "overlap"),
            (rotating(text("2d"), "", "", "3d"), "overlap"),
            (rotating(Value::Null, "-1d", "", ""), "every"),
            (rotating(Value::Null, "", "", "99999999d"), "overlap"),
        ] {
            let faults = faults(&config);
            assert!(
                matches!(&faults[..], [fault] if fault.contains(attribute)),
                "{attribute}: {faults:?}"
            );
        }
    }

    #[test]
    fn two_ends_are_one_too_many() {
        let config = State {
            expiration_date: text("2037-12-31T00:00:00Z"),
            expires_in: text("90d"),
            ..config()
        };
        assert_eq!(faults(&config), ["expires_in"]);
    }
}
