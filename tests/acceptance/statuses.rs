//! Every status of a connection check: the situation, the status, the stage at which it occurs, and
//! the attribute that the remedy names.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use cli_harness::Cli;
use proxmox_simulator::{Cluster, Fault, RawResponse, TlsOptions, closed_port};
use serde_json::Value;

use super::Scenario;
use super::test_server::TestServer;

pub const SCENARIOS: &[Scenario] = scenarios![every_status_has_its_situation_stage_and_remedy,];

/// One row: how it comes about, and what the check says of it.
struct Row {
    situation: fn(&Cli) -> TestServer,
    status: &'static str,
    stage: &'static str,
    remedy: &'static str,
}

const ROWS: [Row; 19] = [
    row(TestServer::new, "ok", "cluster", ""),
    row(unknown_name, "dns_failure", "dns", "endpoint"),
    row(refused_connection, "connection_refused", "tcp", "endpoint"),
    row(silent_port, "timeout", "tls", "request_timeout"),
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
    row(other_service, "not_proxmox", "proxmox", "endpoint"),
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
    situation: fn(&Cli) -> TestServer,
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

fn every_status_has_its_situation_stage_and_remedy(cli: &Cli) {
    for row in ROWS {
        let server = (row.situation)(cli);
        server.main(
            r#"
            data "proxmox_connection" "c" {
              required_privileges = { "/vms" = ["VM.Allocate"] }
            }
            output "c" {
              value = data.proxmox_connection.c
            }
            "#,
        );
        server.apply();
        let found = server.scratch.run(["output", "-json", "c"]);
        let found: Value = serde_json::from_str(&found.stdout).expect("an output");
        let stages = found["stages"].as_array().cloned().unwrap_or_default();
        let failed = stages.iter().find(|stage| stage["ok"] == false);
        let telling = failed.or(stages.last()).cloned().unwrap_or_default();
        let seen = (found["status"].as_str(), telling["name"].as_str());
        assert_eq!(seen, (Some(row.status), Some(row.stage)), "{found:#}");
        let usable = ["ok", "cluster_degraded"].contains(&row.status);
        assert_eq!(found["ok"], usable);
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

fn at(cli: &Cli, endpoint: &str) -> TestServer {
    let mut server = TestServer::new(cli);
    server.scratch.set("PROXMOX_VE_ENDPOINT", endpoint);
    server.scratch.set("PROXMOX_VE_REQUEST_TIMEOUT", "2s");
    server
}

fn without_pin(mut server: TestServer) -> TestServer {
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    server
}

fn unknown_name(cli: &Cli) -> TestServer {
    at(cli, "no-such-host.invalid")
}

fn refused_connection(cli: &Cli) -> TestServer {
    at(cli, &closed_port().expect("a port").to_string())
}

/// A port that takes connections and never says anything.
fn silent_port(cli: &Cli) -> TestServer {
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

fn plain_http(cli: &Cli) -> TestServer {
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

fn unknown_authority(cli: &Cli) -> TestServer {
    without_pin(TestServer::new(cli))
}

fn with_certificate(cli: &Cli, options: TlsOptions) -> TestServer {
    let mut server = without_pin(TestServer::with_tls(cli, options));
    let authority = server.sim.ca_pem().to_owned();
    server.scratch.set("PROXMOX_VE_CA_CERTIFICATE", &authority);
    server
}

fn other_name(cli: &Cli) -> TestServer {
    let names = vec!["pve1.example.com".to_owned()];
    with_certificate(
        cli,
        TlsOptions {
            names,
            ..TlsOptions::default()
        },
    )
}

fn expired(cli: &Cli) -> TestServer {
    with_certificate(
        cli,
        TlsOptions {
            expired: true,
            ..TlsOptions::default()
        },
    )
}

fn other_pin(cli: &Cli) -> TestServer {
    let mut server = TestServer::new(cli);
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", &["00"; 32].join(":"));
    server
}

fn other_service(cli: &Cli) -> TestServer {
    let server = TestServer::new(cli);
    server.sim.fault(Fault::response(RawResponse {
        status: 200,
        reason: "OK".to_owned(),
        headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
        body: b"<html><title>Log in</title></html>".to_vec(),
    }));
    server
}

fn wrong_secret(cli: &Cli) -> TestServer {
    let mut server = TestServer::new(cli);
    server.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    server
}

fn second_factor(cli: &Cli) -> TestServer {
    let mut server = TestServer::new(cli);
    server.sim.state(|state| state.enable_totp("root@pam"));
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    server.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    server
}

fn wrong_seed(cli: &Cli) -> TestServer {
    let mut server = second_factor(cli);
    server
        .scratch
        .set("PROXMOX_VE_TOTP_SECRET", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    server
}

fn too_old(cli: &Cli) -> TestServer {
    answering(
        cli,
        "/version",
        200,
        r#"{"data":{"version":"6.4-15","release":"6.4","repoid":"af7986e6"}}"#,
    )
}

/// Proxmox VE itself shows the nodes to everybody who logged in.
fn nodes_are_secret(cli: &Cli) -> TestServer {
    answering(
        cli,
        "/nodes",
        403,
        r#"{"data":null,"message":"Permission check failed (/nodes, Sys.Audit)\n"}"#,
    )
}

fn answering(cli: &Cli, path: &str, status: u16, body: &str) -> TestServer {
    let server = TestServer::new(cli);
    let response = RawResponse::json(status, body);
    server.sim.fault(Fault::response(response).on("GET", path));
    server
}

fn no_rights(cli: &Cli) -> TestServer {
    let mut server = TestServer::new(cli);
    let secret = server
        .sim
        .state(|state| state.add_token("root@pam!bare", true, None, 0));
    server.connect_as(&format!("root@pam!bare={secret}"));
    server
}

fn clustered(cli: &Cli, quorate: bool, others: [bool; 2]) -> TestServer {
    let server = TestServer::new(cli);
    server.sim.state(|state| {
        let [second, third] = others;
        state.add_node("pve2", second);
        state.add_node("pve3", third);
        let name = "production".to_owned();
        state.cluster = Some(Cluster { name, quorate });
    });
    server
}

fn no_quorum(cli: &Cli) -> TestServer {
    clustered(cli, false, [false, false])
}

fn one_node_off(cli: &Cli) -> TestServer {
    clustered(cli, true, [true, false])
}

fn daemon_down(cli: &Cli) -> TestServer {
    let server = TestServer::new(cli);
    server.sim.fault(Fault::daemon_down());
    server
}
