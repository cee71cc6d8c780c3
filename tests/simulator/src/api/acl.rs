//! `/access/acl`: who is granted which role where.

use serde_json::{Value, json};

use crate::call::{Allowed, Call, Check, Interrupt, Lock, Method};
use crate::config::{Subject, UserConfig};
use crate::grammar::{self, split_list};
use crate::permissions::Granted;
use crate::result::Failure;
use crate::schema::{Grammar, Property};

pub(super) const METHODS: &[Method] = &[
    Method::get("/access/acl", list),
    Method::write("PUT", "/access/acl", update)
        .allowed(Allowed::Check(Check::PermissionsModify))
        .properties(&[
            Property::boolean("propagate").optional(),
            Property::string("path"),
            Property::text("users", Grammar::UserIds).optional(),
            Property::text("groups", Grammar::GroupIds).optional(),
            Property::text("tokens", Grammar::TokenIds).optional(),
            Property::text("roles", Grammar::RoleIds),
            Property::boolean("delete").optional(),
        ]),
];

/// The entries, or without `Sys.Audit` on `/access` those whose path one may change.
fn list(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let config = &call.state.config;
    let audit = config.check(call.id, "/access", &["Sys.Audit"]).is_ok();
    let mut entries = Vec::new();
    for (path, grants) in &config.acl {
        if !audit && config.check_perm_modify(call.id, path).is_err() {
            continue;
        }
        for (subject, roles) in grants {
            let (kind, id) = subject.kind_and_id();
            entries.extend(roles.iter().map(|(role, &propagate)| {
                json!({
                    "path": path,
                    "type": kind,
                    "ugid": id,
                    "roleid": role,
                    "propagate": u8::from(propagate),
                })
            }));
        }
    }
    Ok(Value::Array(entries))
}

/// One change, read from the parameters.
struct Change {
    path: String,
    roles: Vec<String>,
    subjects: Vec<Subject>,
    propagate: bool,
    delete: bool,
}

fn read_change(call: &Call<'_>) -> Result<Change, Failure> {
    let ids = |name: &str| -> Vec<String> {
        split_list(call.text(name).unwrap_or_default())
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    let targets = ["users", "groups", "tokens"];
    if targets.iter().all(|name| call.required(name).is_empty()) {
        let text = "either 'users', 'groups' or 'tokens' is required.";
        let errors = targets
            .iter()
            .map(|&name| (name.to_owned(), text.to_owned()));
        return Err(Failure::parameters(errors.collect()));
    }
    let given = call.required("path");
    let delete = call.flag("delete");
    let path = grammar::normalize_path(given)
        .filter(|path| delete || grammar::is_acl_path(path))
        .ok_or_else(|| Failure::parameter("path", format!("invalid ACL path '{given}'")))?;
    let groups = ids("groups").into_iter().map(Subject::Group);
    let users = ids("users").into_iter().map(Subject::User);
    let tokens = ids("tokens").into_iter().map(Subject::Token);
    Ok(Change {
        path,
        roles: ids("roles"),
        subjects: groups.chain(users).chain(tokens).collect(),
        propagate: call
            .text("propagate")
            .is_none_or(|propagate| propagate == "1"),
        delete,
    })
}

/// Who may not change all permissions may only hand out what it has itself.
fn check_role(
    config: &UserConfig,
    change: &Change,
    role: &str,
    mine: &Granted,
) -> Result<(), Failure> {
    let privileges = config
        .role(role)
        .ok_or_else(|| Failure::die(format!("role '{role}' does not exist\n")))?;
    if mine.contains_key("Permissions.Modify") {
        return Ok(());
    }
    let verb = if change.delete { "remove" } else { "add" };
    let refuse = |why: &str| {
        Err(Failure::parameter(
            "role",
            format!("Cannot {verb} role '{role}'{why}"),
        ))
    };
    for privilege in privileges {
        match mine.get(privilege) {
            None => return refuse(" - requires 'Permissions.Modify' or superset of privileges."),
            Some(false) if change.propagate && !change.delete => {
                return refuse(
                    " with propagation - requires 'Permissions.Modify' \
                     or propagated superset of privileges.",
                );
            }
            Some(_) => {}
        }
    }
    if role == "NoAccess" {
        return refuse(" - requires 'Permissions.Modify'");
    }
    Ok(())
}

fn check_subject(config: &UserConfig, subject: &Subject) -> Result<(), Failure> {
    match subject {
        Subject::Group(name) => config.check_group(name),
        Subject::User(id) if config.users.contains_key(id) => Ok(()),
        Subject::User(id) => Err(Failure::die(format!("user '{id}' does not exist\n"))),
        Subject::Token(id) => {
            let (userid, name) = grammar::split_token(id).unwrap_or((id, ""));
            config.token(userid, name).map(|_| ())
        }
    }
}

fn update(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let change = read_change(call)?;
    let mine = call.state.config.permissions(call.id, &change.path);
    call.change(
        Lock {
            purpose: "ACL update failed",
            tokens: false,
        },
        |config, _| {
            for role in &change.roles {
                check_role(config, &change, role, &mine)?;
                for subject in &change.subjects {
                    check_subject(config, subject)?;
                    if change.delete {
                        config.revoke(&change.path, subject, role);
                    } else {
                        config.grant(&change.path, subject.clone(), role, change.propagate);
                    }
                }
            }
            Ok(Value::Null)
        },
    )
}
