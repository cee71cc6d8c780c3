//! Rotation: when it is due, its three methods, and the end of the old secret.

use std::time::Duration;

use cli_harness::Cli;
use proxmox_simulator::{Fault, Identity, RawResponse, Version};
use serde_json::Value;

use super::Scenario;
use super::samples::{self, ADDRESS, DAY};
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_token_rotates_in_place_when_a_value_changes,
    a_token_rotates_at_an_age_and_once_only,
    a_token_rotates_before_it_expires,
    a_token_rotates_with_an_overlap_five_times,
    a_token_rotates_with_an_overlap_five_times_on_proxmox_ve_8_2,
    a_rotation_can_be_due_during_an_overlap,
    a_saved_plan_keeps_the_decision_of_its_refresh,
    an_older_server_needs_overlap_or_allow_recreate,
    a_token_is_recreated_with_every_grant_on_an_older_server,
    a_token_is_not_recreated_when_its_grants_cannot_be_restored,
    grants_written_before_a_refused_recreation_are_in_the_state,
    a_foreign_token_under_the_other_name_is_left_alone,
    a_rotation_of_another_run_is_not_undone,
    a_scheduled_rotation_does_not_replace_the_secret_of_another_run,
    a_secret_that_could_not_be_tried_is_not_called_replaced,
    the_other_name_must_not_belong_to_another_resource,
    a_token_removed_during_its_overlap_is_created_again,
    a_token_that_others_create_again_during_its_overlap_is_not_taken_over,
    an_unknown_value_rotates_at_apply,
    another_resource_takes_the_new_secret_in_the_same_apply,
    destroy_revokes_both_tokens,
    an_import_looks_under_both_names,
];

const TOKEN: &str = "demo@pve!ci";
const OTHER: &str = "demo@pve!ci-b";

/// A token with a comment and these attributes.
fn token(attributes: &str) -> String {
    samples::token(&format!(
        r#"comment = "kept"
  {attributes}"#
    ))
}

fn keeper(value: u32) -> String {
    format!(
        r#"rotate_when_changed = {{ key = "{value}" }}
"#
    )
}

/// A token that rotates with an overlap when the value changes.
fn with_overlap(value: u32) -> String {
    token(&format!(
        r#"{}  rotation = {{ overlap = "48h" }}"#,
        keeper(value)
    ))
}

fn secret(server: &TestServer) -> String {
    let attributes = server.attributes(ADDRESS);
    attributes["secret"].as_str().expect("a secret").to_owned()
}

fn on_server(server: &TestServer, id: &str) -> Option<String> {
    server
        .sim
        .state(|state| state.token_secret(id).map(str::to_owned))
}

/// Asserts that the outputs name a token that the server would accept, and that no more is to do.
fn works(server: &TestServer) -> Value {
    let attributes = server.attributes(ADDRESS);
    let id = attributes["token_id"].as_str().expect("an id");
    let secret = attributes["secret"].as_str().expect("a secret");
    assert_eq!(on_server(server, id).as_deref(), Some(secret));
    assert_eq!(attributes["api_token"], format!("{id}={secret}"));
    assert_eq!(attributes["id"], TOKEN);
    server.plan_is_empty();
    attributes
}

fn end(server: &TestServer, name: &str) -> Option<u64> {
    let token = server
        .sim
        .state(|state| state.token("demo@pve", name).cloned());
    token.map(|token| token.expire)
}

fn a_token_rotates_in_place_when_a_value_changes(cli: &Cli) {
    let server = TestServer::new(cli);
    let acl = r#"acl = [{ path = "/vms", role = "PVEAuditor" }]
"#;
    server.main(&token(&format!("{acl}{}", keeper(1))));
    server.apply();
    let (before, first) = (works(&server), secret(&server));
    assert_eq!(before["rotated_at"], Value::Null);

    server.sim.clear_requests();
    server.main(&token(&format!("{acl}{}", keeper(2))));
    says(&server.apply(), &["0 added, 1 changed, 0 destroyed"]);
    let after = works(&server);
    assert_ne!(secret(&server), first);
    assert_eq!(after["rotation_method"], "regenerate");
    assert_eq!(after["token_id"], TOKEN);
    assert!(after["rotated_at"].is_string());
    assert_eq!(after["created_at"], before["created_at"]);
    assert_eq!(server.sim.state(|state| state.acl().len()), 1);
    assert_eq!(server.requests("DELETE", "/token/"), 0);
    assert_eq!(server.requests("POST", "/token/"), 0);
}

fn a_token_rotates_at_an_age_and_once_only(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(r#"rotation = { every = "30d" }"#));
    server.apply();
    let first = secret(&server);
    server.sim.advance(29 * DAY);
    server.plan_is_empty();
    server.sim.advance(DAY);
    server.apply();
    let rotated = works(&server);
    assert_ne!(secret(&server), first);
    assert_eq!(rotated["rotation_method"], "regenerate");
    // The same cause does not strike twice, and the next age counts from here.
    let second = secret(&server);
    server.apply();
    server.sim.advance(29 * DAY);
    server.apply();
    assert_eq!(secret(&server), second);
    server.sim.advance(DAY);
    server.apply();
    assert_ne!(secret(&server), second);
}

fn a_token_rotates_before_it_expires(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(
        r#"expires_in = "90d"
  rotation = { before_expiry = "14d" }"#,
    ));
    server.apply();
    let first = end(&server, "ci").expect("a token");
    server.sim.advance(75 * DAY);
    server.plan_is_empty();
    server.sim.advance(DAY);
    server.apply();
    works(&server);
    let second = end(&server, "ci").expect("a token");
    let moved = second - first;
    assert!((76 * 86_400..76 * 86_400 + 60).contains(&moved), "{moved}");

    // Also when it is too late already.
    server.sim.advance(91 * DAY);
    server.apply();
    works(&server);
    assert!(end(&server, "ci").expect("a token") > second);
}

fn a_token_rotates_with_an_overlap_five_times(cli: &Cli) {
    five_times(&TestServer::new(cli));
}

fn a_token_rotates_with_an_overlap_five_times_on_proxmox_ve_8_2(cli: &Cli) {
    five_times(&TestServer::with(cli, Version::V8_2));
}

fn five_times(server: &TestServer) {
    server.main(&token(
        r#"expires_in = "90d"
  rotation = { every = "30d", overlap = "48h" }
  acl = [{ path = "/vms", role = "PVEAuditor" }]"#,
    ));
    server.apply();
    // Somebody else's grant goes along, and is never declared by it.
    server
        .sim
        .state(|state| state.set_acl("/storage", "PVEDatastoreUser", TOKEN, true));
    server.apply();
    for round in 0..5 {
        let (now, previous) = match round % 2 {
            0 => ("ci-b", "ci"),
            _ => ("ci", "ci-b"),
        };
        let before = server.attributes(ADDRESS);
        server.sim.advance(30 * DAY);
        server.apply();
        let after = works(server);
        assert_eq!(after["token_id"], format!("demo@pve!{now}"));
        assert_eq!(after["previous_token_id"], format!("demo@pve!{previous}"));
        assert_eq!(after["rotation_method"], "alternate");
        assert_ne!(after["secret"], before["secret"]);
        assert_eq!(
            on_server(server, &format!("demo@pve!{previous}")).as_deref(),
            before["secret"].as_str()
        );
        let left = end(server, previous).expect("the previous token");
        let time = u64::try_from(server.sim.state(|state| state.now())).expect("a time");
        assert!(left.abs_diff(time + 2 * 86_400) < 60);
        let granted = server.sim.state(|state| {
            let of_this = |entry: &&(String, String, proxmox_simulator::Subject, bool)| {
                entry.2 == proxmox_simulator::Subject::Token(format!("demo@pve!{now}"))
            };
            state.acl().iter().filter(of_this).count()
        });
        assert_eq!(granted, 2);

        // A later apply removes the previous token, once it has died by itself.
        server.sim.advance(2 * DAY);
        says(&server.apply(), &["0 added, 1 changed, 0 destroyed"]);
        assert_eq!(end(server, previous), None);
        assert_eq!(works(server)["previous_token_id"], Value::Null);
    }
}

fn a_rotation_can_be_due_during_an_overlap(cli: &Cli) {
    let server = TestServer::new(cli);
    for value in 1..4 {
        server.main(&with_overlap(value));
        server.apply();
        works(&server);
    }
    let attributes = server.attributes(ADDRESS);
    assert_eq!(attributes["token_id"], TOKEN);
    assert_eq!(attributes["previous_token_id"], OTHER);
}

fn a_saved_plan_keeps_the_decision_of_its_refresh(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(r#"rotation = { every = "30d" }"#));
    server.apply();
    let first = secret(&server);
    // Not due when it is planned, due when it is applied: the plan stands.
    server.sim.advance(30 * DAY - Duration::from_secs(600));
    let saved = server.scratch.run(["plan", "-no-color", "-out=saved"]);
    assert!(saved.ok(), "{}", saved.text());
    server.sim.advance(DAY);
    let applied = server.scratch.run(["apply", "-no-color", "saved"]);
    assert!(applied.ok(), "{}", applied.text());
    assert_eq!(secret(&server), first);
    // Due when it is planned: applied as planned.
    let saved = server.scratch.run(["plan", "-no-color", "-out=saved"]);
    says(&saved, &["1 to change"]);
    let applied = server.scratch.run(["apply", "-no-color", "saved"]);
    assert!(applied.ok(), "{}", applied.text());
    assert_ne!(secret(&server), first);
    works(&server);
}

fn an_older_server_needs_overlap_or_allow_recreate(cli: &Cli) {
    for version in [Version::V8_2, Version::V9_0] {
        let server = TestServer::with(cli, version);
        server.main(&token(&keeper(1)));
        server.apply();
        let first = secret(&server);
        server.main(&token(&keeper(2)));
        server.plan_fails(&[
            "Server cannot replace a secret in place",
            TOKEN,
            "rotation.overlap",
            "allow_recreate",
        ]);
        assert_eq!(on_server(&server, TOKEN), Some(first));
    }
}

fn a_token_is_recreated_with_every_grant_on_an_older_server(cli: &Cli) {
    let server = TestServer::with(cli, Version::V8_2);
    let config = |value| {
        token(&format!(
            r#"allow_recreate = true
  expiration_date = "2037-12-31T00:00:00Z"
  acl = [{{ path = "/vms", role = "PVEAuditor" }}]
  {}"#,
            keeper(value)
        ))
    };
    server.main(&config(1));
    server.apply();
    server
        .sim
        .state(|state| state.set_acl("/storage", "PVEDatastoreUser", TOKEN, false));
    let (before, first) = (server.sim.state(|state| state.acl()), secret(&server));
    server.main(&config(2));
    says(
        &server.apply(),
        &["API token will be recreated", "0 added, 1 changed"],
    );
    assert_eq!(works(&server)["rotation_method"], "recreate");
    assert_ne!(secret(&server), first);
    assert_eq!(server.sim.state(|state| state.acl()), before);
    server.sim.state(|state| {
        let token = state.token("demo@pve", "ci").expect("the token");
        assert_eq!(token.comment.as_deref(), Some("kept"));
        assert_eq!(token.expire, 2_145_830_400);
    });
}

/// A credential that may make tokens and revoke them, but neither see nor write every grant.
fn a_token_is_not_recreated_when_its_grants_cannot_be_restored(cli: &Cli) {
    let mut server = TestServer::with(cli, Version::V8_2);
    let config = |value| token(&format!("allow_recreate = true\n  {}", keeper(value)));
    server.main(&config(1));
    server.apply();
    let first = secret(&server);
    let limited = server.sim.state(|state| {
        state.set_acl("/storage", "PVEDatastoreUser", TOKEN, true);
        state.add_user("minter@pve", "minter-pass-1");
        state.add_role("Minter", &["User.Modify"]);
        state.set_acl("/access", "Minter", "minter@pve", true);
        state.add_token("minter@pve!tt", false, None, 0)
    });
    server.connect_as(&format!("minter@pve!tt={limited}"));
    server.main(&config(2));
    server.apply_fails(&["Unable to rotate API token", "Sys.Audit on /access"]);
    server.sim.state(|state| {
        state.add_role("Minter2", &["User.Modify", "Sys.Audit"]);
        state.set_acl("/access", "Minter2", "minter@pve", true);
    });
    server.apply_fails(&["Permissions.Modify on /storage"]);
    assert_eq!(on_server(&server, TOKEN), Some(first));
}

/// The new grant is written before the server shows that it cannot rotate in place.
fn grants_written_before_a_refused_recreation_are_in_the_state(cli: &Cli) {
    let mut server = TestServer::with(cli, Version::V8_2);
    server.main(&token(&keeper(1)));
    server.apply();
    let limited = server.sim.state(|state| {
        state.add_user("minter@pve", "minter-pass-1");
        state.add_role("Minter", &["User.Modify"]);
        state.add_role("Granter", &["Permissions.Modify"]);
        state.set_acl("/access", "Minter", "minter@pve", true);
        state.set_acl("/vms", "Granter", "minter@pve", true);
        state.add_token("minter@pve!tt", false, None, 0)
    });
    server.connect_as(&format!("minter@pve!tt={limited}"));
    server.main(&token(&format!(
        r#"allow_recreate = true
  acl = [{{ path = "/vms", role = "PVEAuditor" }}]
  {}"#,
        keeper(2)
    )));
    server.apply_fails(&["Unable to rotate API token", "Sys.Audit on /access"]);
    assert_eq!(server.attributes(ADDRESS)["acl"][0]["path"], "/vms");
}

fn a_foreign_token_under_the_other_name_is_left_alone(cli: &Cli) {
    let server = TestServer::new(cli);
    let with = |value, overlap: &str| samples::token(&format!("{}  {overlap}", keeper(value)));
    let overlap = r#"rotation = { overlap = "48h" }"#;
    server.main(&with(1, ""));
    server.apply();
    // With the same settings as ours: looks prove nothing.
    let foreign = server
        .sim
        .state(|state| state.add_token(OTHER, true, None, 0));
    let is_kept = || assert_eq!(on_server(&server, OTHER).as_deref(), Some(foreign.as_str()));
    // When the overlap is turned on, with a rotation and without.
    for value in [1, 2] {
        server.main(&with(value, overlap));
        server.plan_fails(&["Second name of the API token is taken", OTHER]);
        is_kept();
    }
    // A new token with an overlap is told at once.
    server.main(&with(1, ""));
    server.destroy();
    server.main(&with(1, overlap));
    server.plan_fails(&["Second name of the API token is taken", OTHER]);
    assert_eq!(on_server(&server, TOKEN), None);
    is_kept();
}

/// The other run's state has the token in use; this run's state still has its predecessor.
fn a_rotation_of_another_run_is_not_undone(cli: &Cli) {
    let server = TestServer::new(cli);
    let state = server.scratch.file("terraform.tfstate");
    for (value, in_use) in [(2, OTHER), (3, TOKEN)] {
        server.main(&with_overlap(value - 1));
        server.apply();
        let before = std::fs::read(&state).expect("a state");
        server.main(&with_overlap(value));
        server.apply();
        let (after, theirs) = (std::fs::read(&state).expect("a state"), secret(&server));
        std::fs::write(&state, &before).expect("the state of the other run");
        let refused = server
            .scratch
            .run(["apply", "-auto-approve", "-no-color", "-refresh=false"]);
        assert!(!refused.ok(), "{}", refused.text());
        says(&refused, &[in_use, "nother run of this configuration"]);
        assert_eq!(on_server(&server, in_use), Some(theirs));
        std::fs::write(&state, after).expect("the state of the other run");
        works(&server);
    }
}

/// A schedule finds that another run was faster, and does not replace its secret.
fn a_scheduled_rotation_does_not_replace_the_secret_of_another_run(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(r#"rotation = { every = "30d" }"#));
    server.apply();
    server.sim.advance(30 * DAY);
    let theirs = "11111111-2222-3333-4444-555555555555";
    server
        .sim
        .state(|state| state.set_token_secret(TOKEN, theirs));
    server.apply_fails(&[
        "Unable to rotate API token",
        "the server refuses the stored secret",
        "rotate_when_changed",
    ]);
    assert_eq!(on_server(&server, TOKEN).as_deref(), Some(theirs));
    // One that the configuration asks for goes on, and says so.
    server.main(&token(&format!(
        r#"{}  rotation = {{ every = "30d" }}"#,
        keeper(1)
    )));
    says(
        &server.apply(),
        &["Stored secret was already replaced", TOKEN],
    );
    works(&server);
}

/// Only a secret that the server refuses was replaced.
fn a_secret_that_could_not_be_tried_is_not_called_replaced(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(r#"rotation = { every = "30d" }"#));
    server.apply();
    let first = secret(&server);
    server.sim.advance(30 * DAY);
    let failing = Fault::response(RawResponse::json(500, r#"{"data":null}"#));
    let of_the_token = Identity::Token(TOKEN.to_owned());
    server
        .sim
        .fault(failing.when(move |request| request.identity == of_the_token));
    let rotated = server.apply();
    assert!(!rotated.text().contains("replaced"), "{}", rotated.text());
    assert_ne!(secret(&server), first);
    works(&server);
}

/// It would be taken for what an interrupted rotation left there.
fn the_other_name_must_not_belong_to_another_resource(cli: &Cli) {
    let server = TestServer::new(cli);
    let both = |attributes: &str| {
        let second = token("")
            .replace(r#""t""#, r#""second""#)
            .replace(r#""ci""#, r#""ci-b""#);
        format!("{}{second}", token(attributes))
    };
    server.main(&both(""));
    server.apply();
    server.plan_is_empty();
    server.main(&both(r#"rotation = { overlap = "48h" }"#));
    server.plan_fails(&["API token name used twice", TOKEN, OTHER]);
}

/// As after a run that was killed between the creation and the state.
fn a_token_that_others_create_again_during_its_overlap_is_not_taken_over(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&with_overlap(1));
    server.apply();
    server.main(&with_overlap(2));
    server.apply();
    let removed = |state: &mut proxmox_simulator::State| state.remove_token("demo@pve", "ci-b");
    server.sim.state(removed);
    let refresh = ["apply", "-refresh-only", "-auto-approve", "-no-color"];
    assert!(server.scratch.run(refresh).ok());
    let created = |state: &mut proxmox_simulator::State| state.add_token(OTHER, true, None, 0);
    let secret = server.sim.state(created);
    server.apply_fails(&["API token created outside of Terraform", OTHER]);
    let kept =
        |state: &mut proxmox_simulator::State| state.token_secret(OTHER) == Some(secret.as_str());
    assert!(server.sim.state(kept));
    server.sim.state(removed);
    server.apply();
    works(&server);
    server.plan_is_empty();
}

fn a_token_removed_during_its_overlap_is_created_again(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&with_overlap(1));
    server.apply();
    server.main(&with_overlap(2));
    server.apply();
    let before = works(&server);
    assert_eq!(before["token_id"], OTHER);
    server
        .sim
        .state(|state| state.remove_token("demo@pve", "ci-b"));
    says(
        &server.apply(),
        &["API token removed during its overlap", "1 changed"],
    );
    let after = works(&server);
    assert_eq!(after["token_id"], OTHER);
    assert_eq!(after["previous_token_id"], TOKEN);
    assert_ne!(after["secret"], before["secret"]);
    // That the one before is gone is believed only of a node that sees the majority.
    let gone = |state: &mut proxmox_simulator::State| {
        state.remove_token("demo@pve", "ci");
        state.add_node("pve2", false);
        state.add_node("pve3", false);
    };
    server.sim.state(gone);
    says(&server.apply(), &["API token not found but kept", TOKEN]);
    assert_eq!(server.attributes(ADDRESS)["previous_token_id"], TOKEN);
    server.sim.state(|state| {
        state.add_node("pve2", true);
        state.add_node("pve3", true);
    });
    // With both gone there is nothing left to keep.
    server.sim.state(|state| {
        state.remove_token("demo@pve", "ci");
        state.remove_token("demo@pve", "ci-b");
    });
    says(&server.apply(), &["1 added, 0 changed, 0 destroyed"]);
    assert_eq!(works(&server)["token_id"], TOKEN);
}

fn an_unknown_value_rotates_at_apply(cli: &Cli) {
    let server = TestServer::new(cli);
    let config = |input: u32| {
        format!(
            r#"resource "terraform_data" "d" {{
  input = "{input}"
}}
{}"#,
            token("rotate_when_changed = { key = terraform_data.d.output }")
        )
    };
    server.main(&config(1));
    server.apply();
    let first = secret(&server);
    server.main(&config(2));
    server.apply();
    works(&server);
    assert_ne!(secret(&server), first);
    // Replaced, and with the same value again: unknown in the plan, unchanged at apply.
    let second = secret(&server);
    let replaced = [
        "apply",
        "-auto-approve",
        "-no-color",
        "-replace=terraform_data.d",
    ];
    assert!(server.scratch.run(replaced).ok());
    assert_eq!(secret(&server), second);
    works(&server);
}

fn another_resource_takes_the_new_secret_in_the_same_apply(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.prints_a_secret("the output of `terraform_data` is not sensitive");
    let config = |value| {
        format!(
            r#"{}resource "terraform_data" "app" {{
  input = proxmox_api_token.t.api_token
}}
"#,
            token(&format!(
                r#"{}  rotation = {{ overlap = "48h" }}"#,
                keeper(value)
            ))
        )
    };
    for value in 1..3 {
        server.main(&config(value));
        server.apply();
        let taken = server.attributes("terraform_data.app");
        assert_eq!(
            taken["output"]["value"],
            server.attributes(ADDRESS)["api_token"]
        );
        works(&server);
    }
}

fn destroy_revokes_both_tokens(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&with_overlap(1));
    server.apply();
    server.main(&with_overlap(2));
    server.apply();
    assert!(on_server(&server, TOKEN).is_some() && on_server(&server, OTHER).is_some());
    server.destroy();
    assert!(on_server(&server, TOKEN).is_none() && on_server(&server, OTHER).is_none());
}

fn an_import_looks_under_both_names(cli: &Cli) {
    let server = TestServer::new(cli);
    let config = |value| {
        token(&format!(
            r#"expires_in = "90d"
  {}  rotation = {{ overlap = "48h" }}"#,
            keeper(value)
        ))
    };
    server.main(&config(1));
    server.apply();
    server.main(&config(2));
    server.apply();
    assert!(server.scratch.run(["state", "rm", ADDRESS]).ok());
    // Which of the two is in use cannot be known, so the id that was asked for decides.
    let imported = server.scratch.run(["import", "-no-color", ADDRESS, TOKEN]);
    says(&imported, &["Imported without its secret", OTHER]);
    let attributes = server.attributes(ADDRESS);
    assert_eq!(attributes["token_id"], TOKEN);
    assert_eq!(attributes["previous_token_id"], Value::Null);
    // The keepers are new to the state, so the next plan rotates, and the second name is taken.
    server.plan_fails(&["Second name of the API token is taken", OTHER]);
    // With the second name alone, the token under it is the one in use.
    assert!(server.scratch.run(["state", "rm", ADDRESS]).ok());
    server
        .sim
        .state(|state| state.remove_token("demo@pve", "ci"));
    let imported = server.scratch.run(["import", "-no-color", ADDRESS, TOKEN]);
    assert!(imported.ok(), "{}", imported.text());
    assert_eq!(server.attributes(ADDRESS)["token_id"], OTHER);
    server.apply();
    assert_eq!(works(&server)["token_id"], TOKEN);
}
