//! What only some command lines have: identities, lists and actions. A command line without one of
//! them lists the scenario as ignored, with what it needs.

use std::fs;

use cli_harness::{Cli, Run};
use proxmox_simulator::{Fault, RawResponse};
use serde_json::{Value, json};

use super::samples::{ADDRESS, DAY, TOKEN, token};
use super::test_server::{TestServer, says};

/// A scenario that runs with each command line that has what it needs.
pub type Capable = (&'static str, fn(&Cli), Needs);

/// What a scenario needs of a command line.
#[derive(Clone, Copy)]
pub struct Needs {
    /// As the list of tests shows it.
    pub what: &'static str,
    pub is_met_by: fn(&Cli) -> bool,
}

const IDENTITY: Needs = Needs {
    what: "resource identity: Terraform 1.12, OpenTofu 1.12",
    is_met_by: |cli| cli.is_at_least(1, 12),
};

const LISTS: Needs = Needs {
    what: "list resources: Terraform 1.14",
    is_met_by: Cli::has_lists_and_actions,
};

const ACTIONS: Needs = Needs {
    what: "actions: Terraform 1.14",
    is_met_by: Cli::has_lists_and_actions,
};

/// Lists scenarios with their needs, under the paths of their functions.
macro_rules! capable {
    ($($name:ident: $needs:expr),* $(,)?) => {
        &[$((concat!(module_path!(), "::", stringify!($name)), $name, $needs)),*]
    };
}

const NOTHING: Needs = Needs {
    what: "nothing",
    is_met_by: |_| true,
};

pub const SCENARIOS: &[Capable] = capable![
    the_table_of_versions_is_what_each_command_line_does: NOTHING,
    a_token_is_imported_by_identity: IDENTITY,
    an_identity_stays_through_rotations: IDENTITY,
    a_host_has_an_identity: IDENTITY,
    tokens_are_listed_and_filtered: LISTS,
    a_generated_configuration_plans_no_change: LISTS,
    a_list_that_may_lack_something_is_refused: LISTS,
    an_action_revokes_a_token: ACTIONS,
    an_action_refuses_what_a_destroy_refuses: ACTIONS,
];

/// Features of the guide, each with a configuration that needs it.
const FEATURES: [(&str, &str); 7] = [
    (
        "functions",
        r#"output "user" {
  value = provider::proxmox::parse_token_id("root@pam!ci").user_id
}
"#,
    ),
    (
        "`moved` from another provider",
        r#"resource "proxmox_api_token" "t" {
  user_id = "demo@pve"
  token_name = "ci"
}

moved {
  from = proxmox_user_token.t
  to = proxmox_api_token.t
}
"#,
    ),
    (
        "ephemeral resources",
        r#"ephemeral "proxmox_api_token" "t" {
  user_id = "demo@pve"
}
"#,
    ),
    (
        "write-only attributes",
        r#"resource "proxmox_host" "h" {
  name = "pve1"
  api_token_id = "demo@pve!ci"
  api_token_secret_wo = "00000000-0000-0000-0000-000000000000"
  api_token_secret_wo_version = 1
}
"#,
    ),
    (
        "resource identity, `import` by identity",
        r#"resource "proxmox_api_token" "t" {
  user_id = "demo@pve"
  token_name = "ci"
}

import {
  to = proxmox_api_token.t
  identity = { user_id = "demo@pve", token_name = "ci" }
}
"#,
    ),
    (
        "actions",
        r#"action "proxmox_api_token_revoke" "a" {
  config {
    token_id = "demo@pve!ci"
  }
}
"#,
    ),
    ("list resources (`terraform query`)", ""),
];

/// The first version of a command line that has a feature, by the guide. `None` if none has.
fn documented(feature: &str, cli: &Cli) -> Option<(u32, u32)> {
    let guide = include_str!("../../docs/guides/capabilities.md");
    let row = guide
        .lines()
        .find(|line| line.starts_with(&format!("| {feature} |")));
    let row = row.unwrap_or_else(|| panic!("the guide does not name {feature}"));
    let column = if cli.name == "terraform" { 2 } else { 3 };
    let version = row.split('|').nth(column).expect("a column").trim();
    let (major, minor) = version.split_once('.')?;
    Some((
        major.parse().expect("a number"),
        minor.parse().expect("a number"),
    ))
}

fn the_table_of_versions_is_what_each_command_line_does(cli: &Cli) {
    let server = TestServer::new(cli);
    for (feature, configuration) in FEATURES {
        server.main(configuration);
        let run = match configuration {
            "" => query(&server, "", &[]),
            _ => server.scratch.run(["validate", "-no-color"]),
        };
        let expected = documented(feature, cli);
        let expected = expected.is_some_and(|(major, minor)| cli.is_at_least(major, minor));
        assert_eq!(run.ok(), expected, "{feature}: {}", run.text());
    }
}

/// The identity of a resource in the state.
fn identity(server: &TestServer, kind: &str) -> Value {
    let state = fs::read_to_string(server.scratch.file("terraform.tfstate")).expect("a state");
    let state: Value = serde_json::from_str(&state).expect("a state in JSON");
    let resources = state["resources"].as_array().expect("resources");
    let resource = resources.iter().find(|resource| resource["type"] == kind);
    resource.expect("the resource")["instances"][0]["identity"].clone()
}

fn a_token_is_imported_by_identity(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.state(|state| {
        state.add_token("demo@pve!ci", true, Some("By hand"), 0);
    });
    let import = |identity: &str| {
        server.main(&format!(
            r#"import {{
  to = {ADDRESS}
  identity = {identity}
}}

{}"#,
            token(r#"comment = "By hand""#)
        ));
    };
    import(r#"{ user_id = "demo@pve", token_name = "1" }"#);
    server.plan_fails(&["Invalid identity", "`token_name` of the identity"]);
    import(r#"{ user_id = "nobody@pve", token_name = "ci" }"#);
    server.plan_fails(&["nobody@pve"]);
    import(r#"{ user_id = "demo@pve", token_name = "ci" }"#);
    let run = server.apply();
    says(&run, &["1 imported, 0 added, 0 changed, 0 destroyed"]);
    server.plan_is_empty();
}

fn an_identity_stays_through_rotations(cli: &Cli) {
    let server = TestServer::new(cli);
    let rotated = |word: &str| {
        token(&format!(
            r#"rotate_when_changed = {{ word = "{word}" }}
  rotation = {{ overlap = "1h" }}"#
        ))
    };
    server.main(&rotated("first"));
    server.apply();
    let before = identity(&server, "proxmox_api_token");
    assert_eq!(before["user_id"], "demo@pve");
    assert_eq!(before["token_name"], "ci");
    server.main(&rotated("second"));
    server.apply();
    assert_eq!(server.attributes(ADDRESS)["token_id"], "demo@pve!ci-b");
    assert_eq!(identity(&server, "proxmox_api_token"), before);
    server.sim.advance(DAY);
    server.apply();
    assert_eq!(identity(&server, "proxmox_api_token"), before);
}

fn a_host_has_an_identity(cli: &Cli) {
    let server = TestServer::new(cli);
    let host = |name: &str| {
        format!(
            r#"resource "proxmox_host" "h" {{
  name = "{name}"
}}
"#
        )
    };
    server.main(&host("pve1"));
    server.apply();
    assert_eq!(identity(&server, "proxmox_host"), json!({ "name": "pve1" }));
    server.main(&host("pve2"));
    says(&server.plan(), &["must be replaced"]);
    server.apply();
    assert_eq!(identity(&server, "proxmox_host"), json!({ "name": "pve2" }));
}

fn query(server: &TestServer, config: &str, arguments: &[&str]) -> Run {
    let list = format!(
        r#"list "proxmox_api_token" "all" {{
  provider = proxmox
  include_resource = true
  config {{
{config}
  }}
}}
"#
    );
    let written = server.scratch.write("tokens.tfquery.hcl", &list);
    written.expect("tokens.tfquery.hcl");
    let query = [["query", "-no-color"].as_slice(), arguments].concat();
    server.scratch.run(query)
}

fn listed(cli: &Cli) -> TestServer {
    let server = TestServer::new(cli);
    server.main("");
    server.sim.state(|state| {
        state.add_user("other@pve", "other-pass-1");
        state.add_token("demo@pve!ci", true, Some("By hand"), 0);
        state.add_token("demo@pve!ci-old", false, None, 1_000_000_000);
        state.add_token("other@pve!backup", true, None, 4_102_444_800);
        state.set_acl("/vms", "PVEAuditor", "demo@pve!ci", true);
    });
    server
}

fn tokens_are_listed_and_filtered(cli: &Cli) {
    let server = listed(cli);
    let found = |config: &str| {
        let run = query(&server, config, &[]);
        assert!(run.ok(), "{}", run.text());
        let names = ["!ci\n", "!ci-old\n", "!backup\n", "!admin\n"];
        names.map(|name| run.stdout.contains(name))
    };
    assert_eq!(found(""), [true; 4]);
    let of_demo = [true, true, false, false];
    assert_eq!(found(r#"user_id = "demo@pve""#), of_demo);
    assert_eq!(found(r#"name_prefix = "ci""#), of_demo);
    let old = [false, true, false, false];
    assert_eq!(found(r#"findings = ["expired"]"#), old);
    assert_eq!(found(r#"expires_before = "2030-01-01T00:00:00Z""#), old);
    for (config, words) in [
        (r#"user_id = "nobody@pve""#, ["No such user", "nobody@pve"]),
        (
            r#"findings = ["old"]"#,
            ["Invalid list of API tokens", "never_expires"],
        ),
        (
            r#"expires_before = "soon""#,
            ["Invalid list of API tokens", "RFC 3339"],
        ),
    ] {
        let run = query(&server, config, &[]);
        assert!(!run.ok(), "{}", run.text());
        says(&run, &words);
    }
}

fn a_generated_configuration_plans_no_change(cli: &Cli) {
    let server = listed(cli);
    let generate = ["-generate-config-out=generated.tf"];
    let run = query(&server, r#"user_id = "demo@pve""#, &generate);
    assert!(run.ok(), "{}", run.text());
    let generated = fs::read_to_string(server.scratch.file("generated.tf")).expect("generated.tf");
    assert!(generated.contains("PVEAuditor"), "{generated}");
    let run = server.apply();
    says(&run, &["2 imported, 0 added, 0 changed, 0 destroyed"]);
    server.plan_is_empty();
}

fn a_list_that_may_lack_something_is_refused(cli: &Cli) {
    let mut server = listed(cli);
    let secret = server
        .sim
        .state(|state| state.add_token("demo@pve!weak", true, None, 0));
    server.connect_as(&format!("demo@pve!weak={secret}"));
    let run = query(&server, "", &[]);
    assert!(!run.ok(), "{}", run.text());
    says(&run, &["Unable to list API tokens", "Sys.Audit on /access"]);
}

fn revoking(id: &str) -> String {
    format!(
        r#"action "proxmox_api_token_revoke" "leaked" {{
  config {{
    token_id = "{id}"
  }}
}}
"#
    )
}

fn invoke(server: &TestServer) -> Run {
    let invoked = "-invoke=action.proxmox_api_token_revoke.leaked";
    let arguments = ["apply", "-auto-approve", "-no-color", invoked];
    server.scratch.run(arguments)
}

fn an_action_revokes_a_token(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.state(|state| {
        state.add_token("demo@pve!leaked", true, None, 0);
        state.add_token("demo@pve!old", true, None, 0);
    });
    server.main(&revoking("demo@pve!leaked"));
    let run = invoke(&server);
    assert!(run.ok(), "{}", run.text());
    says(&run, &["Revoked demo@pve!leaked"]);
    let run = invoke(&server);
    assert!(!run.ok(), "{}", run.text());
    says(&run, &["No such API token", "Correct `token_id`"]);
    // As a trigger: the new token takes the place of an old one.
    server.main(&format!(
        r#"{}
{}"#,
        revoking("demo@pve!old"),
        TOKEN.replace(
            "}\n",
            r#"  lifecycle {
    action_trigger {
      events = [after_create]
      actions = [action.proxmox_api_token_revoke.leaked]
    }
  }
}
"#
        )
    ));
    says(&server.apply(), &["Revoked demo@pve!old"]);
    server.sim.state(|state| {
        let tokens = &state.user("demo@pve").expect("the owner").tokens;
        assert_eq!(tokens.keys().collect::<Vec<_>>(), ["ci"]);
    });
}

fn an_action_refuses_what_a_destroy_refuses(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&revoking("root@pam!admin"));
    let run = invoke(&server);
    assert!(!run.ok(), "{}", run.text());
    says(&run, &["Provider would lock itself out"]);
    assert_eq!(server.requests("DELETE", ""), 0);
    server.main(&revoking("admin"));
    let run = invoke(&server);
    assert!(!run.ok(), "{}", run.text());
    says(&run, &["Invalid token_id"]);
    server
        .sim
        .state(|state| state.add_token("demo@pve!ci", true, None, 0));
    let body = r#"{"data":null,"message":"Permission check failed\n"}"#;
    let refused = Fault::response(RawResponse::json(403, body));
    server.sim.fault(refused.on("DELETE", "*/token/*"));
    server.main(&revoking("demo@pve!ci"));
    let run = invoke(&server);
    assert!(!run.ok(), "{}", run.text());
    says(&run, &["Unable to revoke API token", "User.Modify"]);
}
