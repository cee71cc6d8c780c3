//! The audit: data sources `proxmox_api_token` and `proxmox_api_tokens`.

use cli_harness::Cli;
use proxmox_simulator::{Cluster, Version};
use serde_json::{Value, json};

use super::Scenario;
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    an_audit_needs_sys_audit_on_access_and_nothing_more,
    an_audit_needs_the_same_on_proxmox_ve_8_2,
    an_audit_needs_the_same_on_proxmox_ve_9_0,
    a_filtered_response_fails_the_precondition,
    all_users_without_all_grants_are_incomplete,
    the_response_of_an_isolated_node_is_incomplete,
    an_audit_counts_nodes_only_where_the_cluster_does_not_say,
    every_finding_is_found,
    filters_list_what_they_ask_for,
    many_tokens_cost_one_list_request,
    a_missing_token_is_told_from_a_hidden_one,
    many_tokens_read_one_by_one_share_their_requests,
    invalid_arguments_are_refused,
    the_examples_work_unchanged,
];

/// Lets the provider work as a token with this role at this path, and nothing else.
pub fn connect_with(server: &mut TestServer, grants: &[(&str, &[&str])]) {
    let secret = server.sim.state(|state| {
        state.add_user("auditor@pve", "auditor-pass-1");
        for (number, (path, privileges)) in grants.iter().enumerate() {
            let role = format!("Only{number}");
            state.add_role(&role, privileges);
            state.set_acl(path, &role, "auditor@pve", true);
        }
        let month = u64::try_from(state.now()).expect("a time after 1970") + 30 * 86_400;
        state.add_token("auditor@pve!audit", false, None, month)
    });
    server.connect_as(&format!("auditor@pve!audit={secret}"));
}

const AUDIT: (&str, &[&str]) = ("/access", &["Sys.Audit"]);

/// An output, as JSON.
pub fn output(server: &TestServer, name: &str) -> Value {
    let run = server.scratch.run(["output", "-json", name]);
    serde_json::from_str(&run.stdout).expect("an output")
}

fn an_audit_needs_sys_audit_on_access_and_nothing_more(cli: &Cli) {
    audited(TestServer::new(cli));
}

fn an_audit_needs_the_same_on_proxmox_ve_8_2(cli: &Cli) {
    audited(TestServer::with(cli, Version::V8_2));
}

fn an_audit_needs_the_same_on_proxmox_ve_9_0(cli: &Cli) {
    audited(TestServer::with(cli, Version::V9_0));
}

const JOURNEY: &str = include_str!("../fixtures/journeys/04-audit.tf");

fn audited(mut server: TestServer) {
    server
        .sim
        .state(|state| state.add_token("demo@pve!ci", true, None, 0));
    connect_with(&mut server, &[AUDIT]);
    server.scratch.write("main.tf", JOURNEY).expect("main.tf");
    server.apply();
    server.plan_is_empty();
    assert_eq!(
        output(&server, "questions"),
        json!([
            "demo@pve!ci: never_expires",
            "root@pam!admin: never_expires, root_equivalent",
        ])
    );
}

fn a_filtered_response_fails_the_precondition(cli: &Cli) {
    for privileges in [&[][..], &[("/access/groups/ops", &["User.Modify"][..])]] {
        let mut server = TestServer::new(cli);
        server
            .sim
            .state(|state| state.add_group("ops", &["demo@pve"]));
        connect_with(&mut server, privileges);
        server.scratch.write("main.tf", JOURNEY).expect("main.tf");
        server.plan_fails(&[
            "Only part of the tokens could be read",
            r#""/access":["Sys.Audit"]"#,
            r#""/access/groups":["Sys.Audit"]"#,
        ]);
    }
}

const ALL: &str = r#"
data "proxmox_api_tokens" "all" {}

output "all" { value = data.proxmox_api_tokens.all }

output "findings" {
  value = { for t in data.proxmox_api_tokens.all.tokens : t.token_id => t.findings }
}
"#;

fn all_users_without_all_grants_are_incomplete(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[("/access/groups", &["Sys.Audit"])]);
    server.sim.state(|state| {
        state.set_acl("/", "Administrator", "demo@pve", true);
        state.add_token("demo@pve!boss", false, None, 0);
    });
    server.main(ALL);
    server.apply();
    let all = output(&server, "all");
    assert_eq!(all["complete"], false);
    assert_eq!(
        all["missing_privileges"],
        json!({ "/access": ["Sys.Audit"] })
    );
    let findings = output(&server, "findings");
    assert_eq!(
        findings["demo@pve!boss"],
        json!(["never_expires"]),
        "nothing is concluded from a list that may not be whole"
    );
    assert_eq!(
        findings["root@pam!admin"],
        json!(["never_expires", "root_equivalent"])
    );
}

fn the_response_of_an_isolated_node_is_incomplete(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.state(|state| {
        state.cluster = Some(Cluster {
            name: "lab".to_owned(),
            quorate: false,
        });
        state.add_node("pve2", false);
        state.add_node("pve3", false);
    });
    server.main(ALL);
    says(&server.apply(), &["Audit of a node without quorum"]);
    assert_eq!(output(&server, "all")["complete"], false);
}

/// Without `Sys.Audit` on `/`, the cluster's word on quorum cannot be read.
fn an_audit_counts_nodes_only_where_the_cluster_does_not_say(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[("/access", &["Sys.Audit"])]);
    server.main(ALL);
    // A daemon that tells no figures makes a node unknown, not offline.
    server.sim.state(|state| state.nodes[0].reports = false);
    server.apply();
    assert_eq!(output(&server, "all")["complete"], true);
    server.sim.state(|state| {
        state.add_node("pve2", false);
        let cluster = state.cluster.as_mut().expect("a cluster");
        cluster.quorate = true;
    });
    says(
        &server.apply(),
        &[
            "Audit of a node that may be without quorum",
            "Sys.Audit on /",
        ],
    );
    let all = output(&server, "all");
    assert_eq!(all["complete"], false);
    assert_eq!(all["missing_privileges"], json!({ "/": ["Sys.Audit"] }));
    connect_with(&mut server, &[("/", &["Sys.Audit"])]);
    server.main(ALL);
    server.apply();
    assert_eq!(output(&server, "all")["complete"], true);
}

fn every_finding_is_found(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[("/", &["Sys.Audit"])]);
    let began = server.sim.state(|state| {
        let now = state.now();
        let at = |seconds: i64| u64::try_from(now + seconds).expect("a time after 1970");
        state.add_token("demo@pve!endless", true, None, 0);
        state.add_token("demo@pve!over", true, None, at(-60));
        state.add_token("demo@pve!good", true, Some("nightly"), at(86_400));
        state.add_token("demo@pve!tf-ephemeral-1a2b3c", true, None, at(-60));
        state.add_token("demo@pve!tf-ephemeral-4d5e6f", true, None, at(60));
        state.add_token("off@pve!ci", true, None, at(60));
        state.user_mut("off@pve").enabled = false;
        state.add_token("gone@pve!ci", true, None, at(86_400));
        state.user_mut("gone@pve").expire = at(-60);
        state.add_token("hr@pve!ci", false, None, at(60));
        state.set_acl("/access", "PVEUserAdmin", "hr@pve", true);
        state.add_token("hr@pve!separate", true, None, at(60));
        state.add_task("pve1", "demo@pve!good", "qmstart", "100", now - 120);
        state.add_task("pve1", "demo@pve!good", "qmstop", "100", now - 60);
        now - 60
    });
    server.main(ALL);
    server.apply();
    server.plan_is_empty();
    assert_eq!(
        output(&server, "findings"),
        json!({
            "auditor@pve!audit": [],
            "demo@pve!endless": ["never_expires"],
            "demo@pve!good": [],
            "demo@pve!over": ["expired"],
            "demo@pve!tf-ephemeral-1a2b3c": ["expired", "leftover_ephemeral"],
            "demo@pve!tf-ephemeral-4d5e6f": [],
            "gone@pve!ci": ["expired"],
            "hr@pve!ci": ["root_equivalent"],
            "hr@pve!separate": [],
            "off@pve!ci": ["owner_disabled"],
            "root@pam!admin": ["never_expires", "root_equivalent"],
        })
    );
    let all = output(&server, "all");
    assert_eq!(all["complete"], true);
    assert_eq!(all["tasks_visible"], true);
    let token = |id: &str| {
        let tokens = all["tokens"].as_array().expect("the tokens");
        let found = tokens.iter().find(|token| token["token_id"] == id);
        found.expect("the token").clone()
    };
    let good = token("demo@pve!good");
    assert_eq!(good["user_id"], "demo@pve");
    assert_eq!(good["token_name"], "good");
    assert_eq!(good["comment"], "nightly");
    assert_eq!(good["privilege_separation"], true);
    assert_eq!(good["never_expires"], false);
    let instant = good["last_task_seen_at"].as_str().expect("an instant");
    assert_eq!(seconds_of_day(instant), began.rem_euclid(86_400));
    let gone = token("gone@pve!ci");
    assert_eq!(gone["expired"], true);
    assert_eq!(gone["effective_expires_at"], gone["owner_expires_at"]);
    assert_ne!(gone["effective_expires_at"], gone["expires_at"]);
    assert_eq!(token("off@pve!ci")["owner_enabled"], false);
    assert_eq!(
        token("hr@pve!ci")["root_equivalent_by"],
        "privilege separation is off, and the owner hr@pve has User.Modify on /access/groups"
    );
    assert_eq!(token("demo@pve!endless")["last_task_seen_at"], Value::Null);
}

/// Of `2027-01-15T08:00:00Z` the seconds since midnight.
fn seconds_of_day(instant: &str) -> i64 {
    let time = instant.trim_end_matches('Z').split('T').next_back();
    let parts = time.expect("a time").split(':');
    parts.fold(0, |sum, part| {
        sum * 60 + part.parse::<i64>().expect("a number")
    })
}

fn filters_list_what_they_ask_for(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[AUDIT]);
    server.sim.state(|state| {
        let past = u64::try_from(state.now() - 60).expect("a time after 1970");
        state.add_token("demo@pve!endless", true, None, 0);
        state.add_token("demo@pve!over", true, None, past);
    });
    server.main(
        r#"
        locals {
          filters = {
            demo    = { user_id = "demo@pve" }
            pam     = { realm = "pam" }
            over    = { expired = true }
            live    = { expired = false }
            endless = { without_expiry = true, realm = "pve" }
            ending  = { without_expiry = false }
            asked   = { with_findings = true, realm = "pve" }
            silent  = { with_findings = false }
          }
        }

        data "proxmox_api_tokens" "each" {
          for_each       = local.filters
          user_id        = try(each.value.user_id, null)
          realm          = try(each.value.realm, null)
          expired        = try(each.value.expired, null)
          without_expiry = try(each.value.without_expiry, null)
          with_findings  = try(each.value.with_findings, null)
        }

        output "each" {
          value = { for key, found in data.proxmox_api_tokens.each : key => found.tokens[*].token_id }
        }
        "#,
    );
    server.apply();
    assert_eq!(
        output(&server, "each"),
        json!({
            "demo": ["demo@pve!endless", "demo@pve!over"],
            "pam": ["root@pam!admin"],
            "over": ["demo@pve!over"],
            "live": ["auditor@pve!audit", "demo@pve!endless", "root@pam!admin"],
            "endless": ["demo@pve!endless"],
            "ending": ["auditor@pve!audit", "demo@pve!over"],
            "asked": ["demo@pve!endless", "demo@pve!over"],
            "silent": ["auditor@pve!audit"],
        })
    );
}

fn many_tokens_cost_one_list_request(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[AUDIT]);
    server.sim.state(|state| {
        for user in 0..50 {
            for token in 0..10 {
                state.add_token(&format!("user{user}@pve!token{token}"), true, None, 0);
            }
        }
    });
    server.main(
        r#"
        data "proxmox_api_tokens" "all" {}
        data "proxmox_api_tokens" "of_realm" { realm = "pve" }
        output "count" { value = length(data.proxmox_api_tokens.all.tokens) }
        "#,
    );
    server.sim.clear_requests();
    assert!(server.scratch.run(["plan", "-no-color"]).ok());
    assert_eq!(server.requests("GET", "/access/users"), 1);
    assert_eq!(
        server.sim.requests().len(),
        7,
        "users, access control list and whether it is whole, roles, privileges, tasks, nodes"
    );
    server.apply();
    assert_eq!(output(&server, "count"), 502);
}

const ONE: &str = r#"
data "proxmox_api_token" "one" { token_id = "demo@pve!ci" }
output "one" { value = data.proxmox_api_token.one }
"#;

fn a_missing_token_is_told_from_a_hidden_one(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[AUDIT]);
    server.main(ONE);
    server.plan_fails(&["No such API token", "demo@pve!ci", "does not exist"]);

    server.sim.state(|state| {
        state.add_token("demo@pve!ci", true, Some("nightly"), 0);
        state.set_acl("/vms", "PVEVMAdmin", "demo@pve!ci", false);
        state.set_acl("/vms", "PVEAuditor", "demo@pve", true);
    });
    server.apply();
    server.plan_is_empty();
    let one = output(&server, "one");
    assert_eq!(one["comment"], "nightly");
    assert_eq!(one["findings"], json!(["never_expires"]));
    assert_eq!(
        one["acl"],
        json!([{ "path": "/vms", "role": "PVEVMAdmin", "propagate": false }])
    );
    assert_eq!(one["complete"], true);
    assert_eq!(one["tasks_visible"], false);
    assert!(one.get("secret").is_none());

    let mut blind = TestServer::new(cli);
    blind
        .sim
        .state(|state| state.add_token("demo@pve!ci", true, None, 0));
    connect_with(&mut blind, &[]);
    blind.main(ONE);
    blind.plan_fails(&[
        "No such API token",
        "not allowed to see it",
        "Sys.Audit on /access",
    ]);
}

fn many_tokens_read_one_by_one_share_their_requests(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[AUDIT]);
    server.sim.state(|state| {
        for token in 0..20 {
            state.add_token(&format!("demo@pve!token{token}"), true, None, 0);
        }
    });
    server.main(
        r#"data "proxmox_api_token" "each" {
  count = 20
  token_id = "demo@pve!token${count.index}"
}
"#,
    );
    server.sim.clear_requests();
    assert!(server.scratch.run(["plan", "-no-color"]).ok());
    assert_eq!(server.requests("GET", "/access/users"), 1);
}

fn invalid_arguments_are_refused(cli: &Cli) {
    let server = TestServer::new(cli);
    for (body, words) in [
        (
            r#"data "proxmox_api_token" "t" {
  token_id = "ci"
}
"#,
            &["Invalid token ID", "`token_id`", "user@realm!name"][..],
        ),
        (
            r#"data "proxmox_api_tokens" "t" {
  user_id = "demo"
}
"#,
            &["Invalid filter", "`user_id`", "names no realm"],
        ),
        (
            r#"data "proxmox_token_activity" "t" {
  token_id = "demo@pve"
}
"#,
            &["Invalid token ID", "`token_id`"],
        ),
        (
            r#"data "proxmox_token_activity" "t" {
  token_id = "demo@pve!ci"
  since = "yesterday"
}
"#,
            &["Invalid timestamp", "`since`", "RFC 3339"],
        ),
        (
            r#"data "proxmox_token_activity" "t" {
  token_id = "demo@pve!ci"
  limit = 0
}
"#,
            &["Invalid limit", "`limit`", "at least 1"],
        ),
    ] {
        server.main(body);
        server.plan_fails(words);
    }
}

fn the_examples_work_unchanged(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[("/", &["Sys.Audit"])]);
    server.sim.state(|state| {
        let month = u64::try_from(state.now()).expect("a time after 1970") + 30 * 86_400;
        state.add_token("automation@pve!ci", true, None, month);
    });
    for example in [
        include_str!("../../examples/data-sources/proxmox_api_token/data-source.tf"),
        include_str!("../../examples/data-sources/proxmox_api_tokens/data-source.tf"),
        include_str!("../../examples/data-sources/proxmox_token_activity/data-source.tf"),
    ] {
        server.scratch.write("main.tf", example).expect("main.tf");
        server.apply();
        server.plan_is_empty();
    }
}
