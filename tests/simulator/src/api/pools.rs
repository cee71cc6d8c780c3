//! `/pools`: the pools, whose permissions hold for their members too.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::call::{Allowed, Call, Check, Interrupt, Lock, Method};
use crate::config::Pool;
use crate::grammar::split_list;
use crate::result::Failure;
use crate::schema::{Grammar, Property};

const POOL: &str = "/pools/{poolid}";
const POOLID: Property = Property::text("poolid", Grammar::PoolId);
const ALLOCATE: Allowed = Allowed::Check(Check::Privileges("/pool/{poolid}", &["Pool.Allocate"]));

pub(super) const METHODS: &[Method] = &[
    Method::get("/pools", list),
    Method::write("POST", "/pools", create)
        .allowed(ALLOCATE)
        .properties(&[POOLID, Property::string("comment").optional()]),
    Method::write("PUT", POOL, update)
        .allowed(ALLOCATE)
        .properties(&[
            POOLID,
            Property::string("vms").optional(),
            Property::string("storage").optional(),
            Property::boolean("delete").optional(),
        ]),
    Method::write("DELETE", POOL, remove)
        .allowed(ALLOCATE)
        .properties(&[POOLID]),
];

const fn lock(purpose: &'static str) -> Lock {
    Lock {
        purpose,
        tokens: false,
    }
}

fn missing(name: &str) -> Failure {
    Failure::die(format!("pool '{name}' does not exist\n"))
}

fn list(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let config = &call.state.config;
    let visible = |name: &&String| {
        let path = format!("/pool/{name}");
        config.check(call.id, &path, &["Pool.Audit"]).is_ok()
    };
    let pools = config.pools.keys().filter(visible);
    Ok(pools.map(|name| json!({ "poolid": name })).collect())
}

fn create(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("poolid").to_owned();
    call.change(lock("create pool failed"), |config, _| {
        if config.pools.contains_key(&name) {
            return Err(Failure::die(format!("pool '{name}' already exists\n")));
        }
        config.pools.insert(name, Pool::default());
        Ok(Value::Null)
    })
}

fn update(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("poolid").to_owned();
    let paths = |parameter: &str, top: &str| -> Vec<String> {
        split_list(call.text(parameter).unwrap_or_default())
            .into_iter()
            .map(|member| format!("{top}/{member}"))
            .collect()
    };
    let members: BTreeSet<String> = paths("vms", "/vms")
        .into_iter()
        .chain(paths("storage", "/storage"))
        .collect();
    let delete = call.flag("delete");
    call.change(lock("update pools failed"), |config, _| {
        let pool = config.pools.get_mut(&name).ok_or_else(|| missing(&name))?;
        match delete {
            true => pool.members.retain(|member| !members.contains(member)),
            false => pool.members.extend(members),
        }
        Ok(Value::Null)
    })
}

/// What was granted at a pool goes with it (533-pool-permissions).
fn remove(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let name = call.required("poolid").to_owned();
    call.change(lock("delete pool failed"), |config, _| {
        let pool = config.pools.remove(&name).ok_or_else(|| missing(&name))?;
        if let Some(member) = pool.members.first() {
            let kind = if member.starts_with("/vms/") {
                "VMs"
            } else {
                "storage"
            };
            let text = format!("pool '{name}' is not empty (contains {kind})\n");
            return Err(Failure::die(text));
        }
        config.acl.remove(&format!("/pool/{name}"));
        Ok(Value::Null)
    })
}
