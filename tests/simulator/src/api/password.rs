//! `/access/password`: changing a password.

use serde_json::Value;

use crate::call::{Allowed, Call, Check, Groups, Interrupt, Method};
use crate::grammar;
use crate::result::Failure;
use crate::schema::Property;

pub(super) const METHODS: &[Method] = &[Method::write("PUT", "/access/password", change)
    .tickets_only()
    .allowed(Allowed::Check(Check::Or(&[
        Check::Myself,
        Check::And(&[
            Check::AllocateUser,
            Check::UserGroup(&["User.Modify"], Groups::Ignored),
        ]),
    ])))
    .properties(&[
        Property::userid(),
        Property::string("password").least(8).most(64),
        Property::string("confirmation-password")
            .least(5)
            .most(64)
            .optional(),
    ])];

/// Who is not root confirms a change with its own password.
pub(super) fn confirm(call: &Call<'_>, userid: &str, parameter: &str) -> Result<(), Failure> {
    call.state.config.user(userid)?;
    if call.id == "root@pam" {
        return Ok(());
    }
    if userid == "root@pam" {
        return Err(Failure::permission(""));
    }
    let Some(password) = call.text(parameter) else {
        return Err(Failure::parameter(
            parameter,
            "password is required to modify user",
        ));
    };
    match call.state.passwords.get(call.id) {
        Some(known) if known == password => Ok(()),
        Some(_) => Err(Failure::die("invalid credentials\n")),
        None => Err(Failure::die("no password set\n")),
    }
}

fn change(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let userid = call.required("userid").to_owned();
    confirm(call, &userid, "confirmation-password")?;
    let (_, realm) = grammar::verify_username(&userid).map_err(Failure::die)?;
    if call.id != "root@pam" && call.id != userid && realm == "pam" {
        return Err(Failure::permission("").into());
    }
    if !call.state.realms.contains_key(realm) {
        return Err(Failure::die(format!("auth domain '{realm}' does not exist\n")).into());
    }
    let password = call.required("password").to_owned();
    call.state.passwords.insert(userid, password);
    Ok(Value::Null)
}
