//! `/access/groups`: the groups.

use serde_json::{Map, Value, json};

use crate::call::{Allowed, Call, Check, Interrupt, Lock, Method};
use crate::config::{Group, Subject};
use crate::result::Failure;
use crate::schema::{Grammar, Property};

const GROUPID: Property = Property::text("groupid", Grammar::GroupId);
const COMMENT: Property = Property::string("comment").optional();
const ALLOCATE: Allowed = Allowed::Check(Check::Privileges("/access/groups", &["Group.Allocate"]));
const GROUP: &str = "/access/groups/{groupid}";

pub(super) const METHODS: &[Method] = &[
    Method::get("/access/groups", list),
    Method::write("POST", "/access/groups", create)
        .allowed(ALLOCATE)
        .properties(&[GROUPID, COMMENT]),
    Method::get(GROUP, read)
        .allowed(Allowed::Check(Check::AnyPrivilege(
            "/access/groups",
            &["Sys.Audit", "Group.Allocate"],
        )))
        .properties(&[GROUPID]),
    Method::write("PUT", GROUP, update)
        .allowed(ALLOCATE)
        .properties(&[GROUPID, COMMENT]),
    Method::write("DELETE", GROUP, remove)
        .allowed(ALLOCATE)
        .properties(&[GROUPID]),
];

fn list(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let config = &call.state.config;
    let visible = config.groups_with(call.id, &["User.Modify", "Sys.Audit", "Group.Allocate"]);
    let groups = config
        .groups
        .iter()
        .filter(|(name, _)| visible.contains(name.as_str()));
    let groups = groups.map(|(name, group)| {
        let users: Vec<&str> = group.users.iter().map(String::as_str).collect();
        let mut entry = Map::new();
        entry.insert("groupid".into(), json!(name));
        entry.insert("users".into(), json!(users.join(",")));
        if let Some(comment) = &group.comment {
            entry.insert("comment".into(), json!(comment));
        }
        Value::Object(entry)
    });
    Ok(groups.collect())
}

fn read(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("groupid");
    call.state.config.check_group(name)?;
    let group = call
        .state
        .config
        .groups
        .get(name)
        .cloned()
        .unwrap_or_default();
    let mut response = Map::from_iter([("members".to_owned(), json!(group.users))]);
    if let Some(comment) = group.comment {
        response.insert("comment".into(), json!(comment));
    }
    Ok(Value::Object(response))
}

fn create(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("groupid").to_owned();
    let comment = call.text("comment").map(str::to_owned);
    call.change(
        Lock {
            purpose: "create group failed",
            tokens: false,
        },
        |config, _| {
            if config.groups.contains_key(&name) {
                return Err(Failure::die(format!("group '{name}' already exists\n")));
            }
            config.groups.insert(
                name,
                Group {
                    comment,
                    ..Group::default()
                },
            );
            Ok(Value::Null)
        },
    )
}

fn update(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("groupid").to_owned();
    let comment = call.text("comment").map(str::to_owned);
    call.change(
        Lock {
            purpose: "update group failed",
            tokens: false,
        },
        |config, _| {
            config.check_group(&name)?;
            if let (Some(group), Some(comment)) = (config.groups.get_mut(&name), comment) {
                group.comment = Some(comment);
            }
            Ok(Value::Null)
        },
    )
}

fn remove(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("groupid").to_owned();
    call.change(
        Lock {
            purpose: "delete group failed",
            tokens: false,
        },
        |config, _| {
            config.check_group(&name)?;
            config.groups.remove(&name);
            config.revoke_all(|subject| *subject == Subject::Group(name.clone()));
            Ok(Value::Null)
        },
    )
}
