//! A recording of the simulator: complete, without a secret, and with nothing left on the server.

use std::fs;
use std::process::Command;

use proxmox_simulator::Simulator;
use serde_json::Value;

#[test]
fn a_recording_has_no_secret_and_leaves_nothing() {
    let sim = Simulator::builder().spawn().expect("a simulator");
    let secret = sim.state(|state| {
        state.add_user("demo@pve", "demo-pass-1");
        state.add_token("root@pam!admin", false, None, 0)
    });
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().join("ca.pem");
    fs::write(&authority, sim.ca_pem()).expect("a file");
    let out = folder.path().join("9.1.1");
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["record", "--owner", "demo@pve", "--out"])
        .arg(&out)
        .env("PROXMOX_VE_ENDPOINT", sim.endpoint())
        .env("PROXMOX_VE_API_TOKEN", format!("root@pam!admin={secret}"))
        .env("PROXMOX_VE_CA_CERTIFICATE", &authority)
        .output()
        .expect("xtask runs");
    assert!(output.status.success(), "{output:?}");

    let mut statuses = Vec::new();
    for entry in fs::read_dir(&out).expect("recordings") {
        let path = entry.expect("a recording").path();
        let text = fs::read_to_string(&path).expect("a recording");
        assert!(!text.contains(&secret), "{}", path.display());
        let recording: Value = serde_json::from_str(&text).expect("JSON");
        let name = path.file_stem().expect("a name").to_string_lossy();
        assert_eq!(recording["case"], *name);
        let line = &recording["exchanges"][0]["response"]["status_line"];
        let line = line.as_str().expect("a status line").to_owned();
        let body = recording["exchanges"][0]["response"]["body"].as_str();
        let body: Value = serde_json::from_str(body.unwrap_or_default()).unwrap_or_default();
        if let Some(minted) = body["data"]["value"].as_str() {
            assert!(minted.starts_with("00000000-0000-4000-8000-"), "{minted}");
        }
        statuses.push((name.into_owned(), line));
    }
    statuses.sort();
    let status = |ending: &str| {
        let found = statuses.iter().find(|(name, _)| name.ends_with(ending));
        found.map(|(_, line)| line.split(' ').nth(1).unwrap_or_default())
    };
    for (name, expected) in [
        ("-version", "200"),
        ("-noauth", "401"),
        ("-wrong-secret", "401"),
        ("-unknown", "501"),
        ("-token-create", "200"),
        ("-token-create-duplicate", "400"),
        ("-token-update-bad-expire", "400"),
        ("-token-regenerate", "200"),
        ("-acl-grant", "200"),
        ("-token-delete", "200"),
    ] {
        assert_eq!(status(name), Some(expected), "{name}");
    }
    sim.state(|state| {
        assert!(state.user("demo@pve").expect("the owner").tokens.is_empty());
        assert!(state.acl().is_empty());
    });
}
