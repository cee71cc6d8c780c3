//! `/access/tfa`: the second factors of users.

use serde_json::{Value, json};

use crate::call::{Allowed, Call, Check, Groups, Interrupt, Method};
use crate::random;
use crate::result::Failure;
use crate::schema::{Grammar, Property};

const READERS: Allowed = Allowed::Check(Check::Or(&[
    Check::Myself,
    Check::UserGroup(&["User.Modify", "Sys.Audit"], Groups::Ignored),
]));
const KINDS: &[&str] = &["totp", "u2f", "webauthn", "recovery", "yubico"];

pub(super) const METHODS: &[Method] = &[
    Method::get("/access/tfa", list).protected(),
    Method::get("/access/tfa/{userid}", read)
        .protected()
        .allowed(READERS)
        .properties(&[Property::userid()]),
    Method::write("POST", "/access/tfa/{userid}", add)
        .tickets_only()
        .allowed(Allowed::Check(Check::Or(&[
            Check::Myself,
            Check::UserGroup(&["User.Modify"], Groups::Ignored),
        ])))
        .properties(&[
            Property::userid(),
            Property::text("type", Grammar::OneOf(KINDS)),
            Property::string("description").most(255).optional(),
            Property::string("totp").optional(),
            Property::string("value").optional(),
            Property::string("challenge").optional(),
            Property::string("password").least(5).most(64).optional(),
        ]),
    Method::get("/access/users/{userid}/tfa", types)
        .protected()
        .allowed(READERS)
        .properties(&[Property::userid(), Property::boolean("multiple").optional()]),
    Method::write("PUT", "/access/users/{userid}/unlock-tfa", unlock)
        .allowed(Allowed::Check(Check::UserGroup(
            &["User.Modify"],
            Groups::Ignored,
        )))
        .properties(&[Property::userid()]),
];

fn list(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let audit =
        call.state
            .config
            .check_any(call.id, "/access/groups", &["User.Modify", "Sys.Audit"]);
    let visible = |userid: &str| audit.is_ok() || userid == call.id;
    let users = call
        .state
        .second_factors
        .iter()
        .filter(|(userid, _)| visible(userid));
    let users = users.map(|(userid, factors)| {
        let mut entry = json!({ "userid": userid, "entries": factors.entries() });
        if factors.is_locked() {
            entry["totp-locked"] = json!(true);
        }
        entry
    });
    Ok(users.collect())
}

fn read(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let factors = call.state.second_factors.get(call.required("userid"));
    Ok(json!(
        factors.map(|factors| factors.entries()).unwrap_or_default()
    ))
}

fn types(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let factors = call.state.second_factors.get(call.required("userid"));
    let entries = factors.map(|factors| factors.entries()).unwrap_or_default();
    let kinds: Vec<Value> = entries
        .into_iter()
        .map(|entry| entry["type"].clone())
        .collect();
    Ok(if call.flag("multiple") {
        json!({ "user": kinds })
    } else {
        json!({})
    })
}

fn add(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let userid = call.required("userid").to_owned();
    super::password::confirm(call, &userid, "password")?;
    match call.required("type") {
        "recovery" => {
            let key = || {
                let hex = data_encoding::HEXLOWER.encode(&random::bytes::<8>());
                [&hex[..4], &hex[4..8], &hex[8..12], &hex[12..]].join("-")
            };
            let keys: Vec<String> = std::iter::repeat_with(key).take(10).collect();
            call.state.enable_recovery(&userid, &keys);
            Ok(json!({ "id": "recovery", "recovery": keys }))
        }
        kind => Err(Failure::die(format!("adding '{kind}' is not simulated\n")).into()),
    }
}

fn unlock(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let userid = call.required("userid").to_owned();
    let factors = call.state.second_factors.get_mut(&userid);
    let unlocked = factors.is_some_and(|factors| factors.unlock());
    Ok(json!(u8::from(unlocked)))
}
