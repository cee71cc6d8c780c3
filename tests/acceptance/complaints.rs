//! What people complain about who give credentials of Proxmox VE to tools, each complaint with
//! what happens here instead.
//!
//! Many are scenarios of their own elsewhere: a token that was deleted outside ends every refresh
//! (`drift`), a comment or an expiry removed outside goes unseen (`drift`), equal dates in other
//! offsets are a change for ever (`tokens`), the secret is lost at an import without a word
//! (`tokens`, `life`), somebody else's grants are removed (`scope`), no rotation without an outage
//! (`rotation`, `downtime`), certificates can only be checked or not (`statuses`, `connections`),
//! one address only and no proxy (`connections`), a block for each cluster (`clusters`), codes
//! that are burnt (`tokens`), a ticket that dies in the middle (`tokens`), a right that is missing
//! somewhere and nobody says where (`hosts`, `diagnosis`), a stray variable that wins without a
//! notice (`bad_input`, `connections`), and lists that are silently empty (`audit`).

use cli_harness::Cli;
use proxmox_simulator::{Fault, RawAnswer};
use serde_json::Value;

use super::{
    Scenario,
    stage::{Stage, says},
};

pub const SCENARIOS: &[Scenario] = &[
    (
        "complaint: a call that only root@pam may make is refused to a token without a hint",
        root_only,
    ),
    (
        "complaint: refused, not allowed and allowed nothing all look alike",
        told_apart,
    ),
    (
        "complaint: changing privilege separation loses the secret",
        separation_keeps_secret,
    ),
    (
        "complaint: a trailing slash or the API's path breaks the address",
        habits_of_addresses,
    ),
    (
        "complaint: a login without its realm is refused without a hint",
        missing_realm,
    ),
    (
        "complaint: a certificate error between nodes is blamed on the client",
        between_nodes,
    ),
    (
        "complaint: ids of directory realms are refused by too narrow a form",
        any_realm,
    ),
    (
        "complaint: a wrong password is answered with advice about tokens",
        password_advice,
    ),
];

/// What the connection check says under the settings of the stage.
fn checked(stage: &Stage) -> Value {
    stage.main(
        r#"
        data "proxmox_connection" "c" {
          required_privileges = { "/vms" = ["VM.Allocate"] }
        }
        output "c" {
          value = data.proxmox_connection.c
        }
        "#,
    );
    stage.apply();
    let found = stage.scratch.run(["output", "-json", "c"]);
    serde_json::from_str(&found.stdout).expect("an output")
}

fn contains(found: &Value, attribute: &str, words: &str) {
    let text = found[attribute].as_str().unwrap_or_default();
    assert!(text.contains(words), "no {words:?} in {text:?}");
}

fn told_apart(cli: &Cli) {
    let mut stage = Stage::new(cli);
    stage.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    let refused = checked(&stage);
    assert_eq!(refused["status"], "unauthenticated");
    contains(&refused, "message", "root@pam!admin");

    let secret = stage
        .sim
        .state(|state| state.add_token("demo@pve!idle", true, None, 0));
    stage.connect_as(&format!("demo@pve!idle={secret}"));
    let nothing = checked(&stage);
    assert_eq!(nothing["status"], "missing_privileges");
    contains(&nothing, "message", "may do nothing at all");
    contains(&nothing, "remedy", "VM.Allocate on /vms");

    stage.main(
        r#"resource "proxmox_api_token" "t" {
  user_id = "root@pam"
  token_name = "x1"
}
"#,
    );
    stage.apply_fails(&[
        "Unable to create API token",
        "User.Modify on /access/groups",
    ]);
}

fn separation_keeps_secret(cli: &Cli) {
    let stage = Stage::new(cli);
    let token = |separated: bool| {
        format!(
            r#"resource "proxmox_api_token" "t" {{
  user_id = "demo@pve"
  token_name = "ci"
  privilege_separation = {separated}
}}
"#
        )
    };
    stage.main(&token(true));
    stage.apply();
    let secret = stage.attributes("proxmox_api_token.t")["secret"].clone();
    for separated in [false, true] {
        stage.main(&token(separated));
        says(&stage.apply(), &["1 changed"]);
        let attributes = stage.attributes("proxmox_api_token.t");
        assert_eq!(attributes["secret"], secret);
        assert_eq!(attributes["privilege_separation"], separated);
        stage.plan_is_empty();
    }
}

fn habits_of_addresses(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let address = stage.sim.endpoint();
    let bare = address.trim_start_matches("https://").to_owned();
    for habit in [
        format!("{address}/"),
        format!("{address}//"),
        format!("{address}/api2/json"),
        format!("{address}/api2/json/"),
        bare,
    ] {
        stage.scratch.set("PROXMOX_VE_ENDPOINT", &habit);
        let found = checked(&stage);
        assert_eq!(found["status"], "ok", "{habit}");
        assert_eq!(found["endpoint"], address, "{habit}");
    }
}

fn missing_realm(cli: &Cli) {
    let mut stage = Stage::new(cli);
    stage.scratch.unset("PROXMOX_VE_API_TOKEN");
    stage.scratch.set("PROXMOX_VE_USERNAME", "root");
    stage.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    stage.main(
        r#"data "proxmox_connection" "c" {}
"#,
    );
    stage.plan_fails(&["PROXMOX_VE_USERNAME", "names no realm", "root@pam"]);
}

fn between_nodes(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.sim.fault(
        Fault::answer(RawAnswer {
            status: 596,
            reason: "certificate verify failed".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        })
        .on("GET", "/cluster/status"),
    );
    let found = checked(&stage);
    assert_eq!(found["status"], "server_error");
    contains(&found, "message", "596");
    contains(&found, "remedy", "no setting of this provider takes part");
    let remedy = found["remedy"].as_str().unwrap_or_default();
    assert!(!remedy.contains("verify_ssl"), "{remedy}");
}

fn any_realm(cli: &Cli) {
    let stage = Stage::new(cli);
    let id = "jane.doe+ops@corp-ldap.example.com!ci_1";
    stage.main(&format!(
        r#"output "parts" {{
  value = provider::proxmox::parse_token_id({id:?})
}}
"#
    ));
    stage.apply();
    let parts = stage.scratch.run(["output", "-json", "parts"]);
    let parts: Value = serde_json::from_str(&parts.stdout).expect("an output");
    assert_eq!(parts["realm"], "corp-ldap.example.com");
    assert_eq!(parts["user"], "jane.doe+ops");
    stage.main(
        r#"resource "proxmox_api_token" "t" {
  user_id = "jane.doe+ops@corp-ldap.example.com"
  token_name = "ci_1"
}
"#,
    );
    // Taken as an id, and looked for.
    stage.apply_fails(&[
        "Owner of the API token does not exist",
        "jane.doe+ops@corp-ldap.example.com",
    ]);
}

fn password_advice(cli: &Cli) {
    let mut stage = Stage::new(cli);
    stage.scratch.unset("PROXMOX_VE_API_TOKEN");
    stage.scratch.set("PROXMOX_VE_USERNAME", "demo@pve");
    stage.scratch.set("PROXMOX_VE_PASSWORD", "not-the-password");
    let found = checked(&stage);
    assert_eq!(found["status"], "unauthenticated");
    contains(&found, "remedy", "username");
    let remedy = found["remedy"].as_str().unwrap_or_default();
    assert!(!remedy.contains("api_token_id"), "{remedy}");
}

fn root_only(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.main(
        r#"resource "proxmox_api_token" "t" {
  user_id = "demo@pve"
  token_name = "ci"
}
"#,
    );
    let refused = |message: &str| {
        let answer = RawAnswer {
            status: 403,
            reason: message.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        stage.sim.clear_faults();
        stage
            .sim
            .fault(Fault::answer(answer).on("POST", "*/token/ci"));
    };
    refused("Permission check failed (user != root@pam)");
    stage.apply_fails(&["root@pam alone", "username and password"]);
    refused(
        "Permission check failed (URI '/access/tfa/demo@pve' not available with API token, need proper \
         ticket.)",
    );
    stage.apply_fails(&["password login only", "username and password"]);
}
