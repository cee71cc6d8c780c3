//! Complete configurations as users write them, with the addresses of the simulator.

use std::num::NonZeroU64;

use cli_harness::Cli;
use serde_json::Value;

use super::Scenario;
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_first_token_with_two_factor_login,
    a_fleet_whose_tokens_rotate_with_an_overlap,
    a_short_token_id_and_least_privilege,
    tokens_move_in_from_another_provider_and_from_the_web_interface,
    a_state_of_another_provider_moves_without_a_change,
];

fn a_first_token_with_two_factor_login(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let seed = server.sim.state(|state| {
        state.add_user("root@pam", "root-pass-1");
        state.enable_totp_with_step("root@pam", NonZeroU64::MIN)
    });
    for name in ["ENDPOINT", "API_TOKEN", "CERTIFICATE_FINGERPRINTS"] {
        server.scratch.set(&format!("PROXMOX_VE_{name}"), "");
    }
    server.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    server.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    server.scratch.set("PROXMOX_VE_TOTP_SECRET", &seed);
    let journey = include_str!("../fixtures/journeys/01-first-token.tf");
    let pin = journey
        .split('"')
        .find(|text| text.matches(':').count() == 31)
        .expect("a fingerprint");
    let journey = journey
        .replace("192.0.2.10", &server.sim.endpoint())
        .replace(pin, server.sim.certificate_fingerprint());
    server.scratch.write("main.tf", &journey).expect("main.tf");
    server.apply();
    server.plan_is_empty();
    assert_eq!(
        server.attributes("proxmox_host.pve1")["token_id"],
        "root@pam!terraform"
    );
    let output = server.scratch.run(["output", "-raw", "api_token"]);
    assert!(output.stdout.starts_with("root@pam!terraform="));
    server.destroy();
    assert!(
        server
            .sim
            .state(|state| state.token("root@pam", "terraform").is_none())
    );
}

fn a_fleet_whose_tokens_rotate_with_an_overlap(cli: &Cli) {
    let (mut server, other) = (TestServer::new(cli), TestServer::new(cli));
    for name in ["ENDPOINT", "API_TOKEN", "CERTIFICATE_FINGERPRINTS"] {
        server.scratch.set(&format!("PROXMOX_VE_{name}"), "");
    }
    for server in [&server, &other] {
        server.sim.state(|state| {
            state.add_user("automation@pve", "automation-pass-1");
            state.set_acl("/vms", "PVEAuditor", "automation@pve", true);
        });
    }
    let of = |server: &TestServer| serde_json::json!({ "endpoint": server.sim.endpoint(), "api_token": server.admin });
    let clusters = serde_json::json!({ "berlin": of(&server), "bern": of(&other) });
    server.scratch.set("TF_VAR_clusters", &clusters.to_string());
    let authorities = format!("{}\n{}", server.sim.ca_pem(), other.sim.ca_pem());
    let written = server.scratch.write("company-ca.pem", &authorities);
    written.expect("the authorities");
    let journey = include_str!("../fixtures/journeys/02-fleet.tf");
    server.scratch.write("main.tf", journey).expect("main.tf");
    server.apply();
    server.plan_is_empty();
    let tokens = |server: &TestServer| -> Vec<String> {
        let names = |state: &mut proxmox_simulator::State| {
            let owner = state.user("automation@pve").expect("the owner");
            owner.tokens.keys().cloned().collect()
        };
        server.sim.state(names)
    };
    assert_eq!(tokens(&server), ["backup", "monitoring"]);
    assert_eq!(tokens(&other), ["backup", "monitoring"]);

    let days = |days: u64| std::time::Duration::from_secs(days * 24 * 60 * 60);
    server.sim.advance(days(76));
    other.sim.advance(days(76));
    server.apply();
    server.plan_is_empty();
    let both = ["backup", "backup-b", "monitoring", "monitoring-b"];
    assert_eq!(tokens(&server), both);
    server.sim.advance(days(2));
    other.sim.advance(days(2));
    server.apply();
    server.plan_is_empty();
    assert_eq!(tokens(&other), ["backup-b", "monitoring-b"]);
    server.destroy();
    assert!(tokens(&server).is_empty() && tokens(&other).is_empty());
}

fn a_short_token_id_and_least_privilege(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let secret = server.sim.state(|state| {
        state.add_token("automation@pve!backup", true, None, 0);
        state.add_token("root@pam!mytoken", false, None, 0)
    });
    for name in ["ENDPOINT", "API_TOKEN", "CERTIFICATE_FINGERPRINTS"] {
        server.scratch.set(&format!("PROXMOX_VE_{name}"), "");
    }
    server
        .scratch
        .set("PROXMOX_VE_CA_CERTIFICATE", server.sim.ca_pem());
    server.scratch.set("TF_VAR_secret", &secret);
    let journey = include_str!("../fixtures/journeys/03-short-id-and-least-privilege.tf");
    let journey = journey.replace(
        "https://pve1.example.com:8006/",
        &format!("{}/", server.sim.endpoint()),
    );
    server.scratch.write("main.tf", &journey).expect("main.tf");
    server.apply();
    server.plan_is_empty();
    let ready = server.scratch.run(["output", "-json", "ready"]);
    let ready: Value = serde_json::from_str(&ready.stdout).expect("an output");
    assert_eq!(ready["ok"], true);
    assert_eq!(ready["missing"], serde_json::json!({}));
}

/// The state that the other provider wrote.
const THEIR_STATE: &str =
    include_str!("../fixtures/states/other-providers/bpg-0.111.1-user-token.json");

/// A server with the token of that state, and the state in place.
fn with_their_state(cli: &Cli, change: impl FnOnce(&mut Value)) -> (TestServer, String) {
    let mut server = TestServer::new(cli);
    let mut state: Value = serde_json::from_str(THEIR_STATE).expect("a state");
    change(&mut state);
    let attributes = &state["resources"][0]["instances"][0]["attributes"];
    let value = attributes["value"].as_str().unwrap_or_default();
    let secret = value.split('=').nth(1).unwrap_or_default().to_owned();
    let expire = match attributes["expiration_date"].is_null() {
        true => 0,
        false => 1_830_211_200,
    };
    server.sim.state(|state| {
        state.add_user("ci@pve", "ci-pass-1");
        state.add_token("ci@pve!pipeline", true, Some("pipeline"), expire);
        state.set_token_secret("ci@pve!pipeline", &secret);
        state.add_token("root@pam!clicked", false, None, 1_830_211_200);
    });
    server.install_another_provider();
    server.scratch.unset("PROXMOX_VE_ENDPOINT");
    let written = server
        .scratch
        .write("terraform.tfstate", &state.to_string());
    written.expect("the state");
    (server, secret)
}

fn journey_of_moving_in(server: &TestServer) -> String {
    let journey = include_str!("../fixtures/journeys/06-moving-in.tf");
    journey.replace("https://pve1.example.com:8006", &server.sim.endpoint())
}

fn tokens_move_in_from_another_provider_and_from_the_web_interface(cli: &Cli) {
    let (server, secret) = with_their_state(cli, |state| {
        let instance = &mut state["resources"][0]["instances"][0];
        instance["attributes"]["expiration_date"] = Value::Null;
    });
    let written = server
        .scratch
        .write("main.tf", &journey_of_moving_in(&server));
    written.expect("main.tf");
    let run = server.apply();
    says(&run, &["1 imported, 0 added, 0 changed, 0 destroyed"]);
    let token = server.attributes("proxmox_api_token.ci");
    assert_eq!(token["secret"], *secret);
    assert_eq!(token["api_token"], format!("ci@pve!pipeline={secret}"));
    let methods = server.sim.requests();
    assert!(methods.iter().all(|request| request.method == "GET"));
    server.plan_is_empty();
}

fn a_state_of_another_provider_moves_without_a_change(cli: &Cli) {
    for (name, registry) in [
        ("proxmox_user_token", "registry.terraform.io"),
        (
            "proxmox_virtual_environment_user_token",
            "registry.example.com",
        ),
    ] {
        let (server, secret) = with_their_state(cli, |state| {
            state["resources"][0]["type"] = name.into();
            let provider = format!(r#"provider["{registry}/bpg/proxmox"]"#);
            state["resources"][0]["provider"] = provider.into();
        });
        let settings = server.scratch.file("cli.tfrc");
        let overrides = std::fs::read_to_string(&settings).expect("the settings");
        let address = format!("\"{registry}/bpg/proxmox\"");
        let overrides = overrides.replace("\"bpg/proxmox\"", &address);
        std::fs::write(&settings, overrides).expect("the settings");
        let journey = journey_of_moving_in(&server)
            .replace("\"bpg/proxmox\"", &address)
            .replace("proxmox_virtual_environment_user_token", name)
            .replace(
                "token_name = \"pipeline\"",
                "token_name = \"pipeline\"\n  expiration_date = \"2027-12-31T00:00:00Z\"",
            );
        server.scratch.write("main.tf", &journey).expect("main.tf");
        let plan = server.plan();
        says(
            &plan,
            &["has moved to", "1 to import, 0 to add, 0 to change"],
        );
        server.apply();
        assert_eq!(server.attributes("proxmox_api_token.ci")["secret"], *secret);
        server.plan_is_empty();
    }
    // A state without the secret, as after an import there.
    let (server, _) = with_their_state(cli, |state| {
        let instance = &mut state["resources"][0]["instances"][0];
        instance["attributes"]["value"] = Value::Null;
        instance["attributes"]["expiration_date"] = Value::Null;
    });
    let written = server
        .scratch
        .write("main.tf", &journey_of_moving_in(&server));
    written.expect("main.tf");
    says(
        &server.plan(),
        &[
            "API token moved without its secret",
            "`rotate_when_changed`",
        ],
    );
}
