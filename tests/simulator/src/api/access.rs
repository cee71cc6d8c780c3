//! The root of the API, its version, `/access` itself and `/access/permissions`.

use serde_json::{Value, json};

use crate::call::{Call, Interrupt, Method, subdirs};
use crate::grammar;
use crate::schema::{Grammar, Property};

pub(super) const METHODS: &[Method] = &[
    Method::get("/", |_| {
        Ok(subdirs(&[
            "version", "cluster", "nodes", "storage", "access", "pools",
        ]))
    }),
    Method::get("/version", version),
    Method::get("/access", |_| {
        Ok(subdirs(&[
            "users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "password",
        ]))
    }),
    Method::get("/access/permissions", permissions).properties(&[
        Property::text("userid", Grammar::UserOrToken).optional(),
        Property::string("path").optional(),
    ]),
    Method::get("/storage", |_| Ok(json!([]))),
];

fn version(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let (version, release, repoid) = call.state.version.identity();
    Ok(json!({ "version": version, "release": release, "repoid": repoid }))
}

/// Effective permissions of oneself, of one's own token, or (with `Sys.Audit`) of anyone.
fn permissions(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let config = &call.state.config;
    let asked = call.text("userid").unwrap_or(call.id);
    let owned = grammar::split_token(asked).is_some_and(|(userid, _)| userid == call.id);
    if asked != call.id && !owned {
        config.check(call.id, "/access", &["Sys.Audit"])?;
    }
    let shown = |granted: crate::permissions::Granted| -> Value {
        let granted = granted
            .into_iter()
            .map(|(name, propagate)| (name, json!(u8::from(propagate))));
        Value::Object(granted.collect())
    };
    if let Some(path) = call.text("path").filter(|path| !path.is_empty()) {
        return Ok(json!({ path: shown(config.permissions(asked, path)) }));
    }
    let all = config.effective_permissions(asked).into_iter();
    Ok(Value::Object(
        all.map(|(path, granted)| (path, shown(granted))).collect(),
    ))
}
