//! Complete configurations as users write them, with the addresses of the simulator.

use std::num::NonZeroU64;

use cli_harness::Cli;
use serde_json::Value;

use super::Scenario;
use super::test_server::TestServer;

pub const SCENARIOS: &[Scenario] = scenarios![
    a_first_token_with_two_factor_login,
    a_fleet_whose_tokens_rotate_with_an_overlap,
    a_short_token_id_and_least_privilege,
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
