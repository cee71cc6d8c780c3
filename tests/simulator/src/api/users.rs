//! `/access/users`: the users.

use serde_json::{Map, Value, json};

use crate::call::{Allowed, Call, Check, Groups, Interrupt, Lock, Method};
use crate::config::{Subject, User, UserConfig, stored_expire};
use crate::grammar::{self, split_list};
use crate::params::Params;
use crate::result::Failure;
use crate::schema::{Grammar, Property};

const READERS: &[&str] = &["User.Modify", "Sys.Audit"];
const USER: &str = "/access/users/{userid}";
const ENABLE: Property = Property::boolean("enable").optional();
const EXPIRE: Property = Property::integer("expire").minimum(0).optional();
const FIRSTNAME: Property = Property::string("firstname").most(1024).optional();
const LASTNAME: Property = Property::string("lastname").most(1024).optional();
const EMAIL: Property = Property::text("email", Grammar::Email).most(254).optional();
const COMMENT: Property = Property::string("comment").most(2048).optional();
const KEYS: Property = Property::text("keys", Grammar::Keys).optional();
const GROUPS: Property = Property::text("groups", Grammar::GroupIds).optional();

pub(super) const METHODS: &[Method] = &[
    Method::get("/access/users", list).protected().properties(&[
        Property::boolean("enabled").optional(),
        Property::boolean("full").optional(),
    ]),
    Method::write("POST", "/access/users", create)
        .allowed(Allowed::Check(Check::And(&[
            Check::AllocateUser,
            Check::UserGroup(&["User.Modify"], Groups::Create),
        ])))
        .properties(&[
            Property::userid(),
            ENABLE,
            EXPIRE,
            FIRSTNAME,
            LASTNAME,
            EMAIL,
            COMMENT,
            KEYS,
            Property::string("password").least(8).most(64).optional(),
            GROUPS,
        ]),
    Method::get(USER, read)
        .allowed(Allowed::Check(Check::UserGroup(READERS, Groups::Ignored)))
        .properties(&[Property::userid()]),
    Method::write("PUT", USER, update)
        .allowed(Allowed::Check(Check::UserGroup(
            &["User.Modify"],
            Groups::Update,
        )))
        .properties(&[
            Property::userid(),
            ENABLE,
            EXPIRE,
            FIRSTNAME,
            LASTNAME,
            EMAIL,
            COMMENT,
            KEYS,
            GROUPS,
            Property::boolean("append").requires("groups").optional(),
        ]),
    Method::write("DELETE", USER, remove)
        .allowed(Allowed::Check(Check::And(&[
            Check::AllocateUser,
            Check::UserGroup(&["User.Modify"], Groups::Ignored),
        ])))
        .properties(&[Property::userid()]),
];

fn shown(user: &User) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("enable".into(), json!(u8::from(user.enabled)));
    shown.insert("expire".into(), json!(user.expire));
    for (name, text) in [
        ("firstname", &user.firstname),
        ("lastname", &user.lastname),
        ("email", &user.email),
        ("comment", &user.comment),
        ("keys", &user.keys),
    ] {
        if let Some(text) = text {
            shown.insert(name.into(), json!(text));
        }
    }
    shown
}

fn groups_of<'a>(config: &'a UserConfig, userid: &str) -> Vec<&'a str> {
    let member = |(_, group): &(&String, &crate::config::Group)| group.users.contains(userid);
    config
        .groups
        .iter()
        .filter(member)
        .map(|(name, _)| name.as_str())
        .collect()
}

fn list(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let config = &call.state.config;
    let all = config.check_any(call.id, "/access/groups", READERS).is_ok();
    let groups = config.groups_with(call.id, READERS);
    let full = call.flag("full");
    let enabled = call.text("enabled").map(|enabled| enabled == "1");
    let mut users = Vec::new();
    for (userid, user) in &config.users {
        let visible = all || userid == call.id || config.is_member_of_any(userid, &groups);
        if !visible || enabled.is_some_and(|enabled| enabled != user.enabled) {
            continue;
        }
        let mut entry = shown(user);
        entry.insert("userid".into(), json!(userid));
        if full {
            entry.insert("groups".into(), json!(groups_of(config, userid).join(",")));
            entry.insert("tokens".into(), token_list(user));
        }
        let realm = grammar::split_user(userid).and_then(|(_, name)| call.state.realms.get(name));
        if let Some(realm) = realm {
            entry.insert("realm-type".into(), json!(realm.kind));
        }
        if call
            .state
            .second_factors
            .get(userid)
            .is_some_and(|factors| factors.is_locked())
        {
            entry.insert("totp-locked".into(), json!(true));
        }
        users.push(Value::Object(entry));
    }
    Ok(Value::Array(users))
}

/// The tokens of a user in the list of users: an array or null.
fn token_list(user: &User) -> Value {
    if user.tokens.is_empty() {
        return Value::Null;
    }
    let tokens = user.tokens.iter().map(|(name, token)| {
        let mut entry = super::tokens::shown(token);
        entry.insert("tokenid".into(), json!(name));
        Value::Object(entry)
    });
    tokens.collect()
}

fn read(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let userid = call.required("userid");
    let user = call.state.config.user(userid)?;
    let mut response = shown(user);
    response.insert(
        "groups".into(),
        json!(groups_of(&call.state.config, userid)),
    );
    let tokens = user
        .tokens
        .iter()
        .map(|(name, token)| (name.clone(), Value::Object(super::tokens::shown(token))));
    let tokens: Map<String, Value> = tokens.collect();
    let tokens = if tokens.is_empty() {
        Value::Null
    } else {
        Value::Object(tokens)
    };
    response.insert("tokens".into(), tokens);
    Ok(Value::Object(response))
}

/// Sets what was sent; tells whether the user survives being stored (an expiry too large a
/// number makes the server ignore the user's line, and with it the user).
fn apply(params: &Params, user: &mut User) -> bool {
    let sent = |name: &str| params.get(name).and_then(|value| value.text());
    if let Some(enable) = sent("enable") {
        user.enabled = enable == "1";
    }
    for (name, field) in [
        ("firstname", &mut user.firstname),
        ("lastname", &mut user.lastname),
        ("email", &mut user.email),
        ("comment", &mut user.comment),
        ("keys", &mut user.keys),
    ] {
        if let Some(text) = sent(name) {
            *field = Some(text.to_owned());
        }
    }
    match sent("expire").map(stored_expire) {
        Some(None) => return false,
        Some(Some(expire)) => user.expire = expire,
        None => {}
    }
    true
}

fn join_groups(config: &mut UserConfig, userid: &str, groups: &str) -> Result<(), Failure> {
    for name in split_list(groups) {
        let group = config.groups.get_mut(name);
        let group = group.ok_or_else(|| Failure::die(format!("no such group '{name}'\n")))?;
        group.users.insert(userid.to_owned());
    }
    Ok(())
}

fn create(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let userid = call.required("userid").to_owned();
    let (params, realms) = (call.params, call.state.realms.clone());
    let sent = |name: &str| params.get(name).and_then(|value| value.text());
    let lock = Lock {
        purpose: "create user failed",
        tokens: false,
    };
    call.change(lock, |config, _| {
        let (_, realm) = grammar::verify_username(&userid).map_err(Failure::die)?;
        if config.users.contains_key(&userid) {
            return Err(Failure::die(format!("user '{userid}' already exists\n")));
        }
        if sent("password").is_some() && !realms.contains_key(realm) {
            return Err(Failure::die(format!(
                "auth domain '{realm}' does not exist\n"
            )));
        }
        let mut user = User::default();
        if apply(params, &mut user) {
            config.users.insert(userid.clone(), user);
        }
        join_groups(config, &userid, sent("groups").unwrap_or_default())
    })?;
    if let Some(password) = sent("password") {
        call.state.passwords.insert(userid, password.to_owned());
    }
    Ok(Value::Null)
}

fn update(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let userid = call.required("userid").to_owned();
    let (params, append) = (call.params, call.flag("append"));
    let lock = Lock {
        purpose: "update user failed",
        tokens: false,
    };
    call.change(lock, |config, _| {
        if !apply(params, config.user_mut(&userid)?) {
            config.users.remove(&userid);
        }
        if let Some(groups) = params.get("groups").and_then(|value| value.text()) {
            if !append {
                config.leave_groups(&userid);
            }
            join_groups(config, &userid, groups)?;
        }
        Ok(Value::Null)
    })
}

fn remove(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let userid = call.required("userid").to_owned();
    let lock = Lock {
        purpose: "delete user failed",
        tokens: false,
    };
    call.change(lock, |config, _| {
        config.users.remove(&userid);
        config.leave_groups(&userid);
        config.revoke_all(|subject| *subject == Subject::User(userid.clone()));
        Ok(())
    })?;
    call.state.passwords.remove(&userid);
    call.state.second_factors.remove(&userid);
    Ok(Value::Null)
}
