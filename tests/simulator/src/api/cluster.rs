//! `/cluster`: its status and resources.

use serde_json::{Value, json};

use super::nodes;
use crate::call::{Allowed, Call, Check, Interrupt, Method};
use crate::schema::{Grammar, Property};

pub(super) const METHODS: &[Method] = &[
    Method::get("/cluster", |_| {
        let names = [
            "acme",
            "backup",
            "backup-info",
            "bulk-action",
            "ceph",
            "config",
            "firewall",
            "ha",
            "jobs",
            "log",
            "mapping",
            "metrics",
            "notifications",
            "nextid",
            "options",
            "qemu",
            "replication",
            "resources",
            "status",
            "tasks",
            "sdn",
        ];
        Ok(names.iter().map(|name| json!({ "name": name })).collect())
    }),
    Method::get("/cluster/status", status)
        .protected()
        .allowed(Allowed::Check(Check::Privileges("/", &["Sys.Audit"]))),
    Method::get("/cluster/resources", resources).properties(&[Property::text(
        "type",
        Grammar::OneOf(&["vm", "storage", "node", "sdn"]),
    )
    .optional()]),
];

fn status(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let state = &call.state;
    let mut entries = Vec::new();
    if let Some(cluster) = &state.cluster {
        entries.push(json!({
            "type": "cluster",
            "id": "cluster",
            "name": cluster.name,
            "nodes": state.nodes.len(),
            "version": 1,
            "quorate": u8::from(cluster.quorate),
        }));
    }
    for (number, node) in state.nodes.iter().enumerate() {
        let nodeid = if state.cluster.is_some() {
            number + 1
        } else {
            0
        };
        let mut entry = json!({
            "type": "node",
            "id": format!("node/{}", node.name),
            "name": node.name,
            "nodeid": nodeid,
            "local": u8::from(call.is_local(node)),
            "online": u8::from(node.online),
            "level": "",
        });
        if node.online {
            entry["ip"] = json!(node.address);
        }
        entries.push(entry);
    }
    Ok(Value::Array(entries))
}

fn resources(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let wanted = call.text("type");
    let mut entries = Vec::new();
    if wanted.is_none_or(|kind| kind == "node") {
        entries.extend(
            call.state
                .nodes
                .iter()
                .map(|node| nodes::summary(call, node)),
        );
    }
    let zone = "/sdn/zones/localnetwork";
    let audit = call
        .state
        .config
        .check(call.id, zone, &["SDN.Audit"])
        .is_ok();
    if audit && wanted.is_none_or(|kind| kind == "sdn") {
        entries.extend(call.state.nodes.iter().map(|node| {
            json!({
                "type": "network",
                "network-type": "zone",
                "network": "localnetwork",
                "id": format!("network/{}/zone/localnetwork", node.name),
                "node": node.name,
                "status": "ok",
            })
        }));
    }
    Ok(Value::Array(entries))
}
