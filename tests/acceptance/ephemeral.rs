//! Tokens and tickets that exist while one command runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cli_harness::{Cli, Run};
use proxmox_simulator::{Fault, Identity, Request, State};

use super::Scenario;
use super::processes::{providers_of, signal, wait_for};
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_token_feeds_another_provider_block_and_leaves_nothing,
    a_token_feeds_the_provider_of_the_journey,
    a_token_that_cannot_be_opened_is_refused_and_leaves_nothing,
    a_run_that_fails_revokes_its_token,
    no_token_outlives_its_run_or_its_expiry,
    a_ticket_feeds_another_provider_block,
    a_one_time_code_opens_nothing,
];

/// A second provider block that has nothing but the token of this run.
const CONFIGURATION: &str = r#"ephemeral "proxmox_api_token" "run" {
  user_id = "demo@pve"
  expires_in = "30m"
  comment = "This run"
  acl = [{ path = "/access", role = "PVEAuditor" }]
}

provider "proxmox" {
  alias = "run"
  api_token = ephemeral.proxmox_api_token.run.api_token
}

data "proxmox_permissions" "of_this_run" {
  provider = proxmox.run
  paths = ["/access"]
}

output "privileges" {
  value = data.proxmox_permissions.of_this_run.privileges
}
"#;

/// The secrets that the tokens of `demo@pve` had when one of them was revoked.
type Secrets = Arc<Mutex<BTreeSet<String>>>;

fn server(cli: &Cli) -> (TestServer, Secrets) {
    let server = TestServer::new(cli);
    server
        .sim
        .state(|state| state.set_acl("/access", "PVEAuditor", "demo@pve", true));
    let secrets = Secrets::default();
    let seen = Arc::clone(&secrets);
    let look = move |state: &mut State| {
        let names: Vec<String> = tokens(state);
        let ids = names.iter().map(|name| format!("demo@pve!{name}"));
        let found = ids.filter_map(|id| state.token_secret(&id).map(str::to_owned));
        seen.lock().expect("the secrets").extend(found);
    };
    let fault = Fault::overtaken(look).on("DELETE", "*/token/*");
    server.sim.fault(fault);
    (server, secrets)
}

fn tokens(state: &mut State) -> Vec<String> {
    let owner = state.user("demo@pve").expect("the owner");
    owner.tokens.keys().cloned().collect()
}

fn nothing_is_left(server: &TestServer) {
    assert_eq!(server.sim.state(tokens), [""; 0]);
}

/// Asserts that no file of the working directory and no output holds a secret.
fn hides(server: &TestServer, run: &Run, secrets: &Secrets) {
    let secrets = secrets.lock().expect("the secrets");
    assert!(!secrets.is_empty());
    for secret in secrets.iter() {
        assert!(!run.text().contains(secret), "a secret was printed");
        no_file_has(server.scratch.path(), secret.as_bytes());
    }
}

fn no_file_has(directory: &Path, secret: &[u8]) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            no_file_has(&path, secret);
        } else if let Ok(bytes) = fs::read(&path) {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{} has a secret", path.display());
        }
    }
}

fn a_token_feeds_another_provider_block_and_leaves_nothing(cli: &Cli) {
    let (mut server, secrets) = server(cli);
    server.scratch.set("TF_LOG", "TRACE");
    server.main(CONFIGURATION);
    let planned = server
        .scratch
        .run(["plan", "-no-color", "-out", "saved.tfplan"]);
    assert!(planned.ok(), "{}", planned.text());
    hides(&server, &planned, &secrets);
    nothing_is_left(&server);
    let applied = server.apply();
    hides(&server, &applied, &secrets);
    nothing_is_left(&server);
    let entries = server.sim.state(|state| state.acl());
    assert_eq!(entries.len(), 1, "{entries:?}");

    // Under another name in each run.
    let requests = server.sim.requests();
    let created = requests.iter().filter(|request| request.method == "POST");
    let created: BTreeSet<&str> = created.map(|request| request.path.as_str()).collect();
    assert!(created.len() >= 2, "{created:?}");
    let used = |identity: &Identity| matches!(identity, Identity::Token(id) if id.starts_with("demo@pve!tf-ephemeral-"));
    assert!(requests.iter().any(|request| used(&request.identity)));
    let output = server.scratch.run(["output", "-json", "privileges"]);
    says(&output, &["Sys.Audit"]);
    server.destroy();
    nothing_is_left(&server);
}

fn a_token_feeds_the_provider_of_the_journey(cli: &Cli) {
    let (mut server, _) = server(cli);
    server.sim.state(|state| {
        state.add_user("automation@pve", "automation-pass-1");
        state.set_acl("/", "PVEAdmin", "automation@pve", true);
    });
    let journey = include_str!("../fixtures/journeys/05-just-in-time.tf");
    let journey = journey.replace("https://pve1.example.com:8006", &server.sim.endpoint());
    let used = server.install_another_provider().data_source();
    server.scratch.unset("PROXMOX_VE_ENDPOINT");
    let written = server.scratch.write("main.tf", &format!("{journey}{used}"));
    written.expect("main.tf");
    server.apply();
    let seen = server.sim.requests();
    assert!(seen.iter().any(|request| matches!(&request.identity,
        Identity::Token(id) if id.starts_with("automation@pve!tf-ephemeral-"))));
    let left = server.sim.state(|state| {
        let owner = state.user("automation@pve").expect("the owner");
        owner.tokens.len()
    });
    assert_eq!(left, 0);
}

fn a_token_that_cannot_be_opened_is_refused_and_leaves_nothing(cli: &Cli) {
    let (server, _) = server(cli);
    for (change, words) in [
        (
            ("30m", "25h"),
            ["Invalid API token configuration", "at most"],
        ),
        (
            ("30m", "soon"),
            ["Invalid API token configuration", "duration"],
        ),
        (("demo@pve", "nobody@pve"), ["does not exist", "user_id"]),
        (("PVEAuditor", "NoSuchRole"), ["No such role", "NoSuchRole"]),
    ] {
        server.main(&CONFIGURATION.replace(change.0, change.1));
        server.plan_fails(&words);
        nothing_is_left(&server);
    }
    server.main(CONFIGURATION);
    server
        .sim
        .fault(Fault::no_quorum().on("PUT", "/access/acl"));
    server.plan_fails(&["Unable to scope API token", "quorum"]);
    nothing_is_left(&server);
}

fn a_run_that_fails_revokes_its_token(cli: &Cli) {
    let (server, _) = server(cli);
    server.main(&format!(
        r#"{CONFIGURATION}
resource "proxmox_api_token" "other" {{
  provider = proxmox.run
  user_id = "demo@pve"
  token_name = "other"
}}
"#
    ));
    // The token of the run may read only. Neither command line closes an ephemeral resource if
    // something that depends on it fails.
    let run = server.apply_fails(&["Unable to create API token", "User.Modify"]);
    eprintln!("{}", run.text());
    for r in server.sim.requests() {
        eprintln!("{} {} {:?}", r.method, r.path, r.identity);
    }
    nothing_is_left(&server);
}

/// How a run is ended in its middle.
#[derive(Clone, Copy, Debug)]
enum End {
    Interrupted,
    CommandLineKilled,
    ProviderKilled,
}

/// Fifty openings: in plans and applies, and in runs that each of the ways ends.
fn no_token_outlives_its_run_or_its_expiry(cli: &Cli) {
    let (server, secrets) = server(cli);
    server.main(CONFIGURATION);
    let mut rounds = 0;
    while opened(&server) < 50 {
        rounds += 1;
        server.apply();
        for end in [
            End::Interrupted,
            End::CommandLineKilled,
            End::ProviderKilled,
        ] {
            ended_in_the_middle(&server, end);
        }
    }
    // Those of the killed providers, which expire.
    let left = server.sim.state(|state| {
        let now = state.now().unsigned_abs();
        let owner = state.user("demo@pve").expect("the owner");
        let tokens = owner.tokens.values();
        tokens
            .map(|token| token.expire.saturating_sub(now))
            .collect::<Vec<_>>()
    });
    assert_eq!(left.len(), rounds);
    assert!(
        left.iter().all(|&left| 0 < left && left <= 30 * 60),
        "{left:?}"
    );
    server.sim.clear_faults();
    let run = server.apply();
    hides(&server, &run, &secrets);
}

fn opened(server: &TestServer) -> usize {
    server.requests("POST", "/token/tf-ephemeral-")
}

/// Plans, and ends the plan while the second provider block waits for a response.
fn ended_in_the_middle(server: &TestServer, end: End) {
    let used = |request: &Request| request.path == "/access/permissions";
    let before = server.sim.count(used);
    let left = server.sim.state(tokens).len();
    let slow = Fault::slow(Duration::from_millis(500));
    server.sim.fault(slow.when(used).times(1));
    let mut command = server.scratch.command(["plan", "-no-color"]);
    let output = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = output.spawn().expect("the command line starts");
    wait_for(|| server.sim.count(used) > before);
    let providers: Vec<u32> = providers_of(child.id()).collect();
    match end {
        End::Interrupted => signal("INT", child.id()),
        End::CommandLineKilled => signal("KILL", child.id()),
        End::ProviderKilled => {
            for provider in providers {
                signal("KILL", provider);
            }
        }
    }
    child.wait().expect("it ends");
    let remains = usize::from(matches!(end, End::ProviderKilled));
    // A provider whose command line was killed notices it, and revokes what is open.
    wait_for(|| server.sim.state(tokens).len() == left + remains);
}

fn a_ticket_feeds_another_provider_block(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let seed = server.sim.state(|state| {
        state.add_user("root@pam", "root-pass-1");
        state.enable_totp_with_step("root@pam", std::num::NonZeroU64::MIN)
    });
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("TF_VAR_seed", &seed);
    server.main(
        r#"variable "seed" {
  sensitive = true
}

provider "proxmox" {
  username = "root@pam"
  password = "root-pass-1"
  totp_secret = var.seed
}

ephemeral "proxmox_ticket" "run" {}

provider "proxmox" {
  alias = "run"
  auth_ticket = ephemeral.proxmox_ticket.run.ticket
  csrf_prevention_token = ephemeral.proxmox_ticket.run.csrf_prevention_token
}

data "proxmox_connection" "of_this_run" {
  provider = proxmox.run
  fail_on_error = true
}

output "identity" {
  value = data.proxmox_connection.of_this_run.identity
}
"#,
    );
    server.apply();
    let identity = server.scratch.run(["output", "-raw", "identity"]);
    assert_eq!(identity.stdout, "root@pam");
    let state = fs::read_to_string(server.scratch.file("terraform.tfstate"));
    assert!(!state.expect("the state").contains("PVE:root@pam:"));
}

fn a_one_time_code_opens_nothing(cli: &Cli) {
    let (mut server, _) = server(cli);
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    server.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    server.scratch.set("PROXMOX_VE_OTP", "123456");
    server.main(CONFIGURATION);
    server.plan_fails(&["PROXMOX_VE_OTP", "ephemeral.proxmox_api_token"]);
    assert_eq!(server.requests("POST", "/access/ticket"), 0);
}
