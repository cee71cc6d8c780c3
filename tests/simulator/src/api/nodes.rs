//! `/nodes`: the nodes, their status and certificates.

use serde_json::{Value, json};

use crate::call::{Allowed, Call, Check, Interrupt, Method};
use crate::schema::{Grammar, Property};
use crate::state::Node;

const NODE: Property = Property::text("node", Grammar::Node);
const AUDIT: Allowed = Allowed::Check(Check::Privileges("/nodes/{node}", &["Sys.Audit"]));

pub(super) const METHODS: &[Method] = &[
    Method::get("/nodes", list),
    Method::get("/nodes/{node}", index).properties(&[NODE]),
    Method::get("/nodes/{node}/version", |call| {
        let (version, release, repoid) = call.state.version.identity();
        Ok(json!({ "version": version, "release": release, "repoid": repoid }))
    })
    .properties(&[NODE]),
    Method::get("/nodes/{node}/status", status)
        .allowed(AUDIT)
        .properties(&[NODE]),
    Method::get("/nodes/{node}/time", |call| {
        let now = call.state.now();
        Ok(json!({ "timezone": "UTC", "time": now, "localtime": now }))
    })
    .allowed(AUDIT)
    .properties(&[NODE]),
    Method::get("/nodes/{node}/certificates/info", certificates)
        .protected()
        .properties(&[NODE]),
];

/// A node as lists show it; figures only to those who may audit it.
pub(super) fn summary(call: &Call<'_>, node: &Node) -> Value {
    let mut entry = json!({
        "id": format!("node/{}", node.name),
        "node": node.name,
        "type": "node",
        "status": status_of(node),
    });
    if !node.online || !node.reports {
        return entry;
    }
    entry["level"] = json!("");
    let path = format!("/nodes/{}", node.name);
    let audit = call.state.config.check(call.id, &path, &["Sys.Audit"]);
    if audit.is_ok() {
        let figures = [
            ("maxcpu", json!(2)),
            ("maxmem", json!(25_276_510_208_u64)),
            ("maxdisk", json!(270_553_174_016_u64)),
            ("uptime", json!(2124)),
            ("cpu", json!(0.0447)),
            ("mem", json!(648_630_272)),
            ("disk", json!(14_295_556_096_u64)),
        ];
        for (name, figure) in figures {
            entry[name] = figure;
        }
    }
    entry
}

/// Only the member list says `offline`; a node that is there without figures is `unknown`.
fn status_of(node: &Node) -> &'static str {
    match (node.online, node.reports) {
        (false, _) => "offline",
        (true, true) => "online",
        (true, false) => "unknown",
    }
}

fn list(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let nodes = call.state.nodes.iter().map(|node| {
        let mut entry = summary(call, node);
        let joined = call.state.fingerprints.get(&node.name);
        let fingerprint = joined.unwrap_or(&call.certificate.fingerprint);
        entry["ssl_fingerprint"] = json!(node.online.then_some(fingerprint));
        entry
    });
    Ok(nodes.collect())
}

fn index(_: &mut Call<'_>) -> Result<Value, Interrupt> {
    let names = [
        "aplinfo",
        "apt",
        "capabilities",
        "ceph",
        "certificates",
        "config",
        "disks",
        "dns",
        "firewall",
        "hardware",
        "hosts",
        "journal",
        "lxc",
        "migrateall",
        "netstat",
        "network",
        "qemu",
        "query-oci-repo-tags",
        "query-url-metadata",
        "replication",
        "report",
        "rrd",
        "rrddata",
        "scan",
        "sdn",
        "services",
        "spiceshell",
        "startall",
        "status",
        "stopall",
        "storage",
        "subscription",
        "suspendall",
        "syslog",
        "tasks",
        "termproxy",
        "time",
        "version",
        "vncshell",
        "vzdump",
        "wakeonlan",
    ];
    Ok(names.iter().map(|name| json!({ "name": name })).collect())
}

fn status(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let (version, _, repoid) = call.state.version.identity();
    Ok(json!({
        "uptime": 2124,
        "idle": 0,
        "loadavg": ["0.10", "0.08", "0.05"],
        "kversion": "Linux 6.17.2-1-pve #1 SMP",
        "current-kernel": {
            "sysname": "Linux", "release": "6.17.2-1-pve", "version": "#1 SMP", "machine": "x86_64",
        },
        "boot-info": { "mode": "efi", "secureboot": 0 },
        "cpuinfo": {
            "cores": 2, "cpus": 2, "sockets": 1, "model": "Simulated", "mhz": "2000.000",
            "hvm": "1", "flags": "", "user_hz": 100,
        },
        "cpu": 0.0447,
        "wait": 0,
        "memory": {
            "total": 25_276_510_208_u64, "used": 648_630_272, "free": 24_000_000_000_u64,
            "available": 24_500_000_000_u64,
        },
        "swap": { "total": 0, "used": 0, "free": 0 },
        "ksm": { "shared": 0 },
        "pveversion": format!("pve-manager/{version}/{repoid}"),
        "rootfs": {
            "total": 270_553_174_016_u64, "used": 14_295_556_096_u64,
            "avail": 250_000_000_000_u64, "free": 256_257_617_920_u64,
        },
    }))
}

fn certificates(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let certificate = call.certificate;
    Ok(json!([{
        "filename": "pve-ssl.pem",
        "fingerprint": certificate.fingerprint,
        "subject": format!("/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={}", call.node.unwrap_or_else(|| call.state.local_node())),
        "issuer": "/CN=Proxmox Virtual Environment/O=PVE Cluster Manager CA",
        "san": certificate.names,
        "notbefore": certificate.not_before,
        "notafter": certificate.not_after,
        "pem": certificate.pem,
        "public-key-type": "ecdsa",
        "public-key-bits": 256,
    }]))
}
