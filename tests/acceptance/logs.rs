//! The log of a run: what happened, in lines that a person can follow, without a secret.

use cli_harness::{Cli, Scratch};

use super::Scenario;
use super::test_server::TestServer;

pub const SCENARIOS: &[Scenario] = scenarios![
    a_debug_log_tells_the_story_of_a_run,
    a_request_that_fails_is_logged_with_its_cause,
];

/// The lines of the provider.
fn lines(scratch: &Scratch) -> Vec<String> {
    let log = std::fs::read_to_string(scratch.file("log")).expect("a log");
    let own = log
        .lines()
        .filter(|line| line.contains("provider.terraform-provider-proxmox"));
    own.map(str::to_owned).collect()
}

/// Asserts that one line has all of these parts.
fn one_says(lines: &[String], parts: &[&str]) {
    let found = lines
        .iter()
        .any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(found, "no line has {parts:?}:\n{}", lines.join("\n"));
}

fn with_log(cli: &Cli) -> TestServer {
    let mut server = TestServer::new(cli);
    let log = server.scratch.file("log").to_string_lossy().into_owned();
    server.scratch.set("TF_LOG_PROVIDER", "DEBUG");
    server.scratch.set("TF_LOG_PATH", &log);
    server
}

fn a_debug_log_tells_the_story_of_a_run(cli: &Cli) {
    let server = with_log(cli);
    server.main(
        r#"
        resource "proxmox_api_token" "t" {
          user_id    = "root@pam"
          token_name = "ci-0"
        }

        resource "proxmox_host" "h" {
          name      = "pve1"
          api_token = proxmox_api_token.t.api_token
        }
        "#,
    );
    server.apply();
    let lines = lines(&server.scratch);
    let endpoint = server.sim.endpoint();
    let connection = "Configured a connection";
    let variable = "the environment variable PROXMOX_VE_API_TOKEN";
    one_says(&lines, &[connection, &endpoint, "root@pam!admin", variable]);
    one_says(&lines, &[connection, "root@pam!ci-0", "source=`api_token`"]);
    for parts in [
        ["method=POST", "token/ci-0", "status=200", "elapsed_ms="],
        ["method=GET", "path=/version", "status=200", "endpoint="],
    ] {
        one_says(&lines, &parts);
    }
    let secret = server.attributes("proxmox_api_token.t")["secret"].clone();
    let secrets = [
        secret.as_str().expect("a secret"),
        &server.admin["root@pam!admin=".len()..],
    ];
    for line in &lines {
        assert!(!secrets.iter().any(|secret| line.contains(secret)));
    }
}

fn a_request_that_fails_is_logged_with_its_cause(cli: &Cli) {
    let server = with_log(cli);
    server.main("data \"proxmox_connection\" \"c\" {}\n");
    let TestServer { sim, scratch, .. } = server;
    drop(sim);
    let run = scratch.run(["plan", "-no-color"]);
    assert!(run.ok(), "{}", run.text());
    let log = lines(&scratch);
    one_says(&log, &["Sent a request", "method=GET", "error=", "refused"]);
}
