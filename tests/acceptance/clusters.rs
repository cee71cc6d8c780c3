//! One provider block for many clusters.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use cli_harness::Cli;
use proxmox_simulator::{Simulator, TlsOptions};
use serde_json::Value;

use super::Scenario;
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    one_provider_block_serves_several_clusters,
    a_cluster_that_is_down_does_not_affect_the_others,
    a_cluster_that_never_answers_is_tried_once_for_all_its_tokens,
    a_token_moves_from_one_key_of_a_cluster_to_another,
    one_cluster_under_two_keys_has_one_write_lock_and_a_token_once,
    a_mistyped_cluster_lists_the_nearest,
    a_key_that_goes_with_its_tokens_says_to_keep_it,
    a_token_is_replaced_when_it_moves_to_another_cluster,
];

/// A second server, and a provider block that names both.
fn two(server: &TestServer) -> (TestServer, String) {
    let other = TestServer::new(server.scratch.cli());
    let cluster = |server: &TestServer| {
        format!(
            "{{ endpoint = {:?}, api_token = {:?} }}",
            server.sim.endpoint(),
            server.admin
        )
    };
    let provider = format!(
        r#"provider "proxmox" {{
  certificate_fingerprints = [{:?}, {:?}]
  clusters = {{
    berlin = {}
    bern = {}
  }}
}}
"#,
        server.sim.certificate_fingerprint(),
        other.sim.certificate_fingerprint(),
        cluster(server),
        cluster(&other)
    );
    (other, provider)
}

fn forget_environment(server: &mut TestServer) {
    for name in ["ENDPOINT", "API_TOKEN", "CERTIFICATE_FINGERPRINTS"] {
        server.scratch.set(&format!("PROXMOX_VE_{name}"), "");
    }
}

const TOKENS: &str = r#"
resource "proxmox_api_token" "t" {
  for_each   = toset(["berlin", "bern"])
  cluster    = each.key
  user_id    = "demo@pve"
  token_name = "backup"
  acl        = [{ path = "/vms", role = "PVEAuditor" }]
}

resource "proxmox_host" "h" {
  for_each         = proxmox_api_token.t
  cluster          = each.key
  name             = each.key
  api_token_id     = each.value.token_id
  api_token_secret = each.value.secret
}

data "proxmox_connection" "each" {
  for_each = toset(["berlin", "bern"])
  cluster  = each.key
}

output "status" {
  value = { for key, check in data.proxmox_connection.each : key => check.status }
}
"#;

fn has_token(server: &TestServer) -> bool {
    server
        .sim
        .state(|state| state.token("demo@pve", "backup").is_some())
}

fn one_provider_block_serves_several_clusters(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let (other, provider) = two(&server);
    forget_environment(&mut server);
    server.main(&format!("{provider}{TOKENS}"));
    server.apply();
    server.plan_is_empty();
    assert!(has_token(&server) && has_token(&other));
    let status = server.scratch.run(["output", "-json", "status"]);
    let status: Value = serde_json::from_str(&status.stdout).expect("an output");
    assert_eq!(status, serde_json::json!({ "berlin": "ok", "bern": "ok" }));

    // An imported token has no secret to prove a host with.
    let tokens_only = TOKENS
        .split(r#"resource "proxmox_host""#)
        .next()
        .expect("the tokens");
    server.main(&format!("{provider}{tokens_only}"));
    server.apply();
    let removed = ["state", "rm", r#"proxmox_api_token.t["bern"]"#];
    assert!(server.scratch.run(removed).ok());
    let import = [
        "import",
        "-no-color",
        r#"proxmox_api_token.t["bern"]"#,
        "bern/demo@pve!backup",
    ];
    let imported = server.scratch.run(import);
    assert!(imported.ok(), "{}{}", imported.stdout, imported.stderr);
    server.destroy();
    assert!(!has_token(&server) && !has_token(&other));
}

fn a_cluster_that_is_down_does_not_affect_the_others(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let (other, provider) = two(&server);
    forget_environment(&mut server);
    server.main(&format!("{provider}{TOKENS}"));
    drop(other);
    let run = server.try_apply();
    assert!(!run.ok());
    says(
        &run,
        &[r#"proxmox_api_token.t["bern"]"#, "connection was refused"],
    );
    assert!(has_token(&server));
}

fn a_cluster_that_never_answers_is_tried_once_for_all_its_tokens(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let (other, provider) = two(&server);
    forget_environment(&mut server);
    let tokens = r#"
    resource "proxmox_api_token" "alive" {
      cluster    = "berlin"
      user_id    = "demo@pve"
      token_name = "alive"
      comment    = "meant"
    }

    resource "proxmox_api_token" "dead" {
      count      = 5
      cluster    = "bern"
      user_id    = "demo@pve"
      token_name = "dead-${count.index}"
    }
    "#;
    server.main(&format!("{provider}{tokens}"));
    server.apply();
    server.sim.state(|state| {
        let token = state.token_mut("demo@pve", "alive").expect("the token");
        token.comment = Some("tampered".to_owned());
    });
    // A port that takes connections and never says anything.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let attempts = Arc::new(AtomicUsize::new(0));
    let taken = Arc::clone(&attempts);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((stream, _)) = silent.accept() {
            taken.fetch_add(1, SeqCst);
            held.push(stream);
        }
    });
    let cut_off = provider.replace(&other.sim.endpoint(), &address);
    let cut_off = cut_off.replacen(
        '{',
        r#"{
  request_timeout = "2s""#,
        1,
    );
    server.main(&format!("{cut_off}{tokens}"));
    let run = server.scratch.run(["plan", "-no-color"]);
    assert!(!run.ok());
    says(
        &run,
        &[
            "demo@pve!dead-0",
            "demo@pve!dead-4",
            "the connection was accepted",
        ],
    );
    // The cause is explained once.
    let explained = run.text().matches("the connection was accepted").count();
    assert_eq!(explained, 1, "{}", run.text());
    says(&run, &["for the same reason as another object"]);
    assert_eq!(attempts.load(SeqCst), 1, "one attempt stands for all");
    assert!(server.requests("GET", "/access/users/demo@pve") > 0);
}

fn a_token_moves_from_one_key_of_a_cluster_to_another(cli: &Cli) {
    let server = TestServer::new(cli);
    let (endpoint, admin) = (server.sim.endpoint(), &server.admin);
    let config = |cluster: &str| {
        let one = format!("{{ endpoint = {endpoint:?}, api_token = {admin:?} }}");
        format!(
            r#"provider "proxmox" {{
  clusters = {{ a = {one}, b = {one} }}
}}
resource "proxmox_api_token" "t" {{
  cluster = {cluster:?}
  user_id = "demo@pve"
  token_name = "ci"
}}
"#
        )
    };
    server.main(&config("a"));
    server.apply();
    server.main(&config("b"));
    says(&server.apply(), &["1 added, 0 changed, 1 destroyed"]);
    server.plan_is_empty();
}

fn one_cluster_under_two_keys_has_one_write_lock_and_a_token_once(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let second = server.sim.join("pve2", &TlsOptions::default());
    let second = second.expect("a second node");
    forget_environment(&mut server);
    server
        .scratch
        .set("PROXMOX_VE_CA_CERTIFICATE", server.sim.ca_pem());
    let admin = server.admin.clone();
    let cluster = |sim: &Simulator| {
        format!(
            "{{ endpoint = {:?}, api_token = {admin:?} }}",
            sim.endpoint()
        )
    };
    let provider = format!(
        r#"provider "proxmox" {{
  clusters = {{
    one = {}
    two = {}
  }}
}}
"#,
        cluster(&server.sim),
        cluster(&second)
    );
    let token = |key: &str, name: &str| {
        format!(
            r#"resource "proxmox_api_token" "{key}_{name}" {{
  cluster = {key:?}
  user_id = "demo@pve"
  token_name = {name:?}
}}
"#
        )
    };
    server.main(&format!("{provider}{}", token("one", "shared")));
    server.apply();
    server.main(&format!(
        "{provider}{}{}",
        token("one", "own-1"),
        token("two", "own-2")
    ));
    server.apply();
    server.plan_is_empty();

    // The same token under the other key, by way of an import; then both are changed at once.
    server.main(&format!(
        "{provider}{}{}",
        token("one", "own-1"),
        token("two", "own-1")
    ));
    let import = [
        "import",
        "-no-color",
        "proxmox_api_token.two_own-1",
        "two/demo@pve!own-1",
    ];
    assert!(server.scratch.run(import).ok());
    let commented = |key: &str| {
        token(key, "own-1").replace(
            "}\n",
            r#"  comment = "both"
}
"#,
        )
    };
    server.main(&format!(
        "{provider}{}{}",
        commented("one"),
        commented("two")
    ));
    server.apply_fails(&[
        "API token managed through two `clusters` entries",
        "demo@pve!own-1",
        r#"clusters["one"]"#,
        r#"clusters["two"]"#,
        "state rm",
    ]);
}

fn a_mistyped_cluster_lists_the_nearest(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let (_other, provider) = two(&server);
    forget_environment(&mut server);
    server.main(&format!(
        r#"{provider}data "proxmox_connection" "c" {{
  cluster = "brelin"
}}
"#
    ));
    server.plan_fails(&["No such cluster", "brelin", "berlin, bern"]);
    server.main(&format!(
        r#"{provider}data "proxmox_connection" "c" {{}}
"#
    ));
    server.plan_fails(&["Missing Proxmox VE address", "cluster"]);
}

/// The key of a cluster goes together with its tokens, which still have to be revoked with it.
fn a_key_that_goes_with_its_tokens_says_to_keep_it(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let (_other, provider) = two(&server);
    forget_environment(&mut server);
    server.main(&format!(
        r#"{provider}resource "proxmox_api_token" "t" {{
  cluster = "bern"
  user_id = "demo@pve"
  token_name = "backup"
}}
"#
    ));
    server.apply();
    server.main(&provider.replace("bern ", "basel "));
    server.plan_fails(&["No such cluster", "demo@pve!backup", "removed", "state rm"]);
}

fn a_token_is_replaced_when_it_moves_to_another_cluster(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let (other, provider) = two(&server);
    forget_environment(&mut server);
    let token = |cluster: &str| {
        format!(
            r#"{provider}resource "proxmox_api_token" "t" {{
  cluster = {cluster:?}
  user_id = "demo@pve"
  token_name = "backup"
}}
"#
        )
    };
    server.main(&token("berlin"));
    server.apply();
    server.main(&token("bern"));
    says(&server.apply(), &["must be replaced"]);
    assert!(!has_token(&server) && has_token(&other));
}
