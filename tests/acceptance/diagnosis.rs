//! Different causes behind the same response of the server: which product answers, which clock is
//! wrong, why a credential is refused, and whether the token or its owner lacks a privilege.

use std::time::Duration;

use cli_harness::{Cli, Run};
use proxmox_simulator::{Cluster, Fault, Identity, RawResponse, State};

use super::Scenario;
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    another_product_of_proxmox_is_named,
    the_login_page_of_a_proxy_is_named,
    a_wrong_clock_is_reported_with_a_refused_code,
    a_wrong_clock_is_reported_with_a_refused_ticket,
    a_refused_host_token_is_explained_through_the_providers_credential,
    a_refused_host_password_is_explained_through_the_providers_credential,
    a_code_that_no_host_would_accept_is_explained_through_the_providers_credential,
    a_credential_that_does_not_arrive_is_not_called_wrong,
    a_privilege_that_does_not_propagate_is_not_called_missing,
    a_refusal_stays_vague_without_the_right_to_look,
    a_misspelt_privilege_is_reported,
    privileges_missing_from_the_token_and_from_its_owner_are_told_apart,
];

const CHECK: &str = r#"
data "proxmox_connection" "c" {
  fail_on_error = true
}
"#;

fn page(title: &str) -> RawResponse {
    RawResponse {
        status: 200,
        reason: "OK".to_owned(),
        headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
        body: format!("<!DOCTYPE html><html><head>\n<title>{title}</title></head></html>").into(),
    }
}

/// What the check says of a server that answers these paths so.
fn answering(cli: &Cli, answers: Vec<(&str, RawResponse)>) -> Run {
    let server = TestServer::new(cli);
    for (path, response) in answers {
        server.sim.fault(Fault::response(response).on("GET", path));
    }
    server.main(CHECK);
    let run = server.plan_fails(&["not_proxmox", "endpoint"]);
    let seen = server.sim.requests();
    let mut identities = seen.iter().map(|request| &request.identity);
    assert!(
        identities.all(|who| *who == Identity::Anonymous),
        "a stranger was shown a credential"
    );
    run
}

fn another_product_of_proxmox_is_named(cli: &Cli) {
    let realms = r#"{"data":[{"realm":"pam","type":"pam"},{"realm":"pbs","type":"pbs"}]}"#;
    let backup = answering(
        cli,
        vec![("/access/domains", RawResponse::json(200, realms))],
    );
    says(&backup, &["Proxmox Backup Server"]);
    // It has no list of realms, or wants a ticket first, depending on its version.
    for status in [501, 401] {
        let gateway = answering(
            cli,
            vec![
                (
                    "/access/domains",
                    RawResponse::json(status, r#"{"data":null}"#),
                ),
                ("/", page("mail1 - Proxmox Mail Gateway")),
            ],
        );
        says(&gateway, &["Proxmox Mail Gateway"]);
    }
}

fn the_login_page_of_a_proxy_is_named(cli: &Cli) {
    let proxy = answering(cli, vec![("*", page("Sign in to continue"))]);
    says(&proxy, &["Sign in to continue"]);
}

fn a_wrong_clock_is_reported_with_a_refused_code(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.sim.state(|state| {
        state.enable_totp("root@pam");
        state.add_user("root@pam", "root-pass-1");
        state.set_clock_offset(-7200);
    });
    let other_seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    server.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    server.scratch.set("PROXMOX_VE_TOTP_SECRET", other_seed);
    server.main(CHECK);
    // A code for another time could be kept and used then, so none is sent.
    server.plan_fails(&[
        "the clock of the host is 7",
        "behind that of this machine, so no one-time code was sent",
    ]);
    server.sim.state(|state| state.set_clock_offset(-100));
    let run = server.plan_fails(&["behind this machine's", "If the clock of the host is wrong"]);
    assert!(run.text().contains("its clock is 1"), "{}", run.text());
    server.sim.state(|state| state.set_clock_offset(0));
    let run = server.plan_fails(&["one-time code", "totp_secret"]);
    assert!(!run.text().contains("its clock"), "{}", run.text());
}

fn a_wrong_clock_is_reported_with_a_refused_ticket(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let (ticket, csrf) = server.sim.state(|state| state.make_ticket("root@pam"));
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_AUTH_TICKET", &ticket);
    server
        .scratch
        .set("PROXMOX_VE_CSRF_PREVENTION_TOKEN", &csrf);
    server.sim.advance(Duration::from_secs(3 * 60 * 60));
    server.main(CHECK);
    server.plan_fails(&["its clock is 10", "ahead of this machine's", "auth_ticket"]);
}

fn host_with_token(id: &str, secret: &str) -> String {
    format!(
        r#"resource "proxmox_host" "h" {{
  name = "pve1"
  api_token_id = "{id}"
  api_token_secret = "{secret}"
}}
"#
    )
}

fn a_refused_host_token_is_explained_through_the_providers_credential(cli: &Cli) {
    type Change = fn(&mut State);
    let causes: [(Change, &str, &str); 6] = [
        (
            |_| (),
            "is valid, but its secret is a different one",
            "api_token_secret",
        ),
        (
            |state| state.remove_token("demo@pve", "ci"),
            "the token demo@pve!ci does not exist",
            "api_token_id",
        ),
        (
            |state| {
                let now = state.now();
                let token = state.token_mut("demo@pve", "ci");
                token.expect("the token").expire = now.unsigned_abs() - 1;
            },
            "the token demo@pve!ci has expired",
            "expiration_date",
        ),
        (
            |state| state.user_mut("demo@pve").enabled = false,
            "the user demo@pve is disabled",
            "Enable demo@pve",
        ),
        (
            |state| {
                let now = state.now().unsigned_abs();
                state.user_mut("demo@pve").expire = now - 1;
            },
            "the user demo@pve has expired",
            "Extend the expiry of demo@pve",
        ),
        (
            |state| state.remove_user("demo@pve"),
            "the user demo@pve does not exist",
            "create demo@pve",
        ),
    ];
    let server = TestServer::new(cli);
    let secret = "00000000-0000-0000-0000-000000000000";
    server.main(&host_with_token("demo@pve!ci", secret));
    for (change, cause, remedy) in causes {
        server.sim.state(|state| {
            state.remove_user("demo@pve");
            state.add_user("demo@pve", "demo-pass-1");
            state.add_token("demo@pve!ci", true, None, 0);
            change(state);
        });
        let run = server.apply_fails(&["unauthenticated", cause, remedy]);
        assert!(
            run.text().contains("root@pam!admin can see the reason"),
            "{cause}"
        );
    }
}

fn a_refused_host_password_is_explained_through_the_providers_credential(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(
        r#"resource "proxmox_host" "h" {
  name = "pve1"
  username = "demo@pve"
  password = "wrong-pass-1"
}
"#,
    );
    server.apply_fails(&["its realm rejected the password", "Set `password`"]);
    server
        .sim
        .state(|state| state.user_mut("demo@pve").enabled = false);
    server.apply_fails(&["the user demo@pve is disabled"]);
}

/// The server refuses every code in the same words, whatever the reason.
fn a_code_that_no_host_would_accept_is_explained_through_the_providers_credential(cli: &Cli) {
    let server = TestServer::new(cli);
    let seed = server.sim.state(|state| {
        state.add_user("demo@pve", "demo-pass-1");
        state.enable_totp("demo@pve")
    });
    server.main(&format!(
        r#"resource "proxmox_host" "h" {{
  name = "pve1"
  username = "demo@pve"
  password = "demo-pass-1"
  totp_secret = "{seed}"
}}
"#
    ));
    server.sim.state(|state| state.lock_totp("demo@pve"));
    server.apply_fails(&[
        "second_factor",
        "the second factor of the user demo@pve is locked",
        "Unlock the second factor of demo@pve",
    ]);
    server.sim.state(|state| {
        state.enable_totp("demo@pve");
        state.cluster = Some(Cluster {
            name: "production".to_owned(),
            quorate: false,
        });
    });
    server.apply_fails(&["the node has no quorum", "`pvecm status`"]);
}

fn a_credential_that_does_not_arrive_is_not_called_wrong(cli: &Cli) {
    let server = TestServer::new(cli);
    let unseen = RawResponse {
        status: 401,
        reason: "No ticket".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let request = Fault::response(unseen);
    server.sim.fault(request.on("GET", "/version"));
    server.main(CHECK);
    let run = server.plan_fails(&[
        "unauthenticated",
        "did not receive the credential of root@pam!admin",
        "pass on the headers Authorization",
    ]);
    assert!(!run.text().contains("Check `api_token`"), "{}", run.text());
}

/// `540-audit-without-propagation`: the entries are visible then, the users are not.
fn a_privilege_that_does_not_propagate_is_not_called_missing(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let secret = server.sim.state(|state| {
        state.add_user("demo@pve", "demo-pass-1");
        state.add_user("audit@pve", "audit-pass-1");
        state.add_token("demo@pve!ci", true, None, 0);
        state.add_role("OnlyAudit", &["Sys.Audit"]);
        state.set_acl("/access", "OnlyAudit", "audit@pve", false);
        state.add_token("audit@pve!look", false, None, 0)
    });
    server.connect_as(&format!("audit@pve!look={secret}"));
    server.main(
        r#"import {
  to = proxmox_api_token.t
  id = "demo@pve!ci"
}

resource "proxmox_api_token" "t" {
  user_id = "demo@pve"
  token_name = "ci"
}
"#,
    );
    server.plan_fails(&["Sys.Audit on /access is enough only with propagation"]);
}

fn a_refusal_stays_vague_without_the_right_to_look(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let secret = server
        .sim
        .state(|state| state.add_token("demo@pve!weak", true, None, 0));
    server.connect_as(&format!("demo@pve!weak={secret}"));
    let wrong = "00000000-0000-0000-0000-000000000000";
    server.main(&host_with_token("root@pam!admin", wrong));
    let run = server.apply_fails(&["root@pam!admin", "api_token_secret"]);
    assert!(!run.text().contains("can see why"), "{}", run.text());
}

fn a_misspelt_privilege_is_reported(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(
        r#"
        data "proxmox_connection" "c" {
          required_privileges = { "/vms" = ["VM.Alocate", "VM.Audit"] }
          fail_on_error       = true
        }
        "#,
    );
    let run = server.plan_fails(&[
        "missing_privileges",
        "no privilege VM.Alocate",
        "Did you mean VM.Allocate",
        "required_privileges",
    ]);
    assert!(!run.text().contains("Grant"), "{}", run.text());
}

fn privileges_missing_from_the_token_and_from_its_owner_are_told_apart(cli: &Cli) {
    let server = TestServer::new(cli);
    let secret = server.sim.state(|state| {
        state.set_acl("/vms", "PVEVMAdmin", "demo@pve", true);
        state.add_token("demo@pve!ci", true, None, 0)
    });
    let host = |needed: &str| {
        let host = host_with_token("demo@pve!ci", &secret);
        let needed = format!(
            r"required_privileges = {{ {needed} }}
}}
"
        );
        host.trim_end().trim_end_matches('}').to_owned() + &needed
    };
    server.main(&host(r#""/vms" = ["VM.Audit"]"#));
    let run = server.apply_fails(&[
        "Its owner demo@pve has all of them",
        "Grant the token itself VM.Audit on /vms (for example with the role",
    ]);
    assert!(
        !run.text().contains("or one of its groups"),
        "{}",
        run.text()
    );
    server.main(&host(r#""/vms" = ["VM.Audit"], "/" = ["Sys.Audit"]"#));
    server.apply_fails(&[
        "Its owner demo@pve also lacks Sys.Audit on /.",
        "Grant demo@pve or one of its groups Sys.Audit on / (for example with the role PVEAuditor)",
    ]);
}
