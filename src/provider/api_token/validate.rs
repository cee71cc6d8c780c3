//! What a configuration can get wrong, found before anything connects.

use std::collections::BTreeSet;

use tf_provider::{AttributePath, Diagnostics, value::Value};

use super::{
    acl::{AclEntry, entries},
    state::State,
};
use crate::{
    framework::Report,
    provider::instant,
    pve::{TokenName, UserId},
};

/// Reports everything that is wrong with a configuration.
pub fn validate(config: &State, diags: &mut Diagnostics) {
    validate_owner(config, diags);
    if let Value::Value(name) = &config.token_name
        && let Err(error) = name.parse::<TokenName>()
    {
        malformed("token_name", &error, diags);
    }
    if let Value::Value(date) = &config.expiration_date
        && let Err(problem) = instant::parse(date)
    {
        malformed("expiration_date", &problem, diags);
    }
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
        AttributePath::new(attribute),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
