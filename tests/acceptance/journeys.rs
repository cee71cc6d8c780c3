//! Whole configurations as people type them, with the addresses of the stage put in.

use std::num::NonZeroU64;

use cli_harness::Cli;
use serde_json::Value;

use super::{Scenario, stage::Stage};

pub const SCENARIOS: &[Scenario] = &[
    ("journey: a first token, with two-factor login", first_token),
    (
        "journey: a fleet whose tokens rotate with an overlap",
        fleet,
    ),
    ("journey: a short token id and least privilege", short_id),
];

fn first_token(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let seed = stage.sim.state(|state| {
        state.add_user("root@pam", "root-pass-1");
        state.enable_totp_with_step("root@pam", NonZeroU64::MIN)
    });
    for name in ["ENDPOINT", "API_TOKEN", "CERTIFICATE_FINGERPRINTS"] {
        stage.scratch.set(&format!("PROXMOX_VE_{name}"), "");
    }
    stage.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    stage.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    stage.scratch.set("PROXMOX_VE_TOTP_SECRET", &seed);
    let journey = include_str!("../fixtures/journeys/01-first-token.tf");
    let pin = journey
        .split('"')
        .find(|text| text.matches(':').count() == 31)
        .expect("a fingerprint");
    let journey = journey
        .replace("192.0.2.10", &stage.sim.endpoint())
        .replace(pin, stage.sim.certificate_fingerprint());
    stage.scratch.write("main.tf", &journey).expect("main.tf");
    stage.apply();
    stage.plan_is_empty();
    assert_eq!(
        stage.attributes("proxmox_host.pve1")["token_id"],
        "root@pam!terraform"
    );
    let output = stage.scratch.run(["output", "-raw", "api_token"]);
    assert!(output.stdout.starts_with("root@pam!terraform="));
    stage.destroy();
    assert!(
        stage
            .sim
            .state(|state| state.token("root@pam", "terraform").is_none())
    );
}

fn fleet(cli: &Cli) {
    let (mut stage, other) = (Stage::new(cli), Stage::new(cli));
    for name in ["ENDPOINT", "API_TOKEN", "CERTIFICATE_FINGERPRINTS"] {
        stage.scratch.set(&format!("PROXMOX_VE_{name}"), "");
    }
    for server in [&stage, &other] {
        server.sim.state(|state| {
            state.add_user("automation@pve", "automation-pass-1");
            state.set_acl("/vms", "PVEAuditor", "automation@pve", true);
        });
    }
    let of = |server: &Stage| serde_json::json!({ "endpoint": server.sim.endpoint(), "api_token": server.admin });
    let clusters = serde_json::json!({ "berlin": of(&stage), "bern": of(&other) });
    stage.scratch.set("TF_VAR_clusters", &clusters.to_string());
    let authorities = format!("{}\n{}", stage.sim.ca_pem(), other.sim.ca_pem());
    let written = stage.scratch.write("company-ca.pem", &authorities);
    written.expect("the authorities");
    let journey = include_str!("../fixtures/journeys/02-fleet.tf");
    stage.scratch.write("main.tf", journey).expect("main.tf");
    stage.apply();
    stage.plan_is_empty();
    let tokens = |server: &Stage| -> Vec<String> {
        let names = |state: &mut proxmox_simulator::State| {
            let owner = state.user("automation@pve").expect("the owner");
            owner.tokens.keys().cloned().collect()
        };
        server.sim.state(names)
    };
    assert_eq!(tokens(&stage), ["backup", "monitoring"]);
    assert_eq!(tokens(&other), ["backup", "monitoring"]);

    let days = |days: u64| std::time::Duration::from_secs(days * 24 * 60 * 60);
    stage.sim.advance(days(76));
    other.sim.advance(days(76));
    stage.apply();
    stage.plan_is_empty();
    let both = ["backup", "backup-b", "monitoring", "monitoring-b"];
    assert_eq!(tokens(&stage), both);
    stage.sim.advance(days(2));
    other.sim.advance(days(2));
    stage.apply();
    stage.plan_is_empty();
    assert_eq!(tokens(&other), ["backup-b", "monitoring-b"]);
    stage.destroy();
    assert!(tokens(&stage).is_empty() && tokens(&other).is_empty());
}

fn short_id(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let secret = stage.sim.state(|state| {
        state.add_token("automation@pve!backup", true, None, 0);
        state.add_token("root@pam!mytoken", false, None, 0)
    });
    for name in ["ENDPOINT", "API_TOKEN", "CERTIFICATE_FINGERPRINTS"] {
        stage.scratch.set(&format!("PROXMOX_VE_{name}"), "");
    }
    stage
        .scratch
        .set("PROXMOX_VE_CA_CERTIFICATE", stage.sim.ca_pem());
    stage.scratch.set("TF_VAR_secret", &secret);
    let journey = include_str!("../fixtures/journeys/03-short-id-and-least-privilege.tf");
    let journey = journey.replace(
        "https://pve1.example.com:8006/",
        &format!("{}/", stage.sim.endpoint()),
    );
    stage.scratch.write("main.tf", &journey).expect("main.tf");
    stage.apply();
    stage.plan_is_empty();
    let ready = stage.scratch.run(["output", "-json", "ready"]);
    let ready: Value = serde_json::from_str(&ready.stdout).expect("an output");
    assert_eq!(ready["ok"], true);
    assert_eq!(ready["missing"], serde_json::json!({}));
}
