//! `/access/domains`: the realms. Its list needs no authentication.

use serde_json::{Map, Value, json};

use crate::call::{Allowed, Call, Check, Interrupt, Method};
use crate::result::Failure;
use crate::schema::{Grammar, Property};
use crate::state::Realm;

pub(super) const METHODS: &[Method] = &[
    Method::get("/access/domains", list).allowed(Allowed::Preconditions),
    Method::get("/access/domains/{realm}", read)
        .allowed(Allowed::Check(Check::AnyPrivilege(
            "/access/realm",
            &["Realm.Allocate", "Sys.Audit"],
        )))
        .properties(&[Property::text("realm", Grammar::Realm).most(32)]),
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
