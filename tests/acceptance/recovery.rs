//! Writes that fail half-way, and the next apply.

use std::time::Duration;

use cli_harness::Cli;
use proxmox_simulator::{Fault, RawResponse, Request, Version};
use serde_json::Value;

use super::Scenario;
use super::samples::{self, ADDRESS};
use super::test_server::{TestServer, says};
use super::tokens::minted;

pub const SCENARIOS: &[Scenario] = scenarios![
    a_token_whose_creation_had_no_response_is_found_and_gets_a_new_secret,
    a_token_whose_creation_timed_out_in_the_hosts_proxy_is_found,
    a_token_whose_creation_had_no_response_is_tainted_on_proxmox_ve_8_2,
    a_failed_creation_leaves_nothing_and_works_next_time,
    a_held_lock_is_waited_for,
    a_token_that_can_neither_be_scoped_nor_revoked_is_kept_as_tainted,
    an_update_without_response_converges,
    a_revocation_without_response_counts_if_it_happened,
    a_grant_without_response_is_not_forgotten,
    a_token_created_after_the_client_gave_up_is_found,
    unreadable_responses_change_neither_state_nor_server,
    a_rotation_that_a_hung_daemon_does_later_is_found_by_the_next_plan,
    a_revocation_that_a_hung_daemon_does_later_is_not_called_done,
];

const TOKEN: &str = r#"
resource "proxmox_api_token" "t" {
  user_id    = "demo@pve"
  token_name = "ci"
  comment    = "hello"
}
"#;

/// Asserts that the state holds the secret that the server would accept.
fn works(server: &TestServer) {
    let secret = server.attributes("proxmox_api_token.t")["secret"].clone();
    let accepted = server
        .sim
        .state(|state| state.token_secret("demo@pve!ci").map(str::to_owned));
    assert_eq!(secret.as_str(), accepted.as_deref());
    assert!(accepted.is_some());
}

fn a_token_whose_creation_had_no_response_is_found_and_gets_a_new_secret(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.fault(
        Fault::dropped_after_commit()
            .on("POST", "*/token/ci")
            .times(1),
    );
    server.main(TOKEN);
    says(
        &server.apply(),
        &["No response to token creation", "demo@pve!ci"],
    );
    works(&server);
    assert_eq!(server.requests("POST", "/token/ci"), 1);
    server.plan_is_empty();
}

fn a_token_whose_creation_timed_out_in_the_hosts_proxy_is_found(cli: &Cli) {
    let server = TestServer::new(cli);
    server
        .sim
        .fault(Fault::daemon_hung().on("POST", "*/token/ci").times(1));
    server.main(TOKEN);
    says(&server.apply(), &["No response to token creation", "596"]);
    works(&server);
    server.plan_is_empty();
}

fn a_token_whose_creation_had_no_response_is_tainted_on_proxmox_ve_8_2(cli: &Cli) {
    let server = TestServer::with(cli, Version::V8_2);
    server.sim.fault(
        Fault::dropped_after_commit()
            .on("POST", "*/token/ci")
            .times(1),
    );
    server.main(TOKEN);
    server.apply_fails(&["Unable to create API token", "kept in the state as damaged"]);
    assert_eq!(
        server.attributes("proxmox_api_token.t")["secret"],
        Value::Null
    );
    says(&server.apply(), &["1 added, 0 changed, 1 destroyed"]);
    works(&server);
    server.plan_is_empty();
}

fn a_failed_creation_leaves_nothing_and_works_next_time(cli: &Cli) {
    for (fault, words) in [
        (Fault::daemon_down(), ["595", "demo@pve!ci"]),
        (Fault::no_quorum(), ["quorum", "demo@pve!ci"]),
    ] {
        let server = TestServer::new(cli);
        server.sim.fault(fault.on("POST", "*/token/ci").times(1));
        server.main(TOKEN);
        server.apply_fails(&words);
        assert_eq!(server.attributes("proxmox_api_token.t"), Value::Null);
        assert!(
            server
                .sim
                .state(|state| state.token("demo@pve", "ci").is_none())
        );
        server.apply();
        works(&server);
    }
}

fn a_held_lock_is_waited_for(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.fault(
        Fault::user_config_locked()
            .on("POST", "*/token/ci")
            .times(1),
    );
    server.main(TOKEN);
    server.apply();
    works(&server);
    assert_eq!(server.requests("POST", "/token/ci"), 2);
}

fn a_token_that_can_neither_be_scoped_nor_revoked_is_kept_as_tainted(cli: &Cli) {
    let server = TestServer::new(cli);
    server
        .sim
        .fault(Fault::daemon_down().on("DELETE", "*/token/ci").times(1));
    server
        .sim
        .fault(Fault::no_quorum().on("PUT", "/access/acl").times(1));
    server.main(
        r#"
        resource "proxmox_api_token" "t" {
          user_id    = "demo@pve"
          token_name = "ci"
          acl        = [{ path = "/vms", role = "PVEAuditor" }]
        }
        "#,
    );
    server.apply_fails(&["Unable to scope API token", "Unable to revoke API token"]);
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "ci").is_some())
    );
    assert_eq!(
        server.attributes("proxmox_api_token.t")["id"],
        "demo@pve!ci"
    );
    says(&server.apply(), &["1 added, 0 changed, 1 destroyed"]);
    works(&server);
    server.plan_is_empty();
}

fn an_update_without_response_converges(cli: &Cli) {
    let server = minted(cli);
    let change = r#"
        resource "proxmox_api_token" "t" {
          user_id         = "demo@pve"
          token_name      = "ci"
          comment         = "second"
          expiration_date = "2037-12-31T02:00:00+02:00"
        }
        "#;
    server.sim.fault(
        Fault::dropped_after_commit()
            .on("PUT", "*/token/ci")
            .times(1),
    );
    server.main(change);
    let settled = ["No response to token update", "demo@pve!ci"];
    says(&server.apply(), &settled);
    assert_eq!(server.requests("PUT", "/token/ci"), 1);
    assert_eq!(
        server.attributes("proxmox_api_token.t")["comment"],
        "second"
    );
    server.plan_is_empty();
    works(&server);
    // A request that never arrived is an error, and the next apply makes up for it.
    server
        .sim
        .fault(Fault::dropped_before().on("PUT", "*/token/ci").times(1));
    server.main(&change.replace("second", "third"));
    server.apply_fails(&["Unable to update API token", "demo@pve!ci"]);
    assert_eq!(
        server.attributes("proxmox_api_token.t")["comment"],
        "second"
    );
    server.apply();
    server.plan_is_empty();
}

fn a_revocation_without_response_counts_if_it_happened(cli: &Cli) {
    let server = minted(cli);
    server.sim.fault(
        Fault::dropped_after_commit()
            .on("DELETE", "*/token/ci")
            .times(1),
    );
    server.destroy();
    assert_eq!(server.requests("DELETE", "/token/ci"), 1);
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "ci").is_none())
    );
}

fn a_grant_without_response_is_not_forgotten(cli: &Cli) {
    let server = minted(cli);
    let token = |acl: &str| {
        format!(
            r#"resource "proxmox_api_token" "t" {{
  user_id = "demo@pve"
  token_name = "ci"
  comment = "first"
  expiration_date = "2037-12-31T02:00:00+02:00"
  acl = {acl}
}}
"#
        )
    };
    server.sim.fault(
        Fault::dropped_after_commit()
            .on("PUT", "/access/acl")
            .times(1),
    );
    server.main(&token(r#"[{ path = "/vms", role = "PVEAuditor" }]"#));
    server.apply_fails(&["Unable to scope API token", "demo@pve!ci"]);
    assert_eq!(server.sim.state(|state| state.acl().len()), 1);
    server.main(&token("[]"));
    server.apply();
    server.plan_is_empty();
    assert_eq!(server.sim.state(|state| state.acl().len()), 0);
}

fn a_token_created_after_the_client_gave_up_is_found(cli: &Cli) {
    let server = TestServer::new(cli);
    server
        .sim
        .fault(Fault::dropped_before().on("POST", "*/token/ci").times(1));
    server.main(TOKEN);
    server.apply_fails(&[
        "Unable to create API token",
        "may still create it",
        "damaged",
    ]);
    // The server makes it now, after the client has given up.
    server
        .sim
        .state(|state| state.add_token("demo@pve!ci", true, Some("hello"), 0));
    says(&server.apply(), &["1 added, 0 changed, 1 destroyed"]);
    works(&server);
    server.plan_is_empty();
}

fn unreadable_responses_change_neither_state_nor_server(cli: &Cli) {
    let answers: [(&str, Vec<u8>); 4] = [
        ("empty", Vec::new()),
        ("not JSON", b"<html>Welcome</html>".to_vec()),
        ("cut off", br#"{"data":{"tokens":{"ci":{"priv"#.to_vec()),
        ("endless", vec![b' '; 17 * 1024 * 1024]),
    ];
    let server = minted(cli);
    let before = server.attributes("proxmox_api_token.t");
    for (kind, body) in answers {
        let response = RawResponse {
            status: 200,
            reason: "OK".to_owned(),
            headers: vec![(
                "Content-Type".to_owned(),
                "application/json;charset=UTF-8".to_owned(),
            )],
            body,
        };
        server
            .sim
            .fault(Fault::response(response).on("GET", "/access/users/demo@pve"));
        server.plan_fails(&["Unable to read API token", "demo@pve!ci"]);
        server.sim.clear_faults();
        assert_eq!(server.attributes("proxmox_api_token.t"), before, "{kind}");
    }
    server.plan_is_empty();
    works(&server);
}

/// Lets a hung daemon go on, and waits until the secret of the token is as it leaves it.
fn go_on(server: &TestServer, is_done: impl Fn(Option<&str>) -> bool) {
    server.sim.resume_daemon();
    server.sim.clear_faults();
    for _ in 0..500 {
        if server
            .sim
            .state(|state| is_done(state.token_secret("demo@pve!ci")))
        {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the daemon did not go on");
}

/// Recording `552-pvedaemon-hung-regenerate`: the old secret works until the daemon goes on.
fn a_rotation_that_a_hung_daemon_does_later_is_found_by_the_next_plan(cli: &Cli) {
    let server = TestServer::new(cli);
    let with = |comment: &str, key: u32| {
        samples::token(&format!(
            "comment = {comment:?}\n  rotate_when_changed = {{ key = \"{key}\" }}"
        ))
    };
    server.main(&with("one", 1));
    server.apply();
    let rotates = |request: &Request| request.parameters.iter().any(|name| name == "comment");
    server.sim.fault(
        Fault::daemon_hangs()
            .on("PUT", "*/token/ci")
            .when(rotates)
            .times(1),
    );
    server.main(&with("two", 2));
    server.apply_fails(&[
        "Unable to rotate API token",
        "The old secret worked afterwards, but the server may still carry out the request",
        "The next plan verifies the old secret",
    ]);
    // Nothing is promised while the daemon hangs, and the state keeps what works.
    let old = server.attributes(ADDRESS)["secret"].clone();
    go_on(&server, |secret| secret != old.as_str());
    // Also when the configuration no longer asks for the rotation.
    server.main(&with("one", 1));
    says(
        &server.plan(),
        &[
            "API token will be rotated",
            "the server refuses the stored secret, after a rotation whose response was lost",
        ],
    );
    server.apply();
    let attributes = server.attributes(ADDRESS);
    assert_ne!(attributes["secret"], old);
    assert_eq!(
        server
            .sim
            .state(|state| state.token_secret("demo@pve!ci").map(str::to_owned)),
        attributes["secret"].as_str().map(str::to_owned)
    );
    server.plan_is_empty();
}

fn a_revocation_that_a_hung_daemon_does_later_is_not_called_done(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&samples::token(""));
    server.apply();
    server
        .sim
        .fault(Fault::daemon_hangs().on("DELETE", "*/token/ci").times(1));
    let destroyed = server
        .scratch
        .run(["destroy", "-auto-approve", "-no-color"]);
    assert!(!destroyed.ok(), "{}", destroyed.text());
    says(
        &destroyed,
        &[
            "Unable to revoke API token",
            "The token still exists, and the server may still revoke it",
        ],
    );
    assert_eq!(server.attributes(ADDRESS)["id"], "demo@pve!ci");
    go_on(&server, |secret| secret.is_none());
    says(&server.plan(), &["1 to add"]);
    server.destroy();
}
