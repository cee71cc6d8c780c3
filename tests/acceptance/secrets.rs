//! Secrets are in the state and nowhere else.

use cli_harness::{Cli, Run};

use super::Scenario;
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    no_secret_is_printed_or_logged_even_at_trace,
    no_secret_is_in_a_log_when_a_login_fails,
    a_line_of_the_configuration_with_a_secret_is_not_printed,
];

fn no_secret_is_printed_or_logged_even_at_trace(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.scratch.set("TF_LOG", "TRACE");
    server.main(
        r#"
        resource "proxmox_api_token" "t" {
          user_id    = "demo@pve"
          token_name = "ci"
          acl        = [{ path = "/vms", role = "PVEAuditor" }]
        }

        resource "proxmox_host" "h" {
          name             = "h"
          api_token_id     = proxmox_api_token.t.token_id
          api_token_secret = proxmox_api_token.t.secret
        }

        output "api_token" {
          value     = proxmox_api_token.t.api_token
          sensitive = true
        }
        "#,
    );
    let applied = server.apply();
    let minted = server.attributes("proxmox_api_token.t")["secret"].clone();
    let minted = minted.as_str().expect("a secret").to_owned();
    let planned = server.plan();
    let destroyed = server.destroy();
    assert!(
        applied.stderr.contains("/access/users/demo%40pve/token/ci")
            || applied.stderr.contains("/access/users/demo@pve/token/ci"),
        "the provider logs its requests at TRACE"
    );
    let admin = server.admin.rsplit_once('=').expect("a token").1.to_owned();
    for run in [applied, planned, destroyed] {
        hides(&run, &[&minted, &admin]);
    }
}

fn no_secret_is_in_a_log_when_a_login_fails(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.scratch.set("TF_LOG", "TRACE");
    server.scratch.set("RUST_BACKTRACE", "1");
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_USERNAME", "demo@pve");
    server
        .scratch
        .set("PROXMOX_VE_PASSWORD", "correct horse battery");
    server
        .scratch
        .set("PROXMOX_VE_TOTP_SECRET", "JBSWY3DPEHPK3PXP");
    server.main(
        r#"data "proxmox_connection" "me" {
  fail_on_error = true
}
"#,
    );
    let run = server.plan_fails(&["unauthenticated", "demo@pve"]);
    hides(&run, &["correct horse battery", "JBSWY3DPEHPK3PXP"]);
    server.scratch.set("PROXMOX_VE_USERNAME", "");
    server.scratch.set("PROXMOX_VE_PASSWORD", "");
    server.scratch.set("PROXMOX_VE_TOTP_SECRET", "");
    for malformed in [
        "only-a-secret-and-nothing-else",
        "root@pam!x",
        "nobody=only-a-secret-and-nothing-else",
    ] {
        server.scratch.set("PROXMOX_VE_API_TOKEN", malformed);
        let run = server.plan_fails(&["Invalid credential", "PROXMOX_VE_API_TOKEN"]);
        hides(&run, &["only-a-secret-and-nothing-else"]);
    }
}

/// The command lines print the line that a diagnostic points at.
fn a_line_of_the_configuration_with_a_secret_is_not_printed(cli: &Cli) {
    const SECRET: &str = "573e8a06-e698-427c-acd8-738410c8ee7f";
    let data = "data \"proxmox_connection\" \"me\" {}\n";
    let server = TestServer::new(cli);
    // A credential of the environment is ignored, with a warning on every run.
    server.main(&format!(
        "provider \"proxmox\" {{\n  api_token = \"root@pam!admin={SECRET}\"\n}}\n{data}"
    ));
    let run = server.plan();
    says(
        &run,
        &["Credential in the environment ignored", "`api_token`"],
    );
    hides(&run, &[SECRET]);
    for (block, words) in [
        (
            format!(
                "  username = \"root@pam\"\n  api_token = \"root@pam!admin={SECRET}\"\n  password = \"{SECRET}\"\n"
            ),
            ["More than one credential", "`password`"],
        ),
        (
            format!("  proxy_url = \"ftp://user:{SECRET}@proxy\"\n"),
            ["Invalid proxy", "`proxy_url`"],
        ),
        (
            format!("  http_headers = {{\n    \"Host\" = \"{SECRET}\"\n  }}\n"),
            ["Invalid header", "`http_headers`"],
        ),
        (
            format!(
                "  clusters = {{\n    a = {{\n      endpoint = \"http://pve1\"\n      api_token = \"root@pam!ci={SECRET}\"\n    }}\n  }}\n"
            ),
            ["Invalid address", "clusters[\"a\"].endpoint"],
        ),
    ] {
        server.main(&format!("provider \"proxmox\" {{\n{block}}}\n{data}"));
        hides(&server.plan_fails(&words), &[SECRET]);
    }
    server.main(&format!(
        "resource \"proxmox_host\" \"h\" {{\n  name = \"h\"\n  api_token = \"root@pam={SECRET}\"\n}}\n"
    ));
    hides(
        &server.plan_fails(&["Invalid credential", "`api_token`"]),
        &[SECRET],
    );
}

fn hides(run: &Run, secrets: &[&str]) {
    for secret in secrets {
        for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            let place = text
                .find(secret)
                .map(|at| &text[at.saturating_sub(200)..at]);
            assert!(place.is_none(), "a secret is in {stream}, after: {place:?}");
        }
    }
}
