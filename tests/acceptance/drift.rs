//! Changes on the server that are made outside of Terraform.

use cli_harness::Cli;
use proxmox_simulator::TlsOptions;
use serde_json::Value;

use super::Scenario;
use super::samples::{self, DAY, TOKEN};
use super::test_server::{TestServer, attributes, says};
use super::tokens::minted;

pub const SCENARIOS: &[Scenario] = scenarios![
    a_changed_comment_is_put_back,
    an_expiry_removed_outside_is_put_back,
    privilege_separation_switched_off_outside_is_put_back,
    a_token_deleted_outside_is_planned_for_creation,
    a_token_whose_owner_was_deleted_is_planned_for_creation,
    an_isolated_nodes_absence_is_not_believed,
    an_absence_is_believed_of_a_host_that_is_well,
    a_plan_that_was_overtaken_says_to_plan_again,
    a_node_that_answers_from_the_past_takes_nothing_out_of_the_state,
    a_refresh_without_drift_changes_nothing,
];

fn a_changed_comment_is_put_back(cli: &Cli) {
    let server = minted(cli);
    change(&server, |token| token.comment = Some("tampered".to_owned()));
    says(&server.plan(), &["tampered", "first", "1 to change"]);
    put_back(&server);
}

fn an_expiry_removed_outside_is_put_back(cli: &Cli) {
    let server = minted(cli);
    change(&server, |token| token.expire = 0);
    says(&server.plan(), &["expiration_date", "1 to change"]);
    put_back(&server);
    server.sim.state(|state| {
        assert_eq!(
            state.token("demo@pve", "ci").expect("the token").expire,
            2_145_830_400
        );
    });
}

fn privilege_separation_switched_off_outside_is_put_back(cli: &Cli) {
    let server = minted(cli);
    change(&server, |token| token.privilege_separation = false);
    says(&server.plan(), &["privilege_separation", "1 to change"]);
    put_back(&server);
}

fn a_token_deleted_outside_is_planned_for_creation(cli: &Cli) {
    let server = minted(cli);
    server
        .sim
        .state(|state| state.remove_token("demo@pve", "ci"));
    says(&server.plan(), &["1 to add, 0 to change, 0 to destroy"]);
    server.apply();
    server.plan_is_empty();
}

fn a_token_whose_owner_was_deleted_is_planned_for_creation(cli: &Cli) {
    let server = minted(cli);
    server.sim.state(|state| state.remove_user("demo@pve"));
    says(&server.plan(), &["1 to add, 0 to change, 0 to destroy"]);
    server.apply_fails(&[
        "Owner of the API token does not exist",
        "demo@pve",
        "user_id",
    ]);
    server
        .sim
        .state(|state| state.add_user("demo@pve", "demo-pass-1"));
    server.apply();
    server.plan_is_empty();
}

fn an_isolated_nodes_absence_is_not_believed(cli: &Cli) {
    let server = minted(cli);
    server.sim.state(|state| {
        state.remove_token("demo@pve", "ci");
        state.add_node("pve2", false);
        state.add_node("pve3", false);
    });
    let run = server.plan();
    says(
        &run,
        &["API token not found but kept", "demo@pve!ci", "majority"],
    );
    assert_eq!(run.code, Some(0), "{}", run.stdout);
}

/// Between plan and apply somebody removes the token, or its owner.
fn a_plan_that_was_overtaken_says_to_plan_again(cli: &Cli) {
    let token_gone: fn(&mut proxmox_simulator::State) =
        |state| state.remove_token("demo@pve", "ci");
    let owner_gone: fn(&mut proxmox_simulator::State) = |state| state.remove_user("demo@pve");
    for remove in [token_gone, owner_gone] {
        let server = minted(cli);
        change(&server, |token| token.comment = Some("tampered".to_owned()));
        let planned = server.scratch.run(["plan", "-no-color", "-out=stale.plan"]);
        assert!(planned.ok(), "{}", planned.text());
        server.sim.state(remove);
        let run = server.scratch.run(["apply", "-no-color", "stale.plan"]);
        assert!(!run.ok(), "{}", run.text());
        says(&run, &["Plan overtaken", "demo@pve!ci", "lan again"]);
    }
}

/// The statistics daemon hangs, or the other node of two is off: the host itself is well.
fn an_absence_is_believed_of_a_host_that_is_well(cli: &Cli) {
    let unknown: fn(&mut proxmox_simulator::State) = |state| state.nodes[0].reports = false;
    let two_nodes: fn(&mut proxmox_simulator::State) = |state| {
        state.add_node("pve2", false);
        let cluster = state.cluster.as_mut().expect("a cluster");
        cluster.quorate = true;
    };
    for change in [unknown, two_nodes] {
        let server = minted(cli);
        server.sim.state(|state| {
            change(state);
            state.remove_token("demo@pve", "ci");
        });
        says(&server.plan(), &["1 to add, 0 to change, 0 to destroy"]);
    }
}

/// The node that knows is down, and the next one was cut off before the token was made.
fn a_node_that_answers_from_the_past_takes_nothing_out_of_the_state(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let past = server.sim.join_and_cut_off("pve2", &TlsOptions::default());
    let past = past.expect("a node");
    let pins = [&server.sim, &past].map(|node| node.certificate_fingerprint().to_owned());
    server.scratch.set("PROXMOX_VE_ENDPOINTS", &past.endpoint());
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", &pins.join(","));
    server.main(TOKEN);
    server.apply();
    let before = server.attributes("proxmox_api_token.t");
    let kept = ["API token not found but kept", "majority"];
    let scratch = server.plan_without_server(&[], &kept);
    let apply = scratch.run(["apply", "-no-color", "-auto-approve"]);
    assert!(apply.ok(), "{}", apply.text());
    assert_eq!(attributes(&scratch, "proxmox_api_token.t"), before);
    // Nor does it make a token anew, or say that it did.
    let another = TOKEN
        .replace(r#""t""#, r#""another""#)
        .replace("ci", "another");
    scratch.write("another.tf", &another).expect("another.tf");
    let apply = scratch.run(["apply", "-no-color", "-auto-approve"]);
    assert!(!apply.ok(), "{}", apply.text());
    says(&apply, &["no quorum"]);
    assert_eq!(
        attributes(&scratch, "proxmox_api_token.another"),
        Value::Null
    );
}

fn change(server: &TestServer, change: impl FnOnce(&mut proxmox_simulator::Token)) {
    server.sim.state(|state| {
        change(state.token_mut("demo@pve", "ci").expect("the token"));
    });
}

/// Applies, and asserts that the secret was not touched by it.
fn put_back(server: &TestServer) {
    let before = server.attributes("proxmox_api_token.t")["secret"].clone();
    server.apply();
    server.plan_is_empty();
    assert_eq!(server.attributes("proxmox_api_token.t")["secret"], before);
}

/// The usual job that looks for drift, and an apply without changes: the state stays as it is, also
/// as time passes, until something is to be decided.
fn a_refresh_without_drift_changes_nothing(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&samples::token(
        r#"expires_in = "90d"
  rotation = { every = "30d", overlap = "48h" }"#,
    ));
    server.apply();
    // Terraform 1.11 compares the names of sensitive attributes in the order in which it happened to
    // write them, and so finds a difference in about every second run.
    let finds_no_drift = || {
        let refresh = ["plan", "-no-color", "-refresh-only", "-detailed-exitcode"];
        let runs = if cli.to_string().contains("1.11") {
            20
        } else {
            1
        };
        (0..runs).any(|_| server.scratch.run(refresh).code == Some(0))
    };
    let state = || {
        let text = std::fs::read_to_string(server.scratch.file("terraform.tfstate"));
        let state: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
        let instance = &state["resources"][0]["instances"][0];
        (instance["attributes"].clone(), instance["private"].clone())
    };
    let mut before = state();
    for round in 0..3 {
        server.sim.advance(DAY);
        assert!(finds_no_drift(), "round {round}");
        server.apply();
        assert_eq!(state(), before, "round {round}");
        // The same during the overlap that follows a rotation.
        if round == 1 {
            server.sim.advance(28 * DAY);
            server.apply();
            before = state();
        }
    }
}
