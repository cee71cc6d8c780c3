//! The simulator and the working directory of a scenario.

use std::path::{Path, PathBuf};

use cli_harness::{Cli, Run, Scratch};
use proxmox_simulator::{Builder, Simulator, TlsOptions, Version};
use serde_json::Value;

use super::leak_scan::LeakScan;

/// The administrator's token on every test server: privilege separation off, as good as root.
pub const ADMIN: &str = "root@pam!admin";

/// What is installed as `bpg/proxmox`.
pub enum AnotherProvider {
    /// That provider.
    Real,
    /// Our own binary.
    StandIn,
}

impl AnotherProvider {
    /// A data source of the provider with the local name `virtual`, which connects.
    pub fn data_source(&self) -> &'static str {
        match self {
            Self::Real => {
                r#"
data "proxmox_virtual_environment_version" "of_the_other" {
  provider = virtual
}
"#
            }
            Self::StandIn => {
                r#"
data "proxmox_connection" "of_the_other" {
  provider      = virtual
  fail_on_error = true
}
"#
            }
        }
    }
}

/// A simulated Proxmox VE, and a directory in which a real command line works on it.
pub struct TestServer {
    /// Dropped first, while the working directory is still there.
    leak_scan: Option<LeakScan>,
    /// The simulator.
    pub sim: Simulator,
    /// The working directory.
    pub scratch: Scratch,
    /// The administrator's token in one string.
    pub admin: String,
}

impl TestServer {
    /// A server of the current version, on which the user `demo@pve` exists.
    pub fn new(cli: &Cli) -> Self {
        Self::with(cli, Version::V9_1)
    }

    /// A server of this version.
    pub fn with(cli: &Cli, version: Version) -> Self {
        Self::on(cli, Simulator::builder().version(version))
    }

    /// A server with this certificate.
    pub fn with_tls(cli: &Cli, options: TlsOptions) -> Self {
        Self::on(cli, Simulator::builder().tls(options))
    }

    fn on(cli: &Cli, simulator: Builder) -> Self {
        let sim = simulator.spawn().expect("the simulator starts");
        let secret = sim.state(|state| {
            state.add_user("demo@pve", "demo-pass-1");
            state.add_token(ADMIN, false, None, 0)
        });
        let binary = Path::new(env!("CARGO_BIN_EXE_terraform-provider-proxmox"));
        let binaries = binary.parent().expect("a binary is in a folder");
        let scratch = Scratch::new(cli.clone(), binaries).expect("a scratch directory");
        let mut server = Self {
            leak_scan: LeakScan::of(&sim, &scratch),
            sim,
            scratch,
            admin: format!("{ADMIN}={secret}"),
        };
        server.connect_as(&server.admin.clone());
        server
    }

    /// Uses another token from now on.
    pub fn connect_as(&mut self, api_token: &str) {
        self.scratch
            .set("PROXMOX_VE_ENDPOINT", &self.sim.endpoint());
        self.scratch.set("PROXMOX_VE_API_TOKEN", api_token);
        let fingerprint = self.sim.certificate_fingerprint();
        self.scratch
            .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", fingerprint);
    }

    /// Replaces the configuration, after the lines that every configuration begins with.
    pub fn main(&self, body: &str) {
        const REQUIRED_PROVIDERS: &str = r#"terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

"#;
        self.scratch
            .write("main.tf", &format!("{REQUIRED_PROVIDERS}{body}"))
            .expect("main.tf is written");
    }

    /// Installs `bpg/proxmox`, another provider of the same prefix: the binary that the variable
    /// `BPG_PROVIDER` names, else our own, which stands in for it.
    /// It trusts the certificate authority of the simulator.
    pub fn install_another_provider(&mut self) -> AnotherProvider {
        let authority = self.scratch.file("ca.pem");
        std::fs::write(&authority, self.sim.ca_pem()).expect("a file");
        self.scratch
            .set("SSL_CERT_FILE", &authority.to_string_lossy());
        let settings = self.scratch.file("cli.tfrc");
        let own = std::fs::read_to_string(&settings).expect("the settings");
        let ours = own.lines().find(|line| line.contains("depl0y/proxmox"));
        let ours = ours.expect("the line of our own binary");
        let (theirs, kind) = match std::env::var_os("BPG_PROVIDER").map(PathBuf::from) {
            Some(binary) => {
                let folder = binary.parent().expect("a binary is in a folder");
                let line = format!("    \"bpg/proxmox\" = {folder:?}");
                (line, AnotherProvider::Real)
            }
            None => (
                ours.replace("depl0y/proxmox", "bpg/proxmox"),
                AnotherProvider::StandIn,
            ),
        };
        let both = own.replace(ours, &format!("{ours}\n{theirs}"));
        std::fs::write(&settings, both).expect("the settings");
        kind
    }

    /// Says why the scenario prints a secret, which is no leak of the provider then.
    pub fn prints_a_secret(&mut self, reason: &'static str) {
        if let Some(scan) = &mut self.leak_scan {
            scan.allow_output(reason);
        }
    }

    /// Applies, which must succeed.
    pub fn apply(&self) -> Run {
        let run = self.try_apply();
        assert!(run.ok(), "apply failed:\n{}\n{}", run.stdout, run.stderr);
        run
    }

    /// Applies, which may fail.
    pub fn try_apply(&self) -> Run {
        self.scratch.run(["apply", "-auto-approve", "-no-color"])
    }

    /// Applies, which must fail with these words.
    pub fn apply_fails(&self, words: &[&str]) -> Run {
        let run = self.try_apply();
        assert!(!run.ok(), "apply succeeded:\n{}", run.stdout);
        says(&run, words);
        run
    }

    /// Plans, which must succeed: with changes or without.
    pub fn plan(&self) -> Run {
        let run = self
            .scratch
            .run(["plan", "-no-color", "-detailed-exitcode"]);
        assert!(
            matches!(run.code, Some(0 | 2)),
            "plan failed:\n{}\n{}",
            run.stdout,
            run.stderr
        );
        run
    }

    /// Plans, which must fail with these words.
    pub fn plan_fails(&self, words: &[&str]) -> Run {
        let run = self.scratch.run(["plan", "-no-color"]);
        assert!(!run.ok(), "plan succeeded:\n{}", run.stdout);
        says(&run, words);
        run
    }

    /// Asserts that a plan has no changes.
    pub fn plan_is_empty(&self) {
        let run = self.plan();
        assert_eq!(run.code, Some(0), "the plan is not empty:\n{}", run.stdout);
    }

    /// Plans after the server has gone: without changes, and with these words.
    pub fn plan_without_server(self, arguments: &[&str], words: &[&str]) -> Scratch {
        let Self { sim, scratch, .. } = self;
        drop(sim);
        let plan = ["plan", "-no-color", "-detailed-exitcode"];
        let run = scratch.run([plan.as_slice(), arguments].concat());
        assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
        says(&run, words);
        scratch
    }

    /// Destroys everything, which must succeed.
    pub fn destroy(&self) -> Run {
        let run = self.scratch.run(["destroy", "-auto-approve", "-no-color"]);
        assert!(run.ok(), "destroy failed:\n{}\n{}", run.stdout, run.stderr);
        run
    }

    /// The stored attributes of a resource; null when it is not in the state.
    pub fn attributes(&self, address: &str) -> Value {
        attributes(&self.scratch, address)
    }

    /// How many requests of this method the server saw whose path contains the text.
    pub fn requests(&self, method: &str, path: &str) -> usize {
        self.sim
            .requests()
            .iter()
            .filter(|request| request.method == method && request.path.contains(path))
            .count()
    }
}

/// The stored attributes of a resource; null when it is not in the state.
pub fn attributes(scratch: &Scratch, address: &str) -> Value {
    let text = std::fs::read_to_string(scratch.file("terraform.tfstate")).unwrap_or_default();
    let state: Value = serde_json::from_str(&text).unwrap_or_default();
    let resources = state["resources"].as_array().cloned().unwrap_or_default();
    let is_meant = |resource: &&Value| {
        let part = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
        part("mode") == "managed" && format!("{}.{}", part("type"), part("name")) == address
    };
    let resource = resources.iter().find(is_meant);
    resource
        .map(|resource| resource["instances"][0]["attributes"].clone())
        .unwrap_or_default()
}

/// Asserts that all of these words were printed, whatever the line breaks.
pub fn says(run: &Run, words: &[&str]) {
    let text = run.text();
    for word in words {
        assert!(text.contains(word), "nothing says {word:?} in:\n{text}");
    }
}
