//! What becomes of writes that go wrong half-way.

use cli_harness::Cli;
use proxmox_simulator::{Fault, RawAnswer, Version};
use serde_json::Value;

use super::{
    Scenario,
    stage::{Stage, says},
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
fn works(stage: &Stage) {
    let secret = stage.attributes("proxmox_api_token.t")["secret"].clone();
    let accepted = stage
        .sim
        .state(|state| state.token_secret("demo@pve!ci").map(str::to_owned));
    assert_eq!(secret.as_str(), accepted.as_deref());
    assert!(accepted.is_some());
}

fn create_lost(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.sim.fault(
        Fault::dropped_after_commit()
            .on("POST", "*/token/ci")
            .times(1),
    );
    stage.main(TOKEN);
    says(
        &stage.apply(),
        &["The answer to a creation was lost", "demo@pve!ci"],
    );
    works(&stage);
    assert_eq!(stage.requests("POST", "/token/ci"), 1);
    stage.plan_is_empty();
}

fn create_hung(cli: &Cli) {
    let stage = Stage::new(cli);
    stage
        .sim
        .fault(Fault::daemon_hung().on("POST", "*/token/ci").times(1));
    stage.main(TOKEN);
    says(
        &stage.apply(),
        &["The answer to a creation was lost", "596"],
    );
    works(&stage);
    stage.plan_is_empty();
}

fn create_lost_8_2(cli: &Cli) {
    let stage = Stage::with(cli, Version::V8_2);
    stage.sim.fault(
        Fault::dropped_after_commit()
            .on("POST", "*/token/ci")
            .times(1),
    );
    stage.main(TOKEN);
    stage.apply_fails(&["Unable to create API token", "kept in the state as damaged"]);
    assert_eq!(
        stage.attributes("proxmox_api_token.t")["secret"],
        Value::Null
    );
    says(&stage.apply(), &["1 added, 0 changed, 1 destroyed"]);
    works(&stage);
    stage.plan_is_empty();
}

fn create_refused(cli: &Cli) {
    for (fault, words) in [
        (Fault::daemon_down(), ["595", "demo@pve!ci"]),
        (Fault::no_quorum(), ["quorum", "demo@pve!ci"]),
    ] {
        let stage = Stage::new(cli);
        stage.sim.fault(fault.on("POST", "*/token/ci").times(1));
        stage.main(TOKEN);
        stage.apply_fails(&words);
        assert_eq!(stage.attributes("proxmox_api_token.t"), Value::Null);
        assert!(
            stage
                .sim
                .state(|state| state.token("demo@pve", "ci").is_none())
        );
        stage.apply();
        works(&stage);
    }
}

fn lock_held(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.sim.fault(
        Fault::user_config_locked()
            .on("POST", "*/token/ci")
            .times(1),
    );
    stage.main(TOKEN);
    stage.apply();
    works(&stage);
    assert_eq!(stage.requests("POST", "/token/ci"), 2);
}

fn undo_fails(cli: &Cli) {
    let stage = Stage::new(cli);
    stage
        .sim
        .fault(Fault::daemon_down().on("DELETE", "*/token/ci").times(1));
    stage
        .sim
        .fault(Fault::no_quorum().on("PUT", "/access/acl").times(1));
    stage.main(
        r#"
        resource "proxmox_api_token" "t" {
          user_id    = "demo@pve"
          token_name = "ci"
          acl        = [{ path = "/vms", role = "PVEAuditor" }]
        }
        "#,
    );
    stage.apply_fails(&["Unable to scope API token", "Unable to revoke API token"]);
    assert!(
        stage
            .sim
            .state(|state| state.token("demo@pve", "ci").is_some())
    );
    assert_eq!(stage.attributes("proxmox_api_token.t")["id"], "demo@pve!ci");
    says(&stage.apply(), &["1 added, 0 changed, 1 destroyed"]);
    works(&stage);
    stage.plan_is_empty();
}

fn update_lost(cli: &Cli) {
    let stage = minted(cli);
    let change = r#"
        resource "proxmox_api_token" "t" {
          user_id         = "demo@pve"
          token_name      = "ci"
          comment         = "second"
          expiration_date = "2037-12-31T02:00:00+02:00"
        }
        "#;
    stage.sim.fault(
        Fault::dropped_after_commit()
            .on("PUT", "*/token/ci")
            .times(1),
    );
    stage.main(change);
    let settled = ["The answer to a change was lost", "demo@pve!ci"];
    says(&stage.apply(), &settled);
    assert_eq!(stage.requests("PUT", "/token/ci"), 1);
    assert_eq!(stage.attributes("proxmox_api_token.t")["comment"], "second");
    stage.plan_is_empty();
    works(&stage);
    // A request that never arrived is an error, and the next apply makes up for it.
    stage
        .sim
        .fault(Fault::dropped_before().on("PUT", "*/token/ci").times(1));
    stage.main(&change.replace("second", "third"));
    stage.apply_fails(&["Unable to update API token", "demo@pve!ci"]);
    assert_eq!(stage.attributes("proxmox_api_token.t")["comment"], "second");
    stage.apply();
    stage.plan_is_empty();
}

fn delete_lost(cli: &Cli) {
    let stage = minted(cli);
    stage.sim.fault(
        Fault::dropped_after_commit()
            .on("DELETE", "*/token/ci")
            .times(1),
    );
    stage.destroy();
    assert_eq!(stage.requests("DELETE", "/token/ci"), 1);
    assert!(
        stage
            .sim
            .state(|state| state.token("demo@pve", "ci").is_none())
    );
}

fn grant_lost(cli: &Cli) {
    let stage = minted(cli);
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
    stage.sim.fault(
        Fault::dropped_after_commit()
            .on("PUT", "/access/acl")
            .times(1),
    );
    stage.main(&token(r#"[{ path = "/vms", role = "PVEAuditor" }]"#));
    stage.apply_fails(&["Unable to scope API token", "demo@pve!ci"]);
    assert_eq!(stage.sim.state(|state| state.acl().len()), 1);
    stage.main(&token("[]"));
    stage.apply();
    stage.plan_is_empty();
    assert_eq!(stage.sim.state(|state| state.acl().len()), 0);
}

fn create_late(cli: &Cli) {
    let stage = Stage::new(cli);
    stage
        .sim
        .fault(Fault::dropped_before().on("POST", "*/token/ci").times(1));
    stage.main(TOKEN);
    stage.apply_fails(&["Unable to create API token", "may still make it", "damaged"]);
    // The server makes it now, after the client has given up.
    stage
        .sim
        .state(|state| state.add_token("demo@pve!ci", true, Some("hello"), 0));
    says(&stage.apply(), &["1 added, 0 changed, 1 destroyed"]);
    works(&stage);
    stage.plan_is_empty();
}

fn unreadable(cli: &Cli) {
    let answers: [(&str, Vec<u8>); 4] = [
        ("empty", Vec::new()),
        ("not JSON", b"<html>Welcome</html>".to_vec()),
        ("cut off", br#"{"data":{"tokens":{"ci":{"priv"#.to_vec()),
        ("endless", vec![b' '; 17 * 1024 * 1024]),
    ];
    let stage = minted(cli);
    let before = stage.attributes("proxmox_api_token.t");
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
        stage
            .sim
            .fault(Fault::answer(answer).on("GET", "/access/users/demo@pve"));
        stage.plan_fails(&["Unable to read API token", "demo@pve!ci"]);
        stage.sim.clear_faults();
        assert_eq!(stage.attributes("proxmox_api_token.t"), before, "{kind}");
    }
    stage.plan_is_empty();
    works(&stage);
}
