//! Invalid input, and the diagnostics for it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use cli_harness::Cli;
use proxmox_simulator::closed_port;
use serde_json::Value;

use super::Scenario;
use super::samples::{TOKEN, token};
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    an_error_of_a_nested_attribute_shows_its_line,
    malformed_values_are_refused_at_plan_time_each_on_its_attribute,
    incomplete_double_and_missing_credentials_are_told_apart,
    a_server_that_is_not_proxmox_ve_is_recognised,
    a_refused_connection_names_the_endpoint,
    a_wrong_certificate_names_its_fingerprint,
    trust_in_the_block_replaces_trust_in_the_environment,
    an_expired_provider_token_is_explained,
    a_path_that_does_not_exist_leaves_nothing_behind,
];

fn an_error_of_a_nested_attribute_shows_its_line(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(
        r#"
resource "proxmox_api_token" "t" {
  user_id    = "demo@pve"
  token_name = "ci"
  rotation = {
    before_expiry = null
    every         = "often"
  }
}
resource "proxmox_host" "h" {
  name = "h"
  timeouts = {
    read   = "1m"
    create = "soon"
  }
}
"#,
    );
    server.plan_fails(&[
        r#"every = "often""#,
        "`rotation.every` is invalid",
        r#"create = "soon""#,
        "`timeouts.create` is invalid",
    ]);
}

fn malformed_values_are_refused_at_plan_time_each_on_its_attribute(cli: &Cli) {
    let server = TestServer::new(cli);
    let provider = |lines: &str| {
        format!(
            r#"provider "proxmox" {{
  {lines}
}}
{}"#,
            token("")
        )
    };
    let host = |lines: &str| {
        format!(
            r#"resource "proxmox_host" "h" {{
  name = "h"
  {lines}
}}
"#
        )
    };
    let cases: Vec<(String, &[&str])> = vec![
        (token("").replace("demo@pve", "demo"), &["user_id", "realm"]),
        (
            token("").replace("demo@pve", "grüße@pve"),
            &["user_id", "ASCII"],
        ),
        (
            token("").replace(r#""ci""#, r#""1ci""#),
            &["token_name", "letter"],
        ),
        (
            token("").replace(r#""ci""#, r#""demo@pve!ci""#),
            &["token_name"],
        ),
        (
            token(r#"expiration_date = "next week""#),
            &["expiration_date", "RFC 3339"],
        ),
        (
            token(r#"expiration_date = "2020-01-01T00:00:00Z""#),
            &["expiration_date", "passed"],
        ),
        (token(r#"comment = "0""#), &["comment"]),
        (
            token(r#"secret = "my-own""#),
            &["Read-only attribute configured", "`secret`"],
        ),
        (token(r#"id = "mine""#), &["Read-only attribute configured"]),
        (token(r#"expires_in = "-1d""#), &["expires_in", "such as"]),
        (
            token(r#"expires_in = "99999999999d""#),
            &["expires_in", "36500d"],
        ),
        (
            token(
                r#"expires_in = "90d"
  expiration_date = "2037-12-31T00:00:00Z""#,
            ),
            &[
                "expires_in",
                "expiration_date",
                "conflicts with `expiration_date`",
            ],
        ),
        (
            token(r#"rotation = { before_expiry = "14d" }"#),
            &["rotation.before_expiry", "requires `expires_in`"],
        ),
        (
            token(
                r#"expires_in = "14d"
  rotation = { before_expiry = "14d" }"#,
            ),
            &["rotation.before_expiry", "shorter than `expires_in`"],
        ),
        (
            token(r#"rotation = { every = "2d", overlap = "3d" }"#),
            &["rotation.overlap", "shorter than `rotation.every`"],
        ),
        (
            token(r#"timeouts = { create = "soon" }"#),
            &["timeouts.create", "such as"],
        ),
        (
            token(r#"acl = [{ path = "vms", role = "PVEAuditor" }]"#),
            &["acl", "slash"],
        ),
        (
            token(r#"acl = [{ path = "/vms", role = "A" }, { path = "/vms/", role = "A" }]"#),
            &["acl", "twice"],
        ),
        (
            token(
                r#"acl = [{ path = "/vms", role = "A" }, { path = "//vms//", role = "A", propagate = false }]"#,
            ),
            &["acl", "twice"],
        ),
        (
            token(
                r#"privilege_separation = false
  acl = [{ path = "/vms", role = "A" }]"#,
            ),
            &["acl", "privilege_separation"],
        ),
        (
            provider(r#"endpoint = "http://pve1:8006""#),
            &["endpoint", "https"],
        ),
        (
            provider(r#"endpoint = "https://root@pve1/?x""#),
            &["endpoint"],
        ),
        (
            provider(r#"api_token = "root@pam=not-shown""#),
            &["api_token"],
        ),
        (
            provider(r#"certificate_fingerprints = ["AB:CD"]"#),
            &["certificate_fingerprints"],
        ),
        (
            provider(r#"ca_certificate = "/no/such/file.pem""#),
            &["ca_certificate", "/no/such/file.pem"],
        ),
        (
            provider(r#"ca_certificate = "/dev/zero""#),
            &["ca_certificate", "/dev/zero", "a device"],
        ),
        (
            provider(r#"client_certificate = "/no/such/file.pem""#),
            &["client_certificate", "client_key"],
        ),
        (
            provider(r#"endpoint = "127.0.0.1\n.example.com""#),
            &["endpoint", "a line break"],
        ),
        (
            provider(
                r#"username = "root@pam!ci"
  password = "not-shown""#,
            ),
            &["username", "api_token_id", "api_token_secret"],
        ),
        (
            provider(
                r#"api_token_id = "root@pam!ci"
  api_token_secret = "not-shown\nnot-shown""#,
            ),
            &["api_token_secret", "a line break"],
        ),
        (
            provider(r#"clusters = { a = { api_token = "root@pam!ci=not-shown" } }"#)
                + r#"
data "proxmox_connection" "a" {
  cluster = "a"
}
"#,
            &[
                r#"clusters["a"]"#,
                "sets no address",
                "does not use the address in the environment",
            ],
        ),
        (
            provider(
                r#"ca_certificate = "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----""#,
            ),
            &["ca_certificate"],
        ),
        (
            provider(r#"endpoints = ["pve1", "http://pve2"]"#),
            &["endpoints", "https"],
        ),
        (
            provider(
                r#"certificate_fingerprints = ["aa"]
  verify_ssl = false"#,
            ),
            &["certificate_fingerprints"],
        ),
        (
            provider(r#"tls_server_name = "https://pve1""#),
            &["tls_server_name", "without scheme"],
        ),
        (
            provider(r#"min_tls_version = "1.1""#),
            &["min_tls_version", r#""1.2" or "1.3""#],
        ),
        (
            provider(r#"proxy_url = "socks4://proxy:1080""#),
            &["proxy_url", "http://"],
        ),
        (
            provider(r#"proxy_url = "http://u:not-shown@proxy:x""#),
            &["proxy_url", "http://user:password@host:port"],
        ),
        (
            provider(r#"http_headers = { Authorization = "x" }"#),
            &["http_headers", "Authorization", "cannot be overridden"],
        ),
        (
            provider(r#"http_headers = { "a b" = "x" }"#),
            &["http_headers", "no name of a header"],
        ),
        (
            provider(r#"http_headers = { X-A = "x\ny" }"#),
            &["http_headers", "X-A"],
        ),
        (
            provider("max_retries = -1"),
            &["max_retries", "from 0 to 20"],
        ),
        (
            provider("max_retries = 1.5"),
            &["max_retries", "whole number"],
        ),
        (
            provider(r#"clusters = { berlin = { min_tls_version = "1" } }"#),
            &[r#"clusters["berlin"].min_tls_version"#],
        ),
        (host(r#"min_tls_version = "2""#), &["min_tls_version"]),
        (
            host(r#"tls_server_name = "pve1:8006""#),
            &["tls_server_name"],
        ),
        (
            provider(r#"request_timeout = "soon""#),
            &["request_timeout", "30s"],
        ),
        (
            token(r#"acl = [{ path = "/vms", role = "PVEAuditor,PVEVMAdmin" }]"#),
            &["acl", "one role"],
        ),
        (token("acl = [null]"), &["acl", "null"]),
        (host("port = 70000"), &["port", "65535"]),
        (host("port = 8006.5"), &["port", "whole number"]),
        (host(r#"hostname = "a b""#), &["hostname"]),
        (
            host(r#"required_privileges = { vms = ["VM.Audit"] }"#),
            &["required_privileges", "slash"],
        ),
        (
            host(r#"api_token_id = "root@pam!x""#),
            &["api_token_secret"],
        ),
    ];
    for (configuration, words) in cases {
        server.main(&configuration);
        server.plan_fails(words);
    }
    assert_eq!(server.requests("POST", "/"), 0);
    assert_eq!(server.attributes("proxmox_api_token.t"), Value::Null);
}

fn incomplete_double_and_missing_credentials_are_told_apart(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let body = r#"data "proxmox_connection" "me" {}
"#;
    let provider = |lines: &str| {
        format!(
            r#"provider "proxmox" {{
  {lines}
}}
{body}"#
        )
    };
    server.main(&provider(r#"api_token_id = "root@pam!admin""#));
    server.plan_fails(&["Incomplete credential", "api_token_id", "api_token_secret"]);
    server.main(&provider(
        r#"api_token_id = "admin"
  api_token_secret = "x""#,
    ));
    server.plan_fails(&["api_token_id", "username"]);
    server.main(&provider(r#"username = "root@pam""#));
    server.plan_fails(&["Incomplete credential", "username", "password"]);
    server.main(&provider(
        r#"api_token = "root@pam!a=b"
  password = "x"
  username = "u@pam""#,
    ));
    server.plan_fails(&["More than one credential", "api_token", "password"]);
    // Configuration beats the environment, and the message says so.
    let (_, secret) = server
        .admin
        .clone()
        .rsplit_once('=')
        .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        .expect("a token");
    server.main(&provider(&format!(
        r#"username = "root@pam"
  api_token_id = "admin"
  api_token_secret = "{secret}""#
    )));
    server.connect_as("root@pam!other=00000000-0000-0000-0000-000000000000");
    says(
        &server.plan(),
        &[
            "Credential in the environment ignored",
            "PROXMOX_VE_API_TOKEN",
        ],
    );
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.main(body);
    server.plan_fails(&[
        "Missing Proxmox VE credentials",
        "api_token",
        "PROXMOX_VE_API_TOKEN",
    ]);
}

fn a_server_that_is_not_proxmox_ve_is_recognised(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its number");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    server
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &address.to_string());
    server.main(
        r#"resource "proxmox_host" "h" {
  name = "h"
}
"#,
    );
    server.apply_fails(&["Connection check failed", "not_proxmox", "endpoint"]);
}

fn a_refused_connection_names_the_endpoint(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let closed = closed_port().expect("a port");
    server
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &closed.to_string());
    server.main(TOKEN);
    server.apply_fails(&["Unable to create API token", "demo@pve!ci", "endpoint"]);
    assert_eq!(server.attributes("proxmox_api_token.t"), Value::Null);
}

fn a_wrong_certificate_names_its_fingerprint(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(
        r#"resource "proxmox_host" "h" {
  name = "h"
}
"#,
    );
    let seen = server.sim.certificate_fingerprint();
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    server.apply_fails(&["tls_untrusted", seen, "ca_certificate"]);
    let other = seen.replace(&seen[..2], if seen.starts_with("00") { "11" } else { "00" });
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", &other);
    server.apply_fails(&["tls_fingerprint_mismatch", seen, "certificate_fingerprints"]);
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    server
        .scratch
        .set("PROXMOX_VE_CA_CERTIFICATE", server.sim.ca_pem());
    server.apply();
}

fn trust_in_the_block_replaces_trust_in_the_environment(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let pin = server.sim.certificate_fingerprint().to_owned();
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    server.scratch.set("PROXMOX_VE_INSECURE", "true");
    server.main(&format!(
        r#"provider "proxmox" {{
  certificate_fingerprints = [{pin:?}]
}}
resource "proxmox_host" "h" {{
  name = "h"
}}
"#
    ));
    server.apply();
    server.main(
        r#"provider "proxmox" {
  verify_ssl = true
}
resource "proxmox_host" "g" {
  name = "g"
}
"#,
    );
    server.apply_fails(&["tls_untrusted"]);
}

fn an_expired_provider_token_is_explained(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let secret = server
        .sim
        .state(|state| state.add_token("root@pam!old", false, None, 1_000_000_000));
    server.connect_as(&format!("root@pam!old={secret}"));
    server.main(TOKEN);
    server.apply_fails(&[
        "Unable to create API token",
        "root@pam!old",
        "expired",
        "api_token",
    ]);
}

fn a_path_that_does_not_exist_leaves_nothing_behind(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(
        r#"
        resource "proxmox_api_token" "t" {
          user_id    = "demo@pve"
          token_name = "ci"
          acl        = [{ path = "/vms", role = "PVEVMAdmin" }, { path = "/sdn/x", role = "PVEVMAdmin" }]
        }
        "#,
    );
    server.apply_fails(&["Unable to scope API token", "demo@pve!ci", "acl"]);
    assert_eq!(server.attributes("proxmox_api_token.t"), Value::Null);
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "ci").is_none())
    );
}
