//! What becomes of writes that go wrong half-way.

use cli_harness::Cli;
use proxmox_simulator::{Fault, RawAnswer, Version};
use serde_json::Value;

use super::{
    Scenario,
    test_server::{TestServer, says},
    tokens::minted,
};

pub const SCENARIOS: &[Scenario] = &[
    (
        "a creation whose answer is lost is found and given a new secret",
        create_lost,
    ),
    (
        "a creation that the host's proxy gave up on is found, too",
        create_hung,
    ),
    (
        "the same on a server too old to give a new secret",
        create_lost_8_2,
    ),
    (
        "a creation that did not happen leaves nothing, and works next time",
        create_refused,
    ),
    ("a lock that was held is waited for", lock_held),
    (
        "a token that cannot be scoped or revoked again is kept as damaged",
        undo_fails,
    ),
    (
        "an update whose answer is lost ends where it should",
        update_lost,
    ),
    (
        "a revocation whose answer is lost counts when it happened",
        delete_lost,
    ),
    ("a grant whose answer is lost is not forgotten", grant_lost),
    (
        "a token that is made after its creation was given up is found",
        create_late,
    ),
    (
        "unreadable answers change neither state nor server",
        unreadable,
    ),
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

fn create_lost(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.fault(
        Fault::dropped_after_commit()
            .on("POST", "*/token/ci")
            .times(1),
    );
    server.main(TOKEN);
    says(
        &server.apply(),
        &["The answer to a creation was lost", "demo@pve!ci"],
    );
    works(&server);
    assert_eq!(server.requests("POST", "/token/ci"), 1);
    server.plan_is_empty();
}

fn create_hung(cli: &Cli) {
    let server = TestServer::new(cli);
    server
        .sim
        .fault(Fault::daemon_hung().on("POST", "*/token/ci").times(1));
    server.main(TOKEN);
    says(
        &server.apply(),
        &["The answer to a creation was lost", "596"],
    );
    works(&server);
    server.plan_is_empty();
}

fn create_lost_8_2(cli: &Cli) {
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

fn create_refused(cli: &Cli) {
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

fn lock_held(cli: &Cli) {
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

fn undo_fails(cli: &Cli) {
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

fn update_lost(cli: &Cli) {
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
    let settled = ["The answer to a change was lost", "demo@pve!ci"];
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

fn delete_lost(cli: &Cli) {
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

fn grant_lost(cli: &Cli) {
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

fn create_late(cli: &Cli) {
    let server = TestServer::new(cli);
    server
        .sim
        .fault(Fault::dropped_before().on("POST", "*/token/ci").times(1));
    server.main(TOKEN);
    server.apply_fails(&["Unable to create API token", "may still make it", "damaged"]);
    // The server makes it now, after the client has given up.
    server
        .sim
        .state(|state| state.add_token("demo@pve!ci", true, Some("hello"), 0));
    says(&server.apply(), &["1 added, 0 changed, 1 destroyed"]);
    works(&server);
    server.plan_is_empty();
}

fn unreadable(cli: &Cli) {
    let answers: [(&str, Vec<u8>); 4] = [
        ("empty", Vec::new()),
        ("not JSON", b"<html>Welcome</html>".to_vec()),
        ("cut off", br#"{"data":{"tokens":{"ci":{"priv"#.to_vec()),
        ("endless", vec![b' '; 17 * 1024 * 1024]),
    ];
    let server = minted(cli);
    let before = server.attributes("proxmox_api_token.t");
    for (kind, body) in answers {
        let answer = RawAnswer {
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
            .fault(Fault::answer(answer).on("GET", "/access/users/demo@pve"));
        server.plan_fails(&["Unable to read API token", "demo@pve!ci"]);
        server.sim.clear_faults();
        assert_eq!(server.attributes("proxmox_api_token.t"), before, "{kind}");
    }
    server.plan_is_empty();
    works(&server);
}
