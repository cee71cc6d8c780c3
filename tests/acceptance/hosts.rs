//! `proxmox_host` and `proxmox_connection`: proving that a connection works.

use std::{num::NonZeroU64, time::Duration};

use cli_harness::Cli;
use proxmox_simulator::{Fault, nobody_listens};
use serde_json::Value;

use super::{
    Scenario,
    stage::{Stage, attributes, says},
};

pub const SCENARIOS: &[Scenario] = &[
    (
        "a host is registered with the token that was just minted",
        registered,
    ),
    ("a host whose token lacks a privilege is refused", lacking),
    (
        "a host that cannot be reached at refresh stays, with a warning",
        unreachable,
    ),
    (
        "a host that is not enabled is registered unproven",
        disabled,
    ),
    (
        "a changed secret is proven again, a changed note is not",
        proven_again,
    ),
    (
        "a check takes no longer than its time limit, and a changed limit changes nothing else",
        time_limit,
    ),
    ("a host is proven with each form of a credential", each_form),
    ("a write-only login is not kept", write_only_login),
    (
        "a refresh reads the facts again, and moving a host keeps it",
        refreshed_and_moved,
    ),
    (
        "another cluster's key registers the host anew",
        another_cluster,
    ),
    (
        "a write-only host that is down stays, with a warning",
        write_only_unreachable,
    ),
    (
        "a write-only secret proves a host and is not kept",
        write_only,
    ),
    ("a connection check reports without failing", reports),
    (
        "a connection check fails when it is asked to",
        fails_on_request,
    ),
    ("the facts of a host are read", facts),
    ("permissions are read for the token itself", permissions),
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

fn registered(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.main(HOST);
    stage.apply();
    stage.plan_is_empty();
    let host = stage.attributes("proxmox_host.h");
    assert_eq!(host["id"], "pve1");
    assert_eq!(host["endpoint"], stage.sim.endpoint());
    assert_eq!(host["token_id"], "root@pam!terraform");
    assert_eq!(host["auth_method"], "api_token");
    assert_eq!(host["release"], "9.2");
    assert_eq!(
        host["certificate_fingerprint"],
        stage.sim.certificate_fingerprint()
    );
    assert_eq!(host["nodes"][0]["name"], "pve1");
    let held = host["privileges"]["/vms"]
        .as_array()
        .expect("privileges")
        .clone();
    assert!(held.contains(&Value::from("VM.Allocate")));
    stage.destroy();
}

fn lacking(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.main(&HOST.replace("VM.Config.Disk", "Sys.PowerMgmt"));
    stage.apply_fails(&[
        "Connection check failed",
        "pve1",
        "missing_privileges",
        "Sys.PowerMgmt",
        "/vms",
    ]);
    assert_eq!(stage.attributes("proxmox_host.h"), Value::Null);
    // Without any grant the token works and may do nothing, and that is what is said, also where
    // nothing is required.
    let stage = Stage::new(cli);
    let bare = HOST.replace(
        r#"  acl        = [{ path = "/vms", role = "PVEVMAdmin" }]
"#,
        "",
    );
    let needs = bare.find("  required_privileges").expect("a requirement");
    stage.main(&format!("{}}}\n", &bare[..needs]));
    let may = "may do nothing";
    says(&stage.apply(), &[may, "no grants of its own", "acl"]);
    stage.plan_is_empty();
    let stage = Stage::new(cli);
    stage.main(&HOST.replace(
        r#"  acl        = [{ path = "/vms", role = "PVEVMAdmin" }]
"#,
        "",
    ));
    stage.apply_fails(&["missing_privileges", "privilege separation", "acl"]);
}

fn unreachable(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.main(
        r#"
        variable "port" {}
        resource "proxmox_host" "h" {
          name     = "pve1"
          hostname = "127.0.0.1"
          port     = var.port
        }
        "#,
    );
    let variable = format!("-var=port={}", stage.sim.address().port());
    let first = stage
        .scratch
        .run(["apply", "-auto-approve", "-no-color", &variable]);
    assert!(first.ok(), "{}\n{}", first.stdout, first.stderr);
    let before = attributes(&stage.scratch, "proxmox_host.h");
    let scratch = stage.plan_without_server(&[&variable], &["Host not refreshed", "pve1"]);
    assert_eq!(attributes(&scratch, "proxmox_host.h"), before);
}

fn disabled(cli: &Cli) {
    let stage = Stage::new(cli);
    let closed = nobody_listens().expect("a port");
    stage.main(&format!(
        r#"resource "proxmox_host" "h" {{
  name = "later"
  hostname = "{closed}"
  enabled = false
}}
"#
    ));
    stage.apply();
    stage.plan_is_empty();
    assert_eq!(stage.attributes("proxmox_host.h")["version"], Value::Null);
    assert_eq!(stage.sim.requests().len(), 0);
    stage.main(&format!(
        r#"resource "proxmox_host" "h" {{
  name = "later"
  hostname = "{closed}"
}}
"#
    ));
    stage.apply_fails(&["Connection check failed", "connection_refused", "later"]);
}

fn proven_again(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.main(HOST);
    stage.apply();
    stage.sim.clear_requests();
    stage.main(&HOST.replace("first", "second"));
    let plan = stage.plan();
    assert!(
        !plan.stdout.contains("known after apply"),
        "{}",
        plan.stdout
    );
    stage.apply();
    stage.plan_is_empty();
    stage.main(&HOST.replace("first", "second").replace(
        "proxmox_api_token.t.secret",
        r#""00000000-0000-0000-0000-000000000000""#,
    ));
    says(&stage.plan(), &["version", "known after apply"]);
    stage.apply_fails(&["unauthenticated", "root@pam!terraform", "api_token_secret"]);
    // The registration that was proven before is still what the state says.
    stage.main(&HOST.replace("first", "second"));
    stage.plan_is_empty();
}

fn time_limit(cli: &Cli) {
    let stage = Stage::new(cli);
    let host = |limit: &str| {
        format!(
            r#"resource "proxmox_host" "h" {{
  name = "pve1"
  timeouts = {{ create = {limit:?} }}
}}
"#
        )
    };
    stage.main(&host("soon"));
    stage.plan_fails(&["timeouts.create", "such as"]);
    stage
        .sim
        .fault(Fault::slow(Duration::from_secs(3)).on("GET", "/version"));
    stage.main(&host("1s"));
    stage.apply_fails(&["timeout", "Raise the limit in timeouts"]);
    stage.sim.clear_faults();
    stage.apply();
    stage.sim.clear_requests();
    stage.main(&host("1m"));
    let asked = ["plan", "-no-color", "-refresh=false"];
    assert!(stage.scratch.run(asked).text().contains("1 to change"));
    let apply = ["apply", "-no-color", "-auto-approve", "-refresh=false"];
    assert!(stage.scratch.run(apply).ok());
    assert_eq!(stage.requests("GET", "/"), 0, "a limit needs no proof");
    stage.plan_is_empty();
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

fn each_form(cli: &Cli) {
    let stage = Stage::new(cli);
    let (secret, (ticket, csrf)) = stage.sim.state(|state| {
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
        stage.main(&host(&form));
        stage.apply();
        assert_eq!(stage.attributes("proxmox_host.h")["auth_method"], method);
        stage.sim.clear_requests();
        stage.plan_is_empty();
        assert_eq!(stage.requests("GET", "/version"), 1, "{form}: proven again");
    }
    let (seed, code) = stage.sim.state(|state| {
        let hour = NonZeroU64::new(3600).expect("an hour");
        let seed = state.enable_totp_with_step("demo@pve", hour);
        (seed, state.totp_code("demo@pve").expect("a code"))
    });
    assert!(!seed.is_empty());
    stage.main(&host(&format!("{login}\n  otp = {code:?}")));
    stage.apply();
    stage.sim.clear_requests();
    // The code is used up, and a refresh does not try it again.
    stage.plan_is_empty();
    assert_eq!(stage.requests("POST", "/access/ticket"), 0);
}

fn write_only_login(cli: &Cli) {
    let stage = Stage::new(cli);
    let seed = stage.sim.state(|state| state.enable_totp("demo@pve"));
    let login = |rest: &str| {
        host(&format!(
            r#"username = "demo@pve"
  {rest}"#
        ))
    };
    stage.main(&login(&format!(
        r#"password_wo = "demo-pass-1"
  password_wo_version = 1
  totp_secret_wo = {seed:?}"#
    )));
    stage.apply();
    stage.plan_is_empty();
    let kept = std::fs::read_to_string(stage.scratch.file("terraform.tfstate")).expect("a state");
    assert!(!kept.contains("demo-pass-1") && !kept.contains(&seed));
    stage.main(&login(&format!(
        r#"password = "demo-pass-1"
  totp_secret_wo = {seed:?}"#
    )));
    stage.plan_fails(&["totp_secret_wo", "password_wo"]);
}

fn refreshed_and_moved(cli: &Cli) {
    let stage = Stage::new(cli);
    let address = stage.sim.address();
    stage.main(&host(&format!(r#"hostname = "{address}""#)));
    stage.apply();
    stage.sim.state(|state| state.add_node("pve2", true));
    stage.apply();
    let nodes = stage.attributes("proxmox_host.h")["nodes"].clone();
    assert_eq!(nodes[1]["name"], "pve2");
    let fingerprint = stage.sim.certificate_fingerprint();
    stage.main(&host(&format!(
        r#"hostname = "localhost:{}"
  certificate_fingerprints = [{fingerprint:?}]"#,
        address.port()
    )));
    says(&stage.plan(), &["0 to add, 1 to change, 0 to destroy"]);
    stage.apply();
    stage.plan_is_empty();
}

fn another_cluster(cli: &Cli) {
    let stage = Stage::new(cli);
    let (endpoint, admin) = (stage.sim.endpoint(), &stage.admin);
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
    stage.main(&config("a"));
    stage.apply();
    stage.main(&config("b"));
    says(&stage.plan(), &["1 to add, 0 to change, 1 to destroy"]);
    stage.apply();
    stage.plan_is_empty();
}

fn write_only_unreachable(cli: &Cli) {
    let stage = Stage::new(cli);
    let secret = stage
        .sim
        .state(|state| state.add_token("demo@pve!host", false, None, 0));
    stage.main(&host(&format!(
        r#"api_token_id = "demo@pve!host"
  api_token_secret_wo = {secret:?}
  api_token_secret_wo_version = 1"#
    )));
    stage.apply();
    let before = stage.attributes("proxmox_host.h");
    let scratch = stage.plan_without_server(&[], &["Host not refreshed", "pve1"]);
    assert_eq!(attributes(&scratch, "proxmox_host.h"), before);
}

fn write_only(cli: &Cli) {
    let stage = Stage::new(cli);
    let secret = stage
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
    stage.main(&host(&secret, 1));
    stage.apply();
    stage.plan_is_empty();
    let kept = std::fs::read_to_string(stage.scratch.file("terraform.tfstate")).expect("a state");
    assert!(
        !kept.contains(&secret),
        "the write-only secret is in the state"
    );
    assert_eq!(
        stage.attributes("proxmox_host.h")["token_id"],
        "demo@pve!host"
    );

    // Another version of the secret is proven again, and one that is wrong is refused.
    let wrong = "00000000-0000-0000-0000-000000000000";
    stage.main(&host(wrong, 1));
    stage.plan_is_empty();
    stage.main(&host(wrong, 2));
    stage.apply_fails(&["unauthenticated", "demo@pve!host"]);

    stage.main(&host(&secret, 1).replace(
        "name =",
        r#"api_token_secret = "x"
  name ="#,
    ));
    stage.plan_fails(&["More than one credential", "api_token_secret_wo"]);
}

fn reports(cli: &Cli) {
    let mut stage = Stage::new(cli);
    stage.main(
        r#"
        data "proxmox_connection" "me" {
          required_privileges = { "/vms" = ["VM.Allocate"] }
        }
        output "me" {
          value = data.proxmox_connection.me
        }
        "#,
    );
    stage.apply();
    let me = output(&stage, "me");
    assert_eq!(me["ok"], true);
    assert_eq!(me["status"], "ok");
    assert_eq!(me["identity"], "root@pam!admin");
    assert_eq!(me["missing_privileges"], serde_json::json!({}));
    assert!(me["latency_ms"].is_number());

    let admin = stage.admin.clone();
    stage.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    stage.apply();
    let me = output(&stage, "me");
    assert_eq!(me["ok"], false);
    assert_eq!(me["status"], "unauthenticated");
    assert!(
        me["remedy"]
            .as_str()
            .expect("a remedy")
            .contains("api_token")
    );

    stage.connect_as(&admin);
    let closed = nobody_listens().expect("a port");
    stage
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &closed.to_string());
    stage.apply();
    let me = output(&stage, "me");
    assert_eq!(me["status"], "connection_refused");
    assert!(
        me["remedy"]
            .as_str()
            .expect("a remedy")
            .contains("endpoint")
    );
}

fn fails_on_request(cli: &Cli) {
    let mut stage = Stage::new(cli);
    stage.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    stage.main(
        r#"data "proxmox_connection" "me" {
  fail_on_error = true
}
"#,
    );
    stage.plan_fails(&["Connection check failed", "unauthenticated", "api_token"]);
}

fn facts(cli: &Cli) {
    let mut stage = Stage::new(cli);
    stage.sim.state(|state| state.add_node("pve2", true));
    stage.main(
        r#"data "proxmox_host" "h" {}
output "h" {
  value = data.proxmox_host.h
}
"#,
    );
    stage.apply();
    let host = output(&stage, "h");
    assert_eq!(host["release"], "9.2");
    assert_eq!(host["nodes"].as_array().expect("nodes").len(), 2);
    stage.connect_as("root@pam!admin=00000000-0000-0000-0000-000000000000");
    stage.plan_fails(&["Connection check failed", "unauthenticated"]);
}

fn permissions(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.sim.state(|state| {
        state.add_token("demo@pve!backup", true, None, 0);
        state.set_acl("/storage/local", "PVEDatastoreUser", "demo@pve", true);
        state.set_acl(
            "/storage/local",
            "PVEDatastoreUser",
            "demo@pve!backup",
            true,
        );
    });
    stage.main(
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
    stage.apply();
    let held = output(&stage, "p");
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

fn output(stage: &Stage, name: &str) -> Value {
    let run = stage.scratch.run(["output", "-json", name]);
    serde_json::from_str(&run.stdout).expect("an output")
}
