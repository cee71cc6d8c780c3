//! `/access/domains`: the realms. Its list needs no authentication.

use serde_json::{Map, Value, json};

use crate::call::{Allowed, Call, Check, Interrupt, Method};
use crate::result::Failure;
use crate::schema::{Grammar, Property};
use crate::state::Realm;

const REALM: Property = Property::text("realm", Grammar::Realm).most(32);
const KINDS: &[&str] = &["ad", "ldap", "openid", "pam", "pve"];
const ALLOCATE: Allowed = Allowed::Check(Check::Privileges("/access/realm", &["Realm.Allocate"]));

pub(super) const METHODS: &[Method] = &[
    Method::get("/access/domains", list).allowed(Allowed::Preconditions),
    Method::get("/access/domains/{realm}", read)
        .allowed(Allowed::Check(Check::AnyPrivilege(
            "/access/realm",
            &["Realm.Allocate", "Sys.Audit"],
        )))
        .properties(&[REALM]),
    Method::write("POST", "/access/domains", create)
        .allowed(ALLOCATE)
        .properties(&[
            REALM,
            Property::text("type", Grammar::OneOf(KINDS)),
            Property::string("comment").optional(),
            Property::string("server1").optional(),
            Property::string("base_dn").optional(),
            Property::string("user_attr").optional(),
        ]),
    Method::write("DELETE", "/access/domains/{realm}", remove)
        .allowed(ALLOCATE)
        .properties(&[REALM]),
];

fn shown(realm: &Realm) -> Map<String, Value> {
    let mut shown = Map::from_iter([("type".to_owned(), json!(realm.kind))]);
    if let Some(comment) = &realm.comment {
        shown.insert("comment".into(), json!(comment));
    }
    shown
}

fn list(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let realms = call.state.realms.iter().map(|(name, realm)| {
        let mut entry = shown(realm);
        entry.insert("realm".into(), json!(name));
        Value::Object(entry)
    });
    Ok(realms.collect())
}

/// Realms have a file of their own, whose lock is never in the way here.
fn create(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("realm").to_owned();
    let realm = Realm {
        kind: call.required("type").to_owned(),
        comment: call.text("comment").map(str::to_owned),
    };
    if call.state.realms.contains_key(&name) {
        let text = format!("add auth server failed: domain '{name}' already exists\n");
        return Err(Failure::die(text).into());
    }
    call.state.realms.insert(name, realm);
    Ok(Value::Null)
}

/// Users of the realm stay, and their tokens work (517-user-of-removed-realm).
fn remove(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("realm").to_owned();
    let removed = call.state.realms.remove(&name);
    removed.map(|_| Value::Null).ok_or_else(|| {
        let text = format!("delete auth server failed: domain '{name}' does not exist\n");
        Failure::die(text).into()
    })
}

fn read(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("realm");
    let realm = call.state.realms.get(name);
    let realm = realm.ok_or_else(|| Failure::die(format!("domain '{name}' does not exist\n")))?;
    let mut response = shown(realm);
    response.insert(
        "digest".into(),
        json!("da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    );
    Ok(Value::Object(response))
}
