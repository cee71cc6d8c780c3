//! `/access/roles`: the roles, built in and made.

use serde_json::{Map, Value, json};

use crate::call::{Allowed, Call, Check, Interrupt, Lock, Method};
use crate::config::UserConfig;
use crate::grammar::split_list;
use crate::result::Failure;
use crate::roles::Privileges;
use crate::schema::{Grammar, Property};

const ROLEID: Property = Property::text("roleid", Grammar::RoleId);
const PRIVS: Property = Property::text("privs", Grammar::Privileges).optional();
const MODIFY: Allowed = Allowed::Check(Check::Privileges("/access", &["Sys.Modify"]));
const ROLE: &str = "/access/roles/{roleid}";

pub(super) const METHODS: &[Method] = &[
    Method::get("/access/roles", list),
    Method::write("POST", "/access/roles", create)
        .allowed(MODIFY)
        .properties(&[ROLEID, PRIVS]),
    Method::get(ROLE, read).properties(&[ROLEID]),
    Method::write("PUT", ROLE, update)
        .allowed(MODIFY)
        .properties(&[
            ROLEID,
            PRIVS,
            Property::boolean("append").requires("privs").optional(),
        ]),
    Method::write("DELETE", ROLE, remove)
        .allowed(MODIFY)
        .properties(&[ROLEID]),
];

fn list(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let config = &call.state.config;
    let built_in = config.built_in_roles.iter().map(|role| (role, 1));
    let roles = built_in.chain(config.roles.iter().map(|role| (role, 0)));
    let roles = roles.map(|((name, privileges), special)| {
        let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
        json!({ "roleid": name, "privs": privileges.join(","), "special": special })
    });
    Ok(roles.collect())
}

fn missing(name: &str) -> Failure {
    Failure::die(format!("role '{name}' does not exist\n"))
}

fn read(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("roleid");
    let privileges = call.state.config.role(name).ok_or_else(|| missing(name))?;
    let privileges = privileges
        .iter()
        .map(|privilege| (privilege.clone(), json!(1)));
    Ok(Value::Object(privileges.collect::<Map<_, _>>()))
}

fn refuse_built_in(config: &UserConfig, name: &str, change: &str) -> Result<(), Failure> {
    if config.built_in_roles.contains_key(name) {
        return Err(Failure::die(format!(
            "auto-generated role '{name}' cannot be {change}\n"
        )));
    }
    Ok(())
}

fn privileges(call: &Call<'_>) -> Privileges {
    split_list(call.text("privs").unwrap_or_default())
        .into_iter()
        .map(str::to_owned)
        .collect()
}

fn create(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("roleid").to_owned();
    if name
        .get(..3)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("PVE"))
    {
        let text = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace";
        return Err(Failure::parameter("roleid", text).into());
    }
    let privileges = privileges(call);
    call.change(
        Lock {
            purpose: "create role failed",
            tokens: false,
        },
        |config, _| {
            if config.role(&name).is_some() {
                return Err(Failure::die(format!("role '{name}' already exists\n")));
            }
            config.roles.insert(name, privileges);
            Ok(Value::Null)
        },
    )
}

fn update(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("roleid").to_owned();
    refuse_built_in(&call.state.config, &name, "modified")?;
    let (privileges, append) = (privileges(call), call.flag("append"));
    call.change(
        Lock {
            purpose: "update role failed",
            tokens: false,
        },
        |config, _| {
            let role = config.roles.get_mut(&name).ok_or_else(|| missing(&name))?;
            if !append {
                role.clear();
            }
            role.extend(privileges);
            Ok(Value::Null)
        },
    )
}

fn remove(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("roleid").to_owned();
    refuse_built_in(&call.state.config, &name, "deleted")?;
    call.change(
        Lock {
            purpose: "delete role failed",
            tokens: false,
        },
        |config, _| {
            config.roles.remove(&name).ok_or_else(|| missing(&name))?;
            Ok(Value::Null)
        },
    )
}
