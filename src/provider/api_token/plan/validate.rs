//! Validation of a configuration, before anything connects.

use std::collections::BTreeSet;
use std::fmt::Display;

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::api_token::acl::{AclEntry, Grant, entries};
use crate::provider::api_token::model::Config;
use crate::provider::attributes::{duration, timeouts, timestamp};
use crate::pve::{TokenName, UserId};

/// Every problem of a configuration.
pub fn validate(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(owner(config));
    problems.extend(token_name(config));
    problems.extend(expiry(config));
    problems.extend(rotation(config));
    problems.extend(timeouts::problems(&config.timeouts));
    problems.extend(comment(config));
    problems.extend(acl(config));
    problems
}

fn owner(config: &Config) -> Option<Problem> {
    owner_id(config.user_id.as_ref_option()?).err()
}

/// The owner that `user_id` names. The paths of Proxmox VE's API are read as Latin-1, so a user whose
/// name goes beyond ASCII can be created but not addressed (recording `360-username-umlaut`).
pub fn owner_id(user: &str) -> Result<UserId, Problem> {
    match user.parse() {
        Err(error) => Err(invalid("user_id", error)),
        Ok(_) if !user.is_ascii() => Err(invalid(
            "user_id",
            "the API of Proxmox VE cannot address a user whose name has non-ASCII characters; \
             choose another owner",
        )),
        Ok(user) => Ok(user),
    }
}

fn token_name(config: &Config) -> Option<Problem> {
    let parsed = config.token_name.as_ref_option()?.parse::<TokenName>();
    parsed.err().map(|error| invalid("token_name", error))
}

fn expiry(config: &Config) -> Vec<Problem> {
    let date = config.expiration_date.as_ref_option();
    let date = date.and_then(|date| timestamp::parse(date).err());
    let both = !config.expiration_date.is_null() && !config.expires_in.is_null();
    [
        date.map(|reason| invalid("expiration_date", reason)),
        invalid_duration("expires_in", &config.expires_in),
        both.then(|| {
            invalid(
                "expires_in",
                "it conflicts with `expiration_date`; set only one of the two",
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn rotation(config: &Config) -> Vec<Problem> {
    let rotation = config.rotation();
    let mut problems: Vec<Problem> = [
        ("rotation.every", &rotation.every),
        ("rotation.before_expiry", &rotation.before_expiry),
        ("rotation.overlap", &rotation.overlap),
    ]
    .into_iter()
    .filter_map(|(attribute, value)| invalid_duration(attribute, value))
    .collect();
    if !rotation.before_expiry.is_null() && config.expires_in.is_null() {
        problems.push(invalid(
            "rotation.before_expiry",
            "it requires `expires_in`, which gives each new secret an expiry of its own",
        ));
    }
    let before = duration::known(&rotation.before_expiry);
    let (every, overlap) = (duration::known(&rotation.every), config.overlap());
    for (attribute, value, limit, longest) in [
        (
            "rotation.before_expiry",
            before,
            "expires_in",
            config.lifetime(),
        ),
        ("rotation.overlap", overlap, "rotation.every", every),
        ("rotation.overlap", overlap, "expires_in", config.lifetime()),
    ] {
        let is_too_long = value
            .zip(longest)
            .is_some_and(|(value, longest)| value >= longest);
        if is_too_long {
            let reason = format!("it must be shorter than `{limit}`");
            problems.push(invalid(attribute, reason));
        }
    }
    problems
}

fn invalid_duration(attribute: &'static str, value: &Value<String>) -> Option<Problem> {
    let parsed = duration::parse(value.as_ref_option()?);
    parsed.err().map(|reason| invalid(attribute, reason))
}

/// Proxmox VE accepts a comment of "0" and stores none (recording `015-token-create-comment-zero`).
fn comment(config: &Config) -> Option<Problem> {
    let comment = config.comment.as_ref_option()?;
    (comment.trim() == "0").then(|| {
        invalid(
            "comment",
            "Proxmox VE does not store the comment \"0\"; choose another text",
        )
    })
}

fn acl(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let declared = config.acl.iter().flatten();
    if declared.clone().any(Value::is_null) {
        problems.push(invalid("acl", "an entry is null"));
    }
    let declared_any = declared.count() > 0;
    if !config.is_separated() && declared_any {
        problems.push(Problem::new(
            "Access control without privilege separation",
            "`acl` is set while `privilege_separation` is false. A token without privilege \
             separation has all privileges of its owner, and Proxmox VE ignores its own ACL \
             entries. Remove one of the two.",
            AttributePath::new("acl"),
        ));
    }
    if declared_any {
        problems.extend(owner_without_entries(config));
    }
    if config.is_acl_exclusive() && config.acl.is_null() {
        problems.push(invalid(
            "acl_exclusive",
            "it requires `acl`; set `acl = []` for a token without entries of its own",
        ));
    }
    problems.extend(entries(&config.acl).filter_map(path));
    problems.extend(entries(&config.acl).filter_map(role));
    problems.extend(duplicates(config));
    problems
}

/// The server splits the list of tokens of an entry at these characters, so it never finds a token
/// whose id has one.
fn owner_without_entries(config: &Config) -> Option<Problem> {
    let user = config.user_id.as_ref_option()?;
    user.contains([',', ';']).then(|| {
        invalid(
            "user_id",
            "Proxmox VE cannot create ACL entries for a token whose owner has \",\" or \";\" in \
             its name; choose another owner, or remove `acl`",
        )
    })
}

fn path(entry: &AclEntry) -> Option<Problem> {
    let path = entry.path.as_ref_option()?;
    let is_valid = path.starts_with('/') && !path.contains(char::is_whitespace);
    (!is_valid).then(|| {
        let reason = format!(
            "the path {path:?} must begin with a slash, as in \"/vms\", and must not contain white \
             space"
        );
        invalid("acl", reason)
    })
}

/// The server accepts a list of roles and grants each of them
/// (recording `274-acl-set-token-two-roles`).
fn role(entry: &AclEntry) -> Option<Problem> {
    let role = entry.role.as_ref_option()?;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_valid = !role.is_empty() && role.chars().all(is_allowed);
    (!is_valid).then(|| {
        let reason =
            format!("{role:?} must be the name of one role; declare one entry for each role");
        invalid("acl", reason)
    })
}

fn duplicates(config: &Config) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let grants = entries(&config.acl).filter_map(AclEntry::grant);
    let repeated =
        grants.filter(|grant| !seen.insert((grant.path().to_owned(), grant.role().to_owned())));
    let problem = |grant: Grant| {
        let reason = format!(
            "the role {:?} is granted twice at the path {:?}",
            grant.role(),
            grant.path()
        );
        invalid("acl", reason)
    };
    repeated.map(problem).collect()
}

fn invalid(attribute: &'static str, reason: impl Display) -> Problem {
    Problem::new(
        "Invalid API token configuration",
        format!("`{attribute}` is invalid: {reason}."),
        match attribute.split_once('.') {
            Some((outer, inner)) => AttributePath::new(outer).attribute(inner),
            None => AttributePath::new(attribute),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::model::{Rotation, State};

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

    fn invalid_attributes(config: &State) -> Vec<String> {
        validate(&Config(config.clone()))
            .iter()
            .map(|problem| problem.attribute.to_string())
            .collect()
    }

    #[test]
    fn a_plain_configuration_is_valid() {
        assert_eq!(invalid_attributes(&config()), Vec::<String>::new());
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
        assert_eq!(invalid_attributes(&config), Vec::<String>::new());
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
            invalid_attributes(&config),
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
        assert_eq!(invalid_attributes(&config), ["acl"]);
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
            assert_eq!(invalid_attributes(&config), ["acl"]);
        }
    }

    #[test]
    fn an_entry_that_is_unknown_as_a_whole_is_not_judged() {
        let config = State {
            acl: Value::Value(vec![Value::Unknown]),
            ..config()
        };
        assert_eq!(invalid_attributes(&config), Vec::<String>::new());
    }

    #[test]
    fn an_acl_without_privilege_separation_is_refused() {
        let config = State {
            privilege_separation: Value::Value(false),
            acl: Value::Value(vec![entry("/", "PVEAdmin", Value::Null)]),
            ..config()
        };
        assert_eq!(invalid_attributes(&config), ["acl"]);
    }

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    fn rotating(expires_in: Value<String>, every: &str, before: &str, overlap: &str) -> State {
        let optional = |duration: &str| match duration {
            "" => Value::Null,
            duration => text(duration),
        };
        State {
            expires_in,
            rotation: Value::Value(Rotation {
                every: optional(every),
                before_expiry: optional(before),
                overlap: optional(overlap),
            }),
            ..config()
        }
    }

    #[test]
    fn a_rotation_that_fits_its_lifetime_is_valid() {
        assert!(invalid_attributes(&rotating(text("90d"), "30d", "14d", "48h")).is_empty());
        assert!(invalid_attributes(&rotating(Value::Null, "30d", "", "48h")).is_empty());
        assert!(invalid_attributes(&rotating(Value::Unknown, "30d", "14d", "48h")).is_empty());
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
            let invalid = invalid_attributes(&config);
            assert!(
                matches!(&invalid[..], [path] if path.contains(attribute)),
                "{attribute}: {invalid:?}"
            );
        }
    }

    #[test]
    fn a_date_and_a_lifetime_conflict() {
        let config = State {
            expiration_date: text("2037-12-31T00:00:00Z"),
            expires_in: text("90d"),
            ..config()
        };
        assert_eq!(invalid_attributes(&config), ["expires_in"]);
    }
}
