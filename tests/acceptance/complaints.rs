//! Known complaints about other tools that manage Proxmox VE credentials, and the behavior of this
//! provider instead.
//!
//! Many complaints have scenarios elsewhere: a token that was deleted outside of Terraform breaks
//! every refresh (`drift`), a comment or an expiry that was removed outside is not noticed
//! (`drift`), equal dates with different offsets are a permanent difference (`tokens`), an import
//! loses the secret without a warning (`tokens`, `life`), grants from other sources are removed
//! (`scope`), a rotation causes an outage (`rotation`, `downtime`), certificates can only be
//! verified or not (`statuses`, `connections`), there is one address only and no proxy
//! (`connections`), each cluster requires a provider block (`clusters`), one-time codes are wasted
//! (`tokens`), a ticket expires during a run (`tokens`), a diagnostic does not name the missing
//! privilege (`hosts`, `diagnosis`), a stray environment variable takes effect without a notice
//! (`bad_input`, `connections`), and filtered lists look empty (`audit`).

use cli_harness::Cli;
use proxmox_simulator::{Fault, RawResponse};
use serde_json::{Value, json};

use super::Scenario;
use super::samples::{TOKEN, token};
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_call_only_for_root_pam_is_explained_to_a_token,
    refused_forbidden_and_unprivileged_are_told_apart,
    changing_privilege_separation_keeps_the_secret,
    a_trailing_slash_and_the_api_path_are_accepted_in_an_endpoint,
    a_login_without_a_realm_is_explained,
    a_certificate_error_between_nodes_is_not_blamed_on_the_client,
    ids_of_directory_realms_are_accepted,
    a_wrong_password_brings_no_advice_about_tokens,
];

/// What the connection check says under the settings of the server.
fn checked(server: &TestServer) -> Value {
    server.main(
        r#"
        data "proxmox_connection" "c" {
          required_privileges = { "/vms" = ["VM.Allocate"] }
        }
        output "c" {
          value = data.proxmox_connection.c
        }
        "#,
    );
    server.apply();
    let found = server.scratch.run(["output", "-json", "c"]);
    serde_json::from_str(&found.stdout).expect("an output")
}

fn contains(found: &Value, attribute: &str, words: &str) {
    let text = found[attribute].as_str().unwrap_or_default();
    assert!(text.contains(words), "no {words:?} in {text:?}");
}

fn refused_forbidden_and_unprivileged_are_told_apart(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    let refused = checked(&server);
    assert_eq!(refused["status"], "unauthenticated");
    contains(&refused, "message", "root@pam!admin");

    let secret = server
        .sim
        .state(|state| state.add_token("demo@pve!idle", true, None, 0));
    server.connect_as(&format!("demo@pve!idle={secret}"));
    let nothing = checked(&server);
    assert_eq!(nothing["status"], "missing_privileges");
    contains(&nothing, "message", "has no privileges");
    contains(&nothing, "remedy", "VM.Allocate on /vms");

    server.main(
        r#"resource "proxmox_api_token" "t" {
  user_id = "root@pam"
  token_name = "x1"
}
"#,
    );
    server.apply_fails(&[
        "Unable to create API token",
        "User.Modify on /access/groups",
    ]);
}

fn changing_privilege_separation_keeps_the_secret(cli: &Cli) {
    let server = TestServer::new(cli);
    let separate = |separated: bool| token(&format!("privilege_separation = {separated}"));
    server.main(&separate(true));
    server.apply();
    let secret = server.attributes("proxmox_api_token.t")["secret"].clone();
    for separated in [false, true] {
        server.main(&separate(separated));
        says(&server.apply(), &["1 changed"]);
        let attributes = server.attributes("proxmox_api_token.t");
        assert_eq!(attributes["secret"], secret);
        assert_eq!(attributes["privilege_separation"], separated);
        server.plan_is_empty();
    }
}

fn a_trailing_slash_and_the_api_path_are_accepted_in_an_endpoint(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let address = server.sim.endpoint();
    let bare = address.trim_start_matches("https://").to_owned();
    for habit in [
        format!("{address}/"),
        format!("{address}//"),
        format!("{address}/api2/json"),
        format!("{address}/api2/json/"),
        bare,
    ] {
        server.scratch.set("PROXMOX_VE_ENDPOINT", &habit);
        let found = checked(&server);
        assert_eq!(found["status"], "ok", "{habit}");
        assert_eq!(found["endpoint"], address, "{habit}");
    }
}

fn a_login_without_a_realm_is_explained(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.scratch.unset("PROXMOX_VE_API_TOKEN");
    server.scratch.set("PROXMOX_VE_USERNAME", "root");
    server.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    server.main(
        r#"data "proxmox_connection" "c" {}
"#,
    );
    server.plan_fails(&["PROXMOX_VE_USERNAME", "names no realm", "root@pam"]);
}

fn a_certificate_error_between_nodes_is_not_blamed_on_the_client(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.fault(
        Fault::response(RawResponse {
            status: 596,
            reason: "certificate verify failed".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        })
        .on("GET", "/cluster/status"),
    );
    let found = checked(&server);
    assert_eq!(found["status"], "server_error");
    contains(&found, "message", "596");
    contains(&found, "remedy", "No setting of the provider affects this");
    let remedy = found["remedy"].as_str().unwrap_or_default();
    assert!(!remedy.contains("verify_ssl"), "{remedy}");
}

fn ids_of_directory_realms_are_accepted(cli: &Cli) {
    let server = TestServer::new(cli);
    let id = "jane.doe+ops@corp-ldap.example.com!ci_1";
    server.main(&format!(
        r#"output "parts" {{
  value = provider::proxmox::parse_token_id({id:?})
}}
"#
    ));
    server.apply();
    let parts = server.scratch.run(["output", "-json", "parts"]);
    let parts: Value = serde_json::from_str(&parts.stdout).expect("an output");
    assert_eq!(parts["realm"], "corp-ldap.example.com");
    assert_eq!(parts["user"], "jane.doe+ops");
    server.main(
        r#"resource "proxmox_api_token" "t" {
  user_id = "jane.doe+ops@corp-ldap.example.com"
  token_name = "ci_1"
}
"#,
    );
    // Taken as an id, and looked for.
    server.apply_fails(&[
        "Owner of the API token does not exist",
        "jane.doe+ops@corp-ldap.example.com",
    ]);
}

fn a_wrong_password_brings_no_advice_about_tokens(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.scratch.unset("PROXMOX_VE_API_TOKEN");
    server.scratch.set("PROXMOX_VE_USERNAME", "demo@pve");
    server
        .scratch
        .set("PROXMOX_VE_PASSWORD", "not-the-password");
    let found = checked(&server);
    assert_eq!(found["status"], "unauthenticated");
    contains(&found, "remedy", "username");
    let remedy = found["remedy"].as_str().unwrap_or_default();
    assert!(!remedy.contains("api_token_id"), "{remedy}");
}

fn a_call_only_for_root_pam_is_explained_to_a_token(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(TOKEN);
    let refused = |message: &str| {
        let body = json!({ "message": format!("{message}\n"), "data": null });
        let response = RawResponse::json(403, &body.to_string());
        server.sim.clear_faults();
        server
            .sim
            .fault(Fault::response(response).on("POST", "*/token/ci"));
    };
    refused("Permission check failed (user != root@pam)");
    server.apply_fails(&["only to root@pam", "`username` and `password`"]);
    refused(
        "Permission check failed (URI '/access/tfa/demo@pve' not available with API token, need proper \
         ticket.)",
    );
    server.apply_fails(&["login with a password", "`username` and `password`"]);
}
