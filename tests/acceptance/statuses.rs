//! Every way a connection can be found wanting, brought about for real: the situation, the word
//! for it, the stage at which it shows, and what the remedy names.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use cli_harness::Cli;
use proxmox_simulator::{Cluster, Fault, RawAnswer, TlsOptions, nobody_listens};
use serde_json::Value;

use super::{Scenario, stage::Stage};

pub const SCENARIOS: &[Scenario] = &[("every status has its situation, stage and remedy", table)];

/// One row: how it comes about, and what the check says of it.
struct Row {
    situation: fn(&Cli) -> Stage,
    status: &'static str,
    stage: &'static str,
    remedy: &'static str,
}

const ROWS: [Row; 19] = [
    row(Stage::new, "ok", "cluster", ""),
    row(unknown_name, "dns_failure", "dns", "endpoint"),
    row(closed_port, "connection_refused", "tcp", "endpoint"),
    row(nobody_answers, "timeout", "tcp", "request_timeout"),
    row(unknown_authority, "tls_untrusted", "tls", "ca_certificate"),
    row(other_name, "tls_name_mismatch", "tls", "certificate"),
    row(expired, "tls_expired", "tls", "certificate"),
    row(
        other_pin,
        "tls_fingerprint_mismatch",
        "tls",
        "certificate_fingerprints",
    ),
    row(plain_http, "not_proxmox", "tls", "endpoint"),
    row(something_else, "not_proxmox", "proxmox", "endpoint"),
    row(
        wrong_secret,
        "unauthenticated",
        "authentication",
        "api_token",
    ),
    row(
        second_factor,
        "second_factor_required",
        "second_factor",
        "totp_secret",
    ),
    row(
        wrong_seed,
        "unauthenticated",
        "second_factor",
        "totp_secret",
    ),
    row(too_old, "unsupported_version", "authentication", "Upgrade"),
    row(
        nodes_are_secret,
        "permission_denied",
        "cluster",
        "Sys.Audit on /nodes",
    ),
    row(no_rights, "missing_privileges", "privileges", "acl"),
    row(no_quorum, "no_quorum", "cluster", "endpoint"),
    row(one_node_off, "cluster_degraded", "cluster", "node"),
    row(daemon_down, "server_error", "cluster", "pvedaemon"),
];

const fn row(
    situation: fn(&Cli) -> Stage,
    status: &'static str,
    stage: &'static str,
    remedy: &'static str,
) -> Row {
    Row {
        situation,
        status,
        stage,
        remedy,
    }
}

fn table(cli: &Cli) {
    for row in ROWS {
        let stage = (row.situation)(cli);
        stage.main(
            r#"
            data "proxmox_connection" "c" {
              required_privileges = { "/vms" = ["VM.Allocate"] }
            }
            output "c" {
              value = data.proxmox_connection.c
            }
            "#,
        );
        stage.apply();
        let found = stage.scratch.run(["output", "-json", "c"]);
        let found: Value = serde_json::from_str(&found.stdout).expect("an output");
        let stages = found["stages"].as_array().cloned().unwrap_or_default();
        let failed = stages.iter().find(|stage| stage["ok"] == false);
        let telling = failed.or(stages.last()).cloned().unwrap_or_default();
        let seen = (found["status"].as_str(), telling["name"].as_str());
        assert_eq!(seen, (Some(row.status), Some(row.stage)), "{found:#}");
        assert_eq!(found["ok"], row.status == "ok");
        let remedy = found["remedy"].as_str().unwrap_or_default();
        assert!(remedy.contains(row.remedy), "{}: {remedy}", row.status);
        assert_eq!(
            remedy.is_empty(),
            row.status == "ok",
            "{}: {remedy}",
            row.status
        );
    }
}

fn at(cli: &Cli, endpoint: &str) -> Stage {
    let mut stage = Stage::new(cli);
    stage.scratch.set("PROXMOX_VE_ENDPOINT", endpoint);
    stage.scratch.set("PROXMOX_VE_REQUEST_TIMEOUT", "2s");
    stage
}

fn without_pin(mut stage: Stage) -> Stage {
    stage.scratch.set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    stage
}

fn unknown_name(cli: &Cli) -> Stage {
    at(cli, "no-such-host.invalid")
}

fn closed_port(cli: &Cli) -> Stage {
    at(cli, &nobody_listens().expect("a port").to_string())
}

/// A port that takes connections and never says anything.
fn nobody_answers(cli: &Cli) -> Stage {
    at(
        cli,
        &listener(|_| {
            loop {
                thread::park()
            }
        })
        .to_string(),
    )
}

fn plain_http(cli: &Cli) -> Stage {
    const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let address = listener(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(ANSWER);
    });
    at(cli, &address.to_string())
}

fn listener(serve: fn(std::net::TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its number");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

fn unknown_authority(cli: &Cli) -> Stage {
    without_pin(Stage::new(cli))
}

fn with_certificate(cli: &Cli, options: TlsOptions) -> Stage {
    let mut stage = without_pin(Stage::with_tls(cli, options));
    let authority = stage.sim.ca_pem().to_owned();
    stage.scratch.set("PROXMOX_VE_CA_CERTIFICATE", &authority);
    stage
}

fn other_name(cli: &Cli) -> Stage {
    let names = vec!["pve1.example.com".to_owned()];
    with_certificate(
        cli,
        TlsOptions {
            names,
            ..TlsOptions::default()
        },
    )
}

fn expired(cli: &Cli) -> Stage {
    with_certificate(
        cli,
        TlsOptions {
            expired: true,
            ..TlsOptions::default()
        },
    )
}

fn other_pin(cli: &Cli) -> Stage {
    let mut stage = Stage::new(cli);
    stage
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", &["00"; 32].join(":"));
    stage
}

fn something_else(cli: &Cli) -> Stage {
    let stage = Stage::new(cli);
    stage.sim.fault(Fault::answer(RawAnswer {
        status: 200,
        reason: "OK".to_owned(),
        headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
        body: b"<html><title>Log in</title></html>".to_vec(),
    }));
    stage
}

fn wrong_secret(cli: &Cli) -> Stage {
    let mut stage = Stage::new(cli);
    stage.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    stage
}

fn second_factor(cli: &Cli) -> Stage {
    let mut stage = Stage::new(cli);
    stage.sim.state(|state| state.enable_totp("root@pam"));
    stage.scratch.set("PROXMOX_VE_API_TOKEN", "");
    stage.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    stage.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    stage
}

fn wrong_seed(cli: &Cli) -> Stage {
    let mut stage = second_factor(cli);
    stage
        .scratch
        .set("PROXMOX_VE_TOTP_SECRET", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    stage
}

fn too_old(cli: &Cli) -> Stage {
    answering(
        cli,
        "/version",
        200,
        r#"{"data":{"version":"6.4-15","release":"6.4","repoid":"af7986e6"}}"#,
    )
}

/// Proxmox VE itself shows the nodes to everybody who logged in.
fn nodes_are_secret(cli: &Cli) -> Stage {
    answering(
        cli,
        "/nodes",
        403,
        r#"{"data":null,"message":"Permission check failed (/nodes, Sys.Audit)\n"}"#,
    )
}

fn answering(cli: &Cli, path: &str, status: u16, body: &str) -> Stage {
    let stage = Stage::new(cli);
    let answer = RawAnswer::json(status, body);
    stage.sim.fault(Fault::answer(answer).on("GET", path));
    stage
}

fn no_rights(cli: &Cli) -> Stage {
    let mut stage = Stage::new(cli);
    let secret = stage
        .sim
        .state(|state| state.add_token("root@pam!bare", true, None, 0));
    stage.connect_as(&format!("root@pam!bare={secret}"));
    stage
}

fn clustered(cli: &Cli, quorate: bool, others: [bool; 2]) -> Stage {
    let stage = Stage::new(cli);
    stage.sim.state(|state| {
        let [second, third] = others;
        state.add_node("pve2", second);
        state.add_node("pve3", third);
        let name = "production".to_owned();
        state.cluster = Some(Cluster { name, quorate });
    });
    stage
}

fn no_quorum(cli: &Cli) -> Stage {
    clustered(cli, false, [false, false])
}

fn one_node_off(cli: &Cli) -> Stage {
    clustered(cli, true, [true, false])
}

fn daemon_down(cli: &Cli) -> Stage {
    let stage = Stage::new(cli);
    stage.sim.fault(Fault::daemon_down());
    stage
}
