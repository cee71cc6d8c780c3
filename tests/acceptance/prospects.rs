//! What a plan says before anything happens: a connection that cannot work, an owner or a name
//! that cannot be used, and the reason for a rotation.

use cli_harness::Cli;
use proxmox_simulator::closed_port;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Scenario;
use super::samples::{self, ADDRESS, DAY};
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_plan_without_an_address_or_a_credential_fails,
    a_plan_without_a_server_says_that_nothing_was_checked,
    a_replacement_that_cannot_be_created_is_refused_before_it_revokes,
    a_replacement_by_a_name_or_owner_that_cannot_be_used_is_a_warning,
    two_resources_must_not_have_one_token,
    an_owner_that_ends_before_its_token_is_a_warning,
    a_plan_says_why_a_token_is_rotated,
    a_map_that_is_removed_rotates_nothing,
];

const TOKEN: &str = "demo@pve!ci";

fn a_plan_without_an_address_or_a_credential_fails(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let host = r#"resource "proxmox_host" "h" {
  name = "h"
}
"#;
    for configuration in [samples::token("").as_str(), host] {
        server.main(configuration);
        let api_token = server.admin.clone();
        server.connect_as(&api_token);
        server.scratch.set("PROXMOX_VE_API_TOKEN", "");
        server.plan_fails(&["Missing Proxmox VE credentials", "PROXMOX_VE_API_TOKEN"]);
        server.connect_as(&api_token);
        server.scratch.set("PROXMOX_VE_ENDPOINT", "");
        server.plan_fails(&["Missing Proxmox VE address", "PROXMOX_VE_ENDPOINT"]);
    }
}

/// It is said once, for however many tokens.
fn a_plan_without_a_server_says_that_nothing_was_checked(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(
        r#"resource "proxmox_api_token" "t" {
  for_each   = toset(["ca", "cb", "cc"])
  user_id    = "demo@pve"
  token_name = each.key
}
"#,
    );
    let closed = closed_port().expect("a port");
    server
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &closed.to_string());
    let run = server.plan();
    says(
        &run,
        &[
            "3 to add",
            "Plan not checked against Proxmox VE",
            "pveproxy service",
        ],
    );
    assert_eq!(run.stdout.matches("Plan not checked").count(), 1);
    assert!(!run.text().contains("similar warning"), "{}", run.text());
}

fn a_replacement_that_cannot_be_created_is_refused_before_it_revokes(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&samples::token(""));
    server.apply();
    for cluster in ["berlin", ""] {
        server.main(&samples::token(&format!("cluster = {cluster:?}")));
        server.plan_fails(&["No such cluster"]);
        server.apply_fails(&["No such cluster"]);
    }
    assert_eq!(server.requests("DELETE", "/token/"), 0);
    let host = |line: &str| {
        format!(
            r#"resource "proxmox_host" "h" {{
  name = "h"
  {line}
}}
"#
        )
    };
    server.main(&host(""));
    server.apply();
    server.main(&host(r#"cluster = "berlin""#));
    server.plan_fails(&["No such cluster"]);
}

fn a_replacement_by_a_name_or_owner_that_cannot_be_used_is_a_warning(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&samples::token(""));
    server.apply();
    server.sim.state(|state| {
        state.add_token("demo@pve!taken", true, None, 0);
    });
    server.main(&samples::token("").replace(r#""ci""#, r#""taken""#));
    says(
        &server.plan(),
        &[
            "API token already exists",
            "demo@pve!taken",
            "must be replaced",
        ],
    );
    server.main(&samples::token("").replace("demo@pve", "nobody@pve"));
    says(
        &server.plan(),
        &["Owner of the API token does not exist", "nobody@pve"],
    );
    // Replaced by itself, the name is its own.
    server.main(&samples::token(""));
    let replace = ["plan", "-no-color", &format!("-replace={ADDRESS}")].map(str::to_owned);
    let run = server.scratch.run(replace);
    assert!(!run.text().contains("already exists"), "{}", run.text());
    says(&run, &["1 to add", "1 to destroy"]);
}

fn two_resources_must_not_have_one_token(cli: &Cli) {
    let server = TestServer::new(cli);
    let second = samples::token("").replace(r#""t""#, r#""second""#);
    server.main(&format!("{}{second}", samples::token("")));
    server.plan_fails(&["API token name used twice", TOKEN]);
    // Also when one of them exists, and when both were imported.
    server.main(&samples::token(""));
    server.apply();
    server.main(&format!("{}{second}", samples::token("")));
    let imported = ["import", "-no-color", "proxmox_api_token.second", TOKEN];
    assert!(server.scratch.run(imported).ok());
    server.plan_fails(&["API token name used twice", TOKEN, "terraform state rm"]);
    server.main(&samples::token(""));
    let removed = ["state", "rm", "proxmox_api_token.second"];
    assert!(server.scratch.run(removed).ok());
    server.plan_is_empty();
}

fn an_owner_that_ends_before_its_token_is_a_warning(cli: &Cli) {
    let server = TestServer::new(cli);
    let now = server.sim.state(|state| state.now());
    server.sim.state(|state| {
        let user = state.user_mut("demo@pve");
        user.expire = u64::try_from(now).expect("a time") + 30 * 86_400;
    });
    server.main(&samples::token(r#"expires_in = "29d""#));
    let run = server.plan();
    assert!(!run.text().contains("Warning: Owner"), "{}", run.text());
    server.main(&samples::token(r#"expires_in = "90d""#));
    says(
        &server.plan(),
        &[
            "Owner of the API token expires first",
            "demo@pve expires at",
        ],
    );
    server.apply();
    // The owner's end is the token's.
    let owner_ends = now + 30 * 86_400;
    let ends = server.attributes(ADDRESS)["effective_expires_at"].clone();
    let date = OffsetDateTime::from_unix_timestamp(owner_ends).expect("a time");
    assert_eq!(ends, date.format(&Rfc3339).expect("a date"));
    server.plan_is_empty();
    server.sim.state(|state| {
        let user = state.user_mut("demo@pve");
        user.enabled = false;
    });
    server.main(&samples::token(r#"expires_in = "80d""#));
    says(
        &server.plan(),
        &["Owner of the API token is disabled", "demo@pve"],
    );
}

fn a_plan_says_why_a_token_is_rotated(cli: &Cli) {
    let server = TestServer::new(cli);
    let with = |attributes: &str, key: u32| {
        samples::token(&format!(
            "{attributes}\n  rotate_when_changed = {{ key = \"{key}\" }}"
        ))
    };
    server.main(&with(r#"rotation = { every = "30d" }"#, 1));
    server.apply();
    server.plan_is_empty();
    server.main(&with(r#"rotation = { every = "30d" }"#, 2));
    says(
        &server.plan(),
        &[
            "API token will be rotated",
            "`rotate_when_changed` changes",
            "The present secret stops working during the apply",
        ],
    );
    server.main(&with(r#"rotation = { every = "30d" }"#, 1));
    server.sim.advance(30 * DAY);
    says(
        &server.plan(),
        &["it has reached the age of `rotation.every` (30d)"],
    );
    server.main(&with(r#"rotation = { every = "30d", overlap = "48h" }"#, 1));
    says(
        &server.plan(),
        &[
            "keeps working for 48h after the apply",
            "`token_id` and `secret` together",
        ],
    );
}

fn a_map_that_is_removed_rotates_nothing(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&samples::token(r#"rotate_when_changed = { key = "1" }"#));
    server.apply();
    let secret = server.attributes(ADDRESS)["secret"].clone();
    server.main(&samples::token(""));
    server.apply();
    assert_eq!(server.attributes(ADDRESS)["secret"], secret);
    assert_eq!(server.attributes(ADDRESS)["rotated_at"], Value::Null);
    server.plan_is_empty();
}
