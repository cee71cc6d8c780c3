//! States of earlier versions, saved in `tests/fixtures/states`: this version plans no change.
//!
//! Before a release, save the state of the version. This command writes `0.1.0.json`, with
//! placeholders for values that differ between two runs:
//! `SAVE_STATE=0.1.0 cargo test --test acceptance -- 'terraform 1.11.4: saved_states::a_state_of_this'`

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use cli_harness::Cli;
use serde_json::Value;

use super::Scenario;
use super::test_server::TestServer;

pub const SCENARIOS: &[Scenario] = scenarios![
    a_state_of_an_earlier_version_plans_no_change,
    a_state_of_this_version_can_be_saved,
];

/// 2037-12-31T00:00:00Z.
const EXPIRE: u64 = 2_145_830_400;

fn a_state_of_an_earlier_version_plans_no_change(cli: &Cli) {
    let saved: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the saved states")
        .map(|entry| entry.expect("a saved state").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    assert!(!saved.is_empty(), "no state is saved");
    for path in saved {
        let state = fs::read_to_string(&path).expect("a saved state");
        plans_no_change(cli, &state);
    }
}

/// Saves it when `SAVE_STATE` names a version.
fn a_state_of_this_version_can_be_saved(cli: &Cli) {
    let server = with_able_owner(cli);
    server.main(&configuration().replace("first", "before"));
    server.apply();
    server.main(&configuration());
    server.apply();
    // A later apply removes the previous token.
    server.sim.advance(Duration::from_secs(3 * 24 * 60 * 60));
    server.apply();
    let state = fs::read_to_string(server.scratch.file("terraform.tfstate")).expect("a state");
    let state = placeholders(&server)
        .iter()
        .fold(state, |state, (name, value)| state.replace(value, name));
    plans_no_change(cli, &state);
    if let Ok(version) = std::env::var("SAVE_STATE") {
        fs::write(folder().join(format!("{version}.json")), state).expect("the state is saved");
    }
}

/// Plans with this state against a server on which its tokens exist.
fn plans_no_change(cli: &Cli, state: &str) {
    let server = with_able_owner(cli);
    let state = placeholders(&server)
        .iter()
        .fold(state.to_owned(), |state, (name, value)| {
            state.replace(name, value)
        });
    server
        .scratch
        .write("terraform.tfstate", &state)
        .expect("the state is written");
    for (name, comment, expire) in [("plain", Some("Deployment"), EXPIRE), ("rotated", None, 0)] {
        let token = server.attributes(&format!("proxmox_api_token.{name}"));
        create(&server, &token, comment, expire);
    }
    server.main(&configuration());
    server.plan_is_empty();
}

/// A server on which the owner of the tokens has all privileges.
fn with_able_owner(cli: &Cli) -> TestServer {
    let server = TestServer::new(cli);
    server
        .sim
        .state(|state| state.set_acl("/", "Administrator", "demo@pve", true));
    server
}

/// Creates a token of the state on the server, with its secret and its grants.
fn create(server: &TestServer, token: &Value, comment: Option<&str>, expire: u64) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let id = text(&token["token_id"]);
    server.sim.state(|state| {
        state.add_token(&id, true, comment, expire);
        state.set_token_secret(&id, &text(&token["secret"]));
        for entry in token["acl"].as_array().expect("the entries") {
            let propagate = entry["propagate"].as_bool().unwrap_or(true);
            state.set_acl(&text(&entry["path"]), &text(&entry["role"]), &id, propagate);
        }
    });
}

/// What is different in each run, by its name in a saved state.
fn placeholders(server: &TestServer) -> [(&'static str, String); 3] {
    let registry = match server.scratch.cli().name {
        "tofu" => "registry.opentofu.org",
        _ => "registry.terraform.io",
    };
    [
        ("@ADDRESS@", server.sim.address().to_string()),
        (
            "@FINGERPRINT@",
            server.sim.certificate_fingerprint().to_owned(),
        ),
        ("@REGISTRY@", registry.to_owned()),
    ]
}

fn configuration() -> String {
    fs::read_to_string(folder().join("configuration.tf")).expect("the configuration")
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/states")
}
