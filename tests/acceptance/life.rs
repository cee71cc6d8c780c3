//! The life cycle of a token besides rotation: expiry, lockout, import.

use std::time::Duration;

use cli_harness::Cli;
use proxmox_simulator::Fault;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Scenario;
use super::samples::{ADDRESS, DAY, token};
use super::test_server::{ADMIN, TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    an_expiry_is_counted_on_the_servers_clock,
    a_clock_that_cannot_be_right_is_not_believed_and_told,
    a_changed_lifetime_is_updated_in_place,
    an_expiry_changed_outside_is_put_back,
    an_expiry_in_the_past_is_refused,
    a_plan_warns_before_a_token_expires,
    the_providers_own_token_is_not_revoked,
    the_providers_own_token_is_not_revoked_through_another_clusters_key,
    the_providers_own_token_neither_expires_soon_nor_loses_its_owners_rights,
    the_providers_own_token_does_not_lose_its_grants,
    the_providers_previous_token_is_not_revoked_while_in_use,
    the_providers_own_token_is_recognised_under_another_address,
    the_providers_own_new_secret_is_used_within_the_run,
    the_providers_own_token_can_rotate_with_an_overlap,
    a_token_can_be_left_in_place_at_destroy,
    a_stored_secret_is_verified_on_request,
    an_imported_token_gets_a_secret_by_rotation,
    two_resources_for_one_token_are_refused_with_the_reason,
    one_of_two_runs_that_race_for_a_name_is_refused,
    an_import_of_a_missing_token_says_what_is_missing,
    a_timeout_ends_waiting_and_nothing_is_lost,
    an_expiry_that_is_moved_by_hand_is_put_back_unless_its_date_is_ignored,
];

fn end(server: &TestServer) -> i64 {
    let token = server
        .sim
        .state(|state| state.token("demo@pve", "ci").cloned());
    i64::try_from(token.expect("the token").expire).expect("a time")
}

fn an_expiry_is_counted_on_the_servers_clock(cli: &Cli) {
    let server = TestServer::new(cli);
    server
        .sim
        .state(|state| state.set_clock_offset(-5 * 86_400));
    server.main(&token(r#"expires_in = "2d""#));
    server.apply();
    let now = server.sim.state(|state| state.now());
    assert!((end(&server) - now - 2 * 86_400).abs() < 60);
    server.plan_is_empty();
    server.main(&token(r#"expires_in = "48h""#));
    server.plan_is_empty();
}

/// A date that no clock shows gives a token neither a dead nor an eternal life.
fn a_clock_that_cannot_be_right_is_not_believed_and_told(cli: &Cli) {
    for years in [-50, 90] {
        let server = TestServer::new(cli);
        server
            .sim
            .state(|state| state.set_clock_offset(years * 365 * 86_400));
        server.main(&token(r#"expires_in = "2d""#));
        says(
            &server.apply(),
            &[
                "Clocks differ",
                "demo@pve!ci",
                "this machine's clock was used",
            ],
        );
        let now = OffsetDateTime::now_utc().unix_timestamp();
        assert!((end(&server) - now - 2 * 86_400).abs() < 60, "{years}");
    }
    let server = TestServer::new(cli);
    server.sim.state(|state| state.set_clock_offset(600));
    server.main(&token(r#"expires_in = "2d""#));
    says(
        &server.apply(),
        &["Clocks differ", "ahead of", "the host's clock was used"],
    );
}

fn a_changed_lifetime_is_updated_in_place(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(r#"expires_in = "30d""#));
    server.apply();
    let (first, secret) = (end(&server), server.attributes(ADDRESS)["secret"].clone());
    server.sim.advance(10 * DAY);
    server.main(&token(r#"expires_in = "60d""#));
    says(&server.apply(), &["1 changed"]);
    assert_eq!(end(&server) - first, 30 * 86_400);
    server.plan_is_empty();
    // Counted from the creation, this one would be over.
    server.main(&token(r#"expires_in = "5d""#));
    server.plan_fails(&["Expiry in the past", "rotate_when_changed"]);
    // Without any, the token never ends.
    server.main(&token(""));
    server.apply();
    assert_eq!(end(&server), 0);
    server.plan_is_empty();
    assert_eq!(server.attributes(ADDRESS)["secret"], secret);
}

fn an_expiry_changed_outside_is_put_back(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(r#"expires_in = "30d""#));
    server.apply();
    let meant = end(&server);
    for tampered in [0, u64::try_from(meant).expect("a time") + 1] {
        server.sim.state(|state| {
            state.token_mut("demo@pve", "ci").expect("the token").expire = tampered;
        });
        says(&server.plan(), &["expires_at", "1 to change"]);
        server.apply();
        assert_eq!(end(&server), meant);
        server.plan_is_empty();
    }
}

fn an_expiry_in_the_past_is_refused(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(r#"expiration_date = "2020-01-01T00:00:00Z""#));
    server.plan_fails(&["Expiration date in the past"]);
    // Past on the server's clock only: found before anything is made.
    server.sim.advance(5 * 365 * DAY);
    server.main(&token(r#"expiration_date = "2030-12-31T00:00:00Z""#));
    server.apply_fails(&["Expiration date in the past"]);
    assert_eq!(server.requests("POST", "/token/"), 0);
}

fn a_plan_warns_before_a_token_expires(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(r#"expires_in = "90d""#));
    server.apply();
    server.plan_is_empty();
    server.sim.advance(84 * DAY);
    let soon = server.plan();
    says(&soon, &["API token expires soon", "demo@pve!ci"]);
    assert_eq!(soon.code, Some(0));
    server.sim.advance(7 * DAY);
    let over = server.plan();
    says(&over, &["API token has expired", "rotate_when_changed"]);
    assert_eq!(over.code, Some(0));
}

/// The administrator's own token, under management.
fn own(attributes: &str) -> String {
    format!(
        r#"resource "proxmox_api_token" "own" {{
  user_id = "root@pam"
  token_name = "admin"
  privilege_separation = false
  {attributes}
}}
"#
    )
}

fn adopt(server: &TestServer) {
    let import = ["import", "-no-color", "proxmox_api_token.own", ADMIN];
    let imported = server.scratch.run(import);
    assert!(imported.ok(), "{}", imported.text());
}

fn accepts_admin(server: &TestServer) -> bool {
    let secret = server
        .sim
        .state(|state| state.token_secret(ADMIN).map(str::to_owned));
    secret.is_some_and(|secret| server.admin == format!("{ADMIN}={secret}"))
}

fn the_providers_own_token_is_not_revoked(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&own(""));
    adopt(&server);
    server.apply();
    let refusal = ["Provider would lock itself out", ADMIN, "would be revoked"];
    let run = server
        .scratch
        .run(["destroy", "-auto-approve", "-no-color"]);
    assert!(!run.ok());
    says(&run, &refusal);
    let replace = "-replace=proxmox_api_token.own";
    let run = server
        .scratch
        .run(["apply", "-auto-approve", "-no-color", replace]);
    assert!(!run.ok());
    says(&run, &refusal);
    server.main(&own(r#"rotate_when_changed = { a = "1" }"#));
    server.plan_fails(&["Provider would lock itself out", "another secret"]);
    assert!(accepts_admin(&server));
    // Meant, and so it is done.
    server.main(&own("allow_self_lockout = true"));
    server.apply();
    server.destroy();
    assert!(!accepts_admin(&server));
}

fn the_providers_own_token_is_not_revoked_through_another_clusters_key(cli: &Cli) {
    let server = TestServer::new(cli);
    let (endpoint, admin) = (server.sim.endpoint(), &server.admin);
    let second = server
        .sim
        .state(|state| state.add_token("root@pam!second", false, None, 0));
    let config = |resource: &str| {
        format!(
            r#"provider "proxmox" {{
  clusters = {{
    one = {{ endpoint = {endpoint:?}, api_token = {admin:?} }}
    two = {{ endpoint = {endpoint:?}, api_token = "root@pam!second={second}" }}
  }}
}}
{resource}"#
        )
    };
    server.main(&config(&own(r#"cluster = "two""#)));
    let id = format!("two/{ADMIN}");
    let imported = ["import", "-no-color", "proxmox_api_token.own", &id];
    assert!(server.scratch.run(imported).ok());
    server.main(&config(""));
    server.plan_fails(&["Provider would lock itself out", ADMIN]);
    assert!(accepts_admin(&server));
}

fn the_providers_own_token_neither_expires_soon_nor_loses_its_owners_rights(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&own(""));
    adopt(&server);
    server.apply();
    let refused = |attributes: &str, harm: &str| {
        server.main(&own(attributes));
        server.plan_fails(&["Provider would lock itself out", ADMIN, harm]);
    };
    refused(r#"expires_in = "12h""#, "would expire within a day");
    let soon = server.sim.state(|state| state.now()) + 3600;
    let soon = OffsetDateTime::from_unix_timestamp(soon).expect("a time");
    let soon = soon.format(&Rfc3339).expect("a date");
    refused(
        &format!("expiration_date = {soon:?}"),
        "would expire within a day",
    );
    // A life that the next runs are part of locks nobody out.
    server.main(&own(r#"expires_in = "90d""#));
    says(&server.plan(), &["1 to change"]);
    server.main(&own("").replace(
        "privilege_separation = false",
        "privilege_separation = true",
    ));
    server.plan_fails(&["would lose the privileges of its owner"]);
    assert!(accepts_admin(&server));
}

fn the_providers_own_token_does_not_lose_its_grants(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let acl =
        r#"acl = [{ path = "/", role = "Administrator" }, { path = "/vms", role = "PVEVMAdmin" }]"#;
    let user = r#"resource "proxmox_api_token" "own" {
  user_id = "root@pam"
  token_name = "scoped"
"#;
    server.main(&format!("{user}  {acl}\n}}\n"));
    server.apply();
    let minted = server.attributes("proxmox_api_token.own")["api_token"].clone();
    server.connect_as(minted.as_str().expect("a token"));
    server.main(&format!(
        r#"{user}  acl = [{{ path = "/", role = "Administrator" }}]
}}
"#
    ));
    server.plan_fails(&["Provider would lock itself out", "would lose privileges"]);
}

/// Whoever still works with the secret before the last must not lose it to another rotation.
fn the_providers_previous_token_is_not_revoked_while_in_use(cli: &Cli) {
    let server = TestServer::new(cli);
    let turn = |number: u8| {
        own(&format!(
            r#"rotation = {{ overlap = "2d" }}
  rotate_when_changed = {{ a = "{number}" }}"#
        ))
    };
    server.main(&own(r#"rotation = { overlap = "2d" }"#));
    adopt(&server);
    server.main(&turn(1));
    server.apply();
    assert!(accepts_admin(&server));
    server.main(&turn(2));
    server.plan_fails(&["Provider would lock itself out", ADMIN, "would be revoked"]);
    assert!(accepts_admin(&server));
    // Where only the next one was removed, it is made again and this one stays.
    server.main(&turn(1));
    server
        .sim
        .state(|state| state.remove_token("root@pam", "admin-b"));
    says(
        &server.apply(),
        &["removed during its overlap", "1 changed"],
    );
    assert!(accepts_admin(&server));
}

fn the_providers_own_token_is_recognised_under_another_address(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(""));
    server.apply();
    let minted = server.attributes(ADDRESS)["api_token"].clone();
    let port = server.sim.address().port();
    server.main(&format!(
        r#"provider "proxmox" {{
  clusters = {{
    other = {{ endpoint = "localhost:{port}", api_token = {minted} }}
  }}
}}
"#
    ));
    server.plan_fails(&["Provider would lock itself out", "demo@pve!ci"]);
}

fn the_providers_own_new_secret_is_used_within_the_run(cli: &Cli) {
    let server = TestServer::new(cli);
    let later = r#"resource "proxmox_api_token" "later" {
  user_id = "demo@pve"
  token_name = "later"
  depends_on = [proxmox_api_token.own]
}
"#;
    server.main(&own("allow_self_lockout = true"));
    adopt(&server);
    server.main(&format!(
        "{}{later}",
        own(r#"allow_self_lockout = true
  rotate_when_changed = { a = "1" }"#)
    ));
    server.apply();
    assert!(!accepts_admin(&server));
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "later").is_some())
    );
}

fn the_providers_own_token_can_rotate_with_an_overlap(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(&own(r#"rotation = { overlap = "2d" }"#));
    adopt(&server);
    server.main(&own(r#"rotation = { overlap = "2d" }
  rotate_when_changed = { a = "1" }"#));
    server.apply();
    assert!(accepts_admin(&server), "the old secret works for a while");
    let next = server.attributes("proxmox_api_token.own")["api_token"].clone();
    server.connect_as(next.as_str().expect("a token"));
    server.plan_is_empty();
}

fn a_token_can_be_left_in_place_at_destroy(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token("revoke_on_destroy = false"));
    server.apply();
    says(
        &server.destroy(),
        &["API token left in place", "demo@pve!ci"],
    );
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "ci").is_some())
    );
    assert_eq!(server.requests("DELETE", "/token/"), 0);
}

fn a_stored_secret_is_verified_on_request(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token("verify_secret = true"));
    server.apply();
    let fine = server.plan();
    assert!(!fine.text().contains("Stored secret"), "{}", fine.text());
    server
        .sim
        .state(|state| state.user_mut("demo@pve").enabled = false);
    says(&server.plan(), &["Stored secret is refused", "is disabled"]);
    server.sim.state(|state| {
        state.user_mut("demo@pve").enabled = true;
        let other = "11111111-2222-3333-4444-555555555555";
        state.set_token_secret("demo@pve!ci", other);
    });
    says(
        &server.plan(),
        &["Stored secret is refused", "outside of Terraform"],
    );
}

fn an_imported_token_gets_a_secret_by_rotation(cli: &Cli) {
    let server = TestServer::new(cli);
    let first = server
        .sim
        .state(|state| state.add_token("demo@pve!ci", true, None, 0));
    let import = r#"import {
  to = proxmox_api_token.t
  id = "demo@pve!ci"
}
"#;
    server.main(&format!("{import}{}", token("")));
    says(
        &server.apply(),
        &["1 imported, 0 added, 0 changed", "rotate_when_changed"],
    );
    assert_eq!(server.attributes(ADDRESS)["secret"], Value::Null);
    server.plan_is_empty();
    server.main(&token(r#"rotate_when_changed = { adopted = "1" }"#));
    server.apply();
    let secret = server.attributes(ADDRESS)["secret"].clone();
    assert!(secret.is_string() && secret != first.as_str());
    server.plan_is_empty();
}

fn two_resources_for_one_token_are_refused_with_the_reason(cli: &Cli) {
    let server = TestServer::new(cli);
    let lifecycle = r"lifecycle {
    create_before_destroy = true
  }";
    server.main(&token(lifecycle));
    server.apply();
    let secret = server.attributes(ADDRESS)["secret"].clone();
    let replace = "-replace=proxmox_api_token.t";
    let run = server
        .scratch
        .run(["apply", "-auto-approve", "-no-color", replace]);
    assert!(!run.ok());
    says(&run, &["API token already exists", "create_before_destroy"]);
    assert_eq!(server.attributes(ADDRESS)["secret"], secret);
    server.plan_is_empty();
}

fn a_timeout_ends_waiting_and_nothing_is_lost(cli: &Cli) {
    let server = TestServer::new(cli);
    // The look at the owner takes longer than all of it may.
    server
        .sim
        .fault(Fault::slow(Duration::from_secs(3)).on("GET", "/access/users/demo@pve"));
    server.main(&token(
        r#"timeouts = {
    create = "1s"
    read = "1s"
  }"#,
    ));
    server.apply_fails(&["Unable to create API token", "not done within"]);
    server.sim.clear_faults();
    assert_eq!(server.attributes(ADDRESS), Value::Null);
    server.apply();
    server.plan_is_empty();
}

/// Somebody makes a token of the same name after this run has looked and before it writes.
fn one_of_two_runs_that_race_for_a_name_is_refused(cli: &Cli) {
    let server = TestServer::new(cli);
    let overtake = |state: &mut proxmox_simulator::State| {
        state.add_token("demo@pve!ci", false, Some("of the other run"), 0);
    };
    server
        .sim
        .fault(Fault::overtaken(overtake).on("POST", "*/token/ci").times(1));
    server.main(&token(r#"comment = "of this run""#));
    server.apply_fails(&["API token already exists", "demo@pve!ci"]);
    assert_eq!(server.attributes(ADDRESS), Value::Null);
    let other = server
        .sim
        .state(|state| state.token("demo@pve", "ci").cloned())
        .expect("the other run's token");
    assert_eq!(other.comment.as_deref(), Some("of the other run"));
    assert_eq!(server.requests("DELETE", "/token/"), 0);
    assert_eq!(server.requests("PUT", "/token/"), 0);
}

fn an_import_of_a_missing_token_says_what_is_missing(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token(""));
    for (id, words) in [
        ("demo@pve!ci", "demo@pve has no token ci"),
        ("nobody@pve!ci", "has no user nobody@pve"),
        ("demo@pve", "full id"),
        ("ci", "full id"),
    ] {
        let import = server.scratch.run(["import", "-no-color", ADDRESS, id]);
        assert!(!import.ok(), "{id}");
        says(&import, &[words]);
    }
}

/// What `docs/guides/lifecycle.md` says of `ignore_changes`.
fn an_expiry_that_is_moved_by_hand_is_put_back_unless_its_date_is_ignored(cli: &Cli) {
    for (attribute, ignored, is_held) in [
        (r#"expires_in = "90d""#, "expires_in", false),
        (
            r#"expiration_date = "2037-12-31T00:00:00Z""#,
            "expiration_date",
            true,
        ),
    ] {
        let server = TestServer::new(cli);
        server.main(&token(&format!(
            "{attribute}\n  lifecycle {{\n    ignore_changes = [{ignored}]\n  }}"
        )));
        server.apply();
        let moved = end(&server) + 86_400;
        server.sim.state(|state| {
            let token = state.token_mut("demo@pve", "ci").expect("the token");
            token.expire = u64::try_from(moved).expect("a time");
        });
        server.apply();
        assert_eq!(end(&server) == moved, is_held, "{ignored}");
        server.plan_is_empty();
    }
}
