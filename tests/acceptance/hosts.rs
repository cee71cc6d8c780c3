//! `proxmox_host` and `proxmox_connection`: the connection check.

use std::num::NonZeroU64;
use std::time::Duration;

use cli_harness::Cli;
use proxmox_simulator::{Fault, closed_port};
use serde_json::Value;

use super::Scenario;
use super::test_server::{TestServer, attributes, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_host_is_registered_with_the_token_that_was_just_minted,
    a_host_without_its_own_credential_says_whose_it_proved,
    a_host_whose_token_lacks_a_privilege_is_refused,
    a_host_that_cannot_be_reached_at_refresh_stays_with_a_warning,
    a_disabled_host_is_registered_without_a_check,
    a_host_at_another_address_needs_a_credential_of_its_own,
    a_changed_secret_is_checked_again_and_a_changed_note_is_not,
    a_check_ends_at_its_timeout_and_a_changed_timeout_changes_nothing_else,
    a_host_is_checked_with_each_form_of_a_credential,
    each_secret_can_be_write_only,
    a_write_only_secret_without_its_other_half_is_refused,
    a_write_only_login_is_not_stored,
    a_refresh_reads_the_facts_again_and_moving_a_host_keeps_it,
    another_clusters_key_replaces_the_host,
    a_write_only_host_that_is_down_stays_with_a_warning,
    a_write_only_secret_is_checked_and_not_stored,
    a_connection_check_reports_without_failing,
    a_connection_check_fails_with_fail_on_error,
    the_facts_of_a_host_are_read,
    permissions_are_read_for_the_token_itself,
];

const HOST: &str = r#"
resource "proxmox_api_token" "t" {
  user_id    = "root@pam"
  token_name = "terraform"
  acl        = [{ path = "/vms", role = "PVEVMAdmin" }]
}

resource "proxmox_host" "h" {
  name             = "pve1"
  api_token_id     = proxmox_api_token.t.token_id
  api_token_secret = proxmox_api_token.t.secret
  notes            = "first"

  required_privileges = {
    "/vms" = ["VM.Allocate", "VM.Config.Disk"]
  }
}
"#;

fn a_host_is_registered_with_the_token_that_was_just_minted(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(HOST);
    server.apply();
    server.plan_is_empty();
    let host = server.attributes("proxmox_host.h");
    assert_eq!(host["id"], "pve1");
    assert_eq!(host["endpoint"], server.sim.endpoint());
    assert_eq!(host["token_id"], "root@pam!terraform");
    assert_eq!(host["auth_method"], "api_token");
    assert_eq!(host["release"], "9.2");
    assert_eq!(
        host["certificate_fingerprint"],
        server.sim.certificate_fingerprint()
    );
    assert_eq!(host["nodes"][0]["name"], "pve1");
    let held = host["privileges"]["/vms"]
        .as_array()
        .expect("privileges")
        .clone();
    assert!(held.contains(&Value::from("VM.Allocate")));
    server.destroy();
}

/// As with the `api_token` of an imported token, which is null.
fn a_host_without_its_own_credential_says_whose_it_proved(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&host("api_token = null"));
    says(
        &server.apply(),
        &[
            "Host without its own credential",
            "root@pam!admin",
            "imported",
        ],
    );
    let address = "proxmox_host.h";
    assert_eq!(server.attributes(address)["identity"], "root@pam!admin");
    server.plan_is_empty();
}

fn a_host_whose_token_lacks_a_privilege_is_refused(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&HOST.replace("VM.Config.Disk", "Sys.PowerMgmt"));
    server.apply_fails(&[
        "Connection check failed",
        "pve1",
        "missing_privileges",
        "Sys.PowerMgmt",
        "/vms",
    ]);
    assert_eq!(server.attributes("proxmox_host.h"), Value::Null);
    // Without any grant the token works and may do nothing, and that is what is said, also where
    // nothing is required.
    let server = TestServer::new(cli);
    let bare = HOST.replace(
        r#"  acl        = [{ path = "/vms", role = "PVEVMAdmin" }]
"#,
        "",
    );
    let needs = bare.find("  required_privileges").expect("a requirement");
    server.main(&format!("{}}}\n", &bare[..needs]));
    let may = "API token has no privileges";
    says(&server.apply(), &[may, "no ACL entries of its own", "acl"]);
    server.plan_is_empty();
    let server = TestServer::new(cli);
    server.main(&HOST.replace(
        r#"  acl        = [{ path = "/vms", role = "PVEVMAdmin" }]
"#,
        "",
    ));
    server.apply_fails(&["missing_privileges", "privilege separation", "acl"]);
}

fn a_host_that_cannot_be_reached_at_refresh_stays_with_a_warning(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(
        r#"
        variable "port" {}
        resource "proxmox_host" "h" {
          name     = "pve1"
          hostname = "127.0.0.1"
          port     = var.port
        }
        "#,
    );
    let variable = format!("-var=port={}", server.sim.address().port());
    let first = server
        .scratch
        .run(["apply", "-auto-approve", "-no-color", &variable]);
    assert!(first.ok(), "{}\n{}", first.stdout, first.stderr);
    let before = attributes(&server.scratch, "proxmox_host.h");
    let scratch = server.plan_without_server(&[&variable], &["Host not refreshed", "pve1"]);
    assert_eq!(attributes(&scratch, "proxmox_host.h"), before);
}

fn a_disabled_host_is_registered_without_a_check(cli: &Cli) {
    let server = TestServer::new(cli);
    let closed = closed_port().expect("a port");
    server.main(&format!(
        r#"resource "proxmox_host" "h" {{
  name = "later"
  hostname = "{closed}"
  enabled = false
}}
"#
    ));
    server.apply();
    server.plan_is_empty();
    assert_eq!(server.attributes("proxmox_host.h")["version"], Value::Null);
    assert_eq!(server.sim.requests().len(), 0);
    server.main(&format!(
        r#"resource "proxmox_host" "h" {{
  name = "later"
  hostname = "{closed}"
  api_token = "root@pam!admin=00000000-0000-0000-0000-000000000000"
}}
"#
    ));
    server.apply_fails(&["Connection check failed", "connection_refused", "later"]);
}

/// The credential of the provider goes to the addresses of the provider block only.
fn a_host_at_another_address_needs_a_credential_of_its_own(cli: &Cli) {
    let server = TestServer::new(cli);
    let other = TestServer::new(cli);
    let port = other.sim.address().port();
    for address in [
        format!("hostname = \"127.0.0.1:{port}\""),
        format!("hostname = \"127.0.0.1\"\n  port = {port}"),
        format!("hostname = \"localhost:{port}\""),
        format!("port = {port}"),
    ] {
        server.main(&format!(
            "resource \"proxmox_host\" \"h\" {{\n  name = \"h\"\n  {address}\n  verify_ssl = false\n}}\n"
        ));
        server.plan_fails(&["Host without a credential", "its own addresses only"]);
    }
    assert_eq!(other.sim.requests().len(), 0);
    // Two ports contradict each other.
    server.main(&format!(
        "resource \"proxmox_host\" \"h\" {{\n  name = \"h\"\n  hostname = \"127.0.0.1:1\"\n  port = {port}\n}}\n"
    ));
    server.plan_fails(&["Conflicting ports", "`hostname` has the port 1"]);
    // An address of the block needs none.
    server.main(&format!(
        "resource \"proxmox_host\" \"h\" {{\n  name = \"h\"\n  hostname = {:?}\n  api_token = \"\"\n  password_wo = \"\"\n}}\n",
        server.sim.endpoint()
    ));
    server.apply();
    server.plan_is_empty();
}

fn a_changed_secret_is_checked_again_and_a_changed_note_is_not(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(HOST);
    server.apply();
    server.sim.clear_requests();
    server.main(&HOST.replace("first", "second"));
    let plan = server.plan();
    assert!(
        !plan.stdout.contains("known after apply"),
        "{}",
        plan.stdout
    );
    server.apply();
    server.plan_is_empty();
    server.main(&HOST.replace("first", "second").replace(
        "proxmox_api_token.t.secret",
        r#""00000000-0000-0000-0000-000000000000""#,
    ));
    says(&server.plan(), &["version", "known after apply"]);
    server.apply_fails(&["unauthenticated", "root@pam!terraform", "api_token_secret"]);
    // The registration that was proven before is still what the state says.
    server.main(&HOST.replace("first", "second"));
    server.plan_is_empty();
}

fn a_check_ends_at_its_timeout_and_a_changed_timeout_changes_nothing_else(cli: &Cli) {
    let server = TestServer::new(cli);
    let host = |limit: &str| {
        format!(
            r#"resource "proxmox_host" "h" {{
  name = "pve1"
  timeouts = {{ create = {limit:?} }}
}}
"#
        )
    };
    server.main(&host("soon"));
    server.plan_fails(&["timeouts.create", "such as"]);
    server
        .sim
        .fault(Fault::slow(Duration::from_secs(3)).on("GET", "/version"));
    server.main(&host("1s"));
    server.apply_fails(&["timeout", "Increase the limit in `timeouts`"]);
    server.sim.clear_faults();
    server.apply();
    server.sim.clear_requests();
    server.main(&host("1m"));
    let asked = ["plan", "-no-color", "-refresh=false"];
    assert!(server.scratch.run(asked).text().contains("1 to change"));
    let apply = ["apply", "-no-color", "-auto-approve", "-refresh=false"];
    assert!(server.scratch.run(apply).ok());
    assert_eq!(server.requests("GET", "/"), 0, "a limit needs no proof");
    server.plan_is_empty();
}

fn host(attributes: &str) -> String {
    format!(
        r#"resource "proxmox_host" "h" {{
  name = "pve1"
  {attributes}
}}
"#
    )
}

fn a_host_is_checked_with_each_form_of_a_credential(cli: &Cli) {
    let server = TestServer::new(cli);
    let (secret, (ticket, csrf)) = server.sim.state(|state| {
        let secret = state.add_token("demo@pve!host", false, None, 0);
        (secret, state.make_ticket("demo@pve"))
    });
    let login = r#"username = "demo@pve"
  password = "demo-pass-1""#;
    let forms = [
        (
            format!(
                r#"username = "demo@pve"
  api_token = "demo@pve!host={secret}""#
            ),
            "api_token",
        ),
        (
            format!(r#"api_token = "demo@pve!host={secret}""#),
            "api_token",
        ),
        (
            format!("auth_ticket = {ticket:?}\n  csrf_prevention_token = {csrf:?}"),
            "ticket",
        ),
        (login.to_owned(), "password"),
    ];
    for (form, method) in forms {
        server.main(&host(&form));
        server.apply();
        assert_eq!(server.attributes("proxmox_host.h")["auth_method"], method);
        server.sim.clear_requests();
        server.plan_is_empty();
        assert_eq!(
            server.requests("GET", "/version"),
            1,
            "{form}: proven again"
        );
    }
    let (seed, code) = server.sim.state(|state| {
        let hour = NonZeroU64::new(3600).expect("an hour");
        let seed = state.enable_totp_with_step("demo@pve", hour);
        (seed, state.totp_code("demo@pve").expect("a code"))
    });
    assert!(!seed.is_empty());
    server.main(&host(&format!("{login}\n  otp = {code:?}")));
    server.apply();
    server.sim.clear_requests();
    // The code is used up, and a refresh does not try it again.
    server.plan_is_empty();
    assert_eq!(server.requests("POST", "/access/ticket"), 0);
}

fn each_secret_can_be_write_only(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let hour = NonZeroU64::new(3600).expect("an hour");
    let (secret, (ticket, csrf), code) = server.sim.state(|state| {
        let secret = state.add_token("demo@pve!host", false, None, 0);
        let ticket = state.make_ticket("demo@pve");
        state.enable_totp_with_step("demo@pve", hour);
        (secret, ticket, state.totp_code("demo@pve").expect("a code"))
    });
    let whole = format!("demo@pve!host={secret}");
    let made = rcgen::generate_simple_self_signed(["client".to_owned()]).expect("a certificate");
    let (certificate, key) = (made.cert.pem(), made.key_pair.serialize_pem());
    let written = server.scratch.write("client.pem", &certificate);
    written.expect("a file");
    server.scratch.set("TF_VAR_key", &key);
    let forms = [
        (
            format!("api_token_wo = {whole:?}\n  api_token_wo_version = 1"),
            "api_token",
            vec![&secret],
        ),
        (
            format!(
                "auth_ticket_wo = {ticket:?}\n  auth_ticket_wo_version = 1\n  \
                 csrf_prevention_token_wo = {csrf:?}"
            ),
            "ticket",
            vec![&ticket, &csrf],
        ),
        (
            format!(
                "username = \"demo@pve\"\n  password_wo = \"demo-pass-1\"\n  otp_wo = {code:?}\n  \
                 otp_wo_version = 1"
            ),
            "password",
            vec![&code],
        ),
        (
            format!(
                "api_token = {whole:?}\n  client_certificate = \"client.pem\"\n  \
                 client_key_wo = var.key\n  client_key_wo_version = 1"
            ),
            "api_token",
            vec![&key],
        ),
    ];
    for (form, method, secrets) in forms {
        let variable = "variable \"key\" {\n  type = string\n  ephemeral = true\n}\n";
        server.main(&format!("{variable}{}", host(&form)));
        server.apply();
        assert_eq!(server.attributes("proxmox_host.h")["auth_method"], method);
        let state = std::fs::read_to_string(server.scratch.file("terraform.tfstate"));
        let state = state.expect("a state");
        for secret in secrets {
            let secret = serde_json::to_string(secret).expect("a string");
            assert!(!state.contains(secret.trim_matches('"')), "{form}");
        }
        server.sim.clear_requests();
        server.plan_is_empty();
        let proofs = server.requests("GET", "/version") + server.requests("POST", "/access/ticket");
        assert_eq!(proofs, 0, "{form}: nothing is sent without the secret");
    }
}

fn a_write_only_secret_without_its_other_half_is_refused(cli: &Cli) {
    let server = TestServer::new(cli);
    let ticket = "PVE:demo@pve:6B0482D5::not-shown";
    for (form, words) in [
        (
            r#"api_token_wo = "demo@pve!host=not-shown""#.to_owned(),
            ["api_token_wo", "api_token_wo_version"],
        ),
        (
            format!("auth_ticket_wo = {ticket:?}\n  auth_ticket_wo_version = 1"),
            ["auth_ticket_wo", "csrf_prevention_token_wo"],
        ),
        (
            format!("auth_ticket = {ticket:?}\n  csrf_prevention_token_wo = \"not-shown\""),
            ["csrf_prevention_token_wo", "auth_ticket_wo"],
        ),
        (
            format!(
                "auth_ticket_wo = {ticket:?}\n  csrf_prevention_token_wo = \"not-shown\""
            ),
            ["auth_ticket_wo", "auth_ticket_wo_version"],
        ),
        (
            "username = \"demo@pve\"\n  password = \"not-shown\"\n  otp_wo = \"123456\"".to_owned(),
            ["otp_wo", "password_wo"],
        ),
        (
            r#"client_key_wo = "not-shown""#.to_owned(),
            ["client_key_wo", "client_certificate"],
        ),
        (
            "api_token = \"demo@pve!host=not-shown\"\n  api_token_wo = \"demo@pve!host=not-shown\"\n  \
             api_token_wo_version = 1"
                .to_owned(),
            ["api_token", "api_token_wo"],
        ),
    ] {
        server.main(&host(&form));
        let run = server.plan_fails(&words);
        assert!(!run.text().contains("not-shown"), "{}", run.text());
    }
}

fn a_write_only_login_is_not_stored(cli: &Cli) {
    let server = TestServer::new(cli);
    let seed = server.sim.state(|state| state.enable_totp("demo@pve"));
    let login = |rest: &str| {
        host(&format!(
            r#"username = "demo@pve"
  {rest}"#
        ))
    };
    server.main(&login(&format!(
        r#"password_wo = "demo-pass-1"
  password_wo_version = 1
  totp_secret_wo = {seed:?}"#
    )));
    server.apply();
    server.plan_is_empty();
    let kept = std::fs::read_to_string(server.scratch.file("terraform.tfstate")).expect("a state");
    assert!(!kept.contains("demo-pass-1") && !kept.contains(&seed));
    server.main(&login(&format!(
        r#"password = "demo-pass-1"
  totp_secret_wo = {seed:?}"#
    )));
    server.plan_fails(&["totp_secret_wo", "password_wo"]);
}

fn a_refresh_reads_the_facts_again_and_moving_a_host_keeps_it(cli: &Cli) {
    let server = TestServer::new(cli);
    let address = server.sim.address();
    server.main(&host(&format!(r#"hostname = "{address}""#)));
    server.apply();
    server.sim.state(|state| state.add_node("pve2", true));
    server.apply();
    let nodes = server.attributes("proxmox_host.h")["nodes"].clone();
    assert_eq!(nodes[1]["name"], "pve2");
    let fingerprint = server.sim.certificate_fingerprint();
    server.main(&host(&format!(
        r#"hostname = "localhost:{}"
  certificate_fingerprints = [{fingerprint:?}]"#,
        address.port()
    )));
    says(&server.plan(), &["0 to add, 1 to change, 0 to destroy"]);
    server.apply();
    server.plan_is_empty();
}

fn another_clusters_key_replaces_the_host(cli: &Cli) {
    let server = TestServer::new(cli);
    let (endpoint, admin) = (server.sim.endpoint(), &server.admin);
    let config = |cluster: &str| {
        let one = format!("{{ endpoint = {endpoint:?}, api_token = {admin:?} }}");
        let host = host(&format!("cluster = {cluster:?}"));
        format!(
            r#"provider "proxmox" {{
  clusters = {{ a = {one}, b = {one} }}
}}
{host}"#
        )
    };
    server.main(&config("a"));
    server.apply();
    server.main(&config("b"));
    says(&server.plan(), &["1 to add, 0 to change, 1 to destroy"]);
    server.apply();
    server.plan_is_empty();
}

fn a_write_only_host_that_is_down_stays_with_a_warning(cli: &Cli) {
    let server = TestServer::new(cli);
    let secret = server
        .sim
        .state(|state| state.add_token("demo@pve!host", false, None, 0));
    server.main(&host(&format!(
        r#"api_token_id = "demo@pve!host"
  api_token_secret_wo = {secret:?}
  api_token_secret_wo_version = 1"#
    )));
    server.apply();
    let before = server.attributes("proxmox_host.h");
    let scratch = server.plan_without_server(&[], &["Host not refreshed", "pve1"]);
    assert_eq!(attributes(&scratch, "proxmox_host.h"), before);
}

fn a_write_only_secret_is_checked_and_not_stored(cli: &Cli) {
    let server = TestServer::new(cli);
    let secret = server
        .sim
        .state(|state| state.add_token("demo@pve!host", false, None, 0));
    let host = |secret: &str, version: u8| {
        format!(
            r#"resource "proxmox_host" "h" {{
  name = "h"
  api_token_id = "demo@pve!host"
  api_token_secret_wo = {secret:?}
  api_token_secret_wo_version = {version}
}}
"#
        )
    };
    server.main(&host(&secret, 1));
    server.apply();
    server.plan_is_empty();
    let kept = std::fs::read_to_string(server.scratch.file("terraform.tfstate")).expect("a state");
    assert!(
        !kept.contains(&secret),
        "the write-only secret is in the state"
    );
    assert_eq!(
        server.attributes("proxmox_host.h")["token_id"],
        "demo@pve!host"
    );

    // Another version of the secret is proven again, and one that is wrong is refused.
    let wrong = "00000000-0000-0000-0000-000000000000";
    server.main(&host(wrong, 1));
    server.plan_is_empty();
    server.main(&host(wrong, 2));
    server.apply_fails(&["unauthenticated", "demo@pve!host"]);

    server.main(&host(&secret, 1).replace(
        "name =",
        r#"api_token_secret = "x"
  name ="#,
    ));
    server.plan_fails(&["More than one credential", "api_token_secret_wo"]);
}

fn a_connection_check_reports_without_failing(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(
        r#"
        data "proxmox_connection" "me" {
          required_privileges = { "/vms" = ["VM.Allocate"] }
        }
        output "me" {
          value = data.proxmox_connection.me
        }
        "#,
    );
    server.apply();
    let me = output(&server, "me");
    assert_eq!(me["ok"], true);
    assert_eq!(me["status"], "ok");
    assert_eq!(me["identity"], "root@pam!admin");
    assert_eq!(me["missing_privileges"], serde_json::json!({}));
    assert_eq!(
        me["latency_ms"].as_i64().map(|latency| latency % 1000),
        Some(0)
    );
    server.plan_is_empty();

    let admin = server.admin.clone();
    server.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    server.apply();
    let me = output(&server, "me");
    assert_eq!(me["ok"], false);
    assert_eq!(me["status"], "unauthenticated");
    assert!(
        me["remedy"]
            .as_str()
            .expect("a remedy")
            .contains("api_token")
    );

    server.connect_as(&admin);
    let closed = closed_port().expect("a port");
    server
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &closed.to_string());
    server.apply();
    let me = output(&server, "me");
    assert_eq!(me["status"], "connection_refused");
    assert!(
        me["remedy"]
            .as_str()
            .expect("a remedy")
            .contains("endpoint")
    );
}

fn a_connection_check_fails_with_fail_on_error(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    server.main(
        r#"data "proxmox_connection" "me" {
  fail_on_error = true
}
"#,
    );
    let run = server.plan_fails(&["Connection check failed", "unauthenticated", "api_token"]);
    let address = server.sim.endpoint();
    assert_eq!(run.text().matches(&address).count(), 1, "{}", run.text());
}

fn the_facts_of_a_host_are_read(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.sim.state(|state| state.add_node("pve2", true));
    server.main(
        r#"data "proxmox_host" "h" {}
output "h" {
  value = data.proxmox_host.h
}
"#,
    );
    server.apply();
    let host = output(&server, "h");
    assert_eq!(host["release"], "9.2");
    assert_eq!(host["nodes"].as_array().expect("nodes").len(), 2);
    server.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    server.plan_fails(&["Connection check failed", "unauthenticated"]);
}

fn permissions_are_read_for_the_token_itself(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.state(|state| {
        state.add_token("demo@pve!backup", true, None, 0);
        state.set_acl("/storage/local", "PVEDatastoreUser", "demo@pve", true);
        state.set_acl(
            "/storage/local",
            "PVEDatastoreUser",
            "demo@pve!backup",
            true,
        );
    });
    server.main(
        r#"
        data "proxmox_permissions" "p" {
          token_id = "demo@pve!backup"
          paths    = ["/vms/100", "/storage/local"]
        }
        output "p" {
          value = data.proxmox_permissions.p.privileges
        }
        "#,
    );
    server.apply();
    let held = output(&server, "p");
    assert_eq!(held["/vms/100"], serde_json::json!([]));
    let storage = held["/storage/local"]
        .as_array()
        .expect("privileges")
        .clone();
    assert!(
        storage.contains(&Value::from("Datastore.AllocateSpace")),
        "{storage:?}"
    );
}

fn output(server: &TestServer, name: &str) -> Value {
    let run = server.scratch.run(["output", "-json", name]);
    serde_json::from_str(&run.stdout).expect("an output")
}
