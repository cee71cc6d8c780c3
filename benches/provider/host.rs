//! The Proxmox VE of the benchmark: the simulator, or a real host.

use std::env;
use std::error::Error;
use std::path::Path;

use cli_harness::{Cli, Scratch};
use proxmox_simulator::Simulator;
use terraform_provider_proxmox::pve::{ApiToken, Client, Credentials, Settings, TlsPolicy};

use crate::options::Options;
use crate::subject::Subject;

/// The administrator's token on the simulator.
const ADMIN: &str = "root@pam!benchmark";

/// How many users own the tokens on the simulator.
const OWNERS: usize = 10;

/// A server, and how to reach it.
pub struct Host {
    /// None for a real one, where nothing can be counted.
    pub simulator: Option<Simulator>,
    /// Those whose tokens are made and removed.
    pub owners: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Host {
    /// The host that the options name, else a simulator.
    pub fn new(options: &Options) -> Result<Self, Box<dyn Error>> {
        match &options.endpoint {
            Some(endpoint) => Ok(Self::real(endpoint, options)),
            None => Self::simulated(),
        }
    }

    /// A simulator that waits and locks as long as the recorded servers did.
    pub fn simulated() -> Result<Self, Box<dyn Error>> {
        let simulator = Simulator::builder().time_scale(1.0).spawn()?;
        let owners: Vec<String> = (0..OWNERS).map(|n| format!("owner{n}@pve")).collect();
        let secret = simulator.state(|state| {
            for owner in &owners {
                state.add_user(owner, "benchmark-1");
            }
            state.add_token(ADMIN, false, None, 0)
        });
        let environment = [
            ("ENDPOINT", simulator.endpoint()),
            ("API_TOKEN", format!("{ADMIN}={secret}")),
            (
                "CERTIFICATE_FINGERPRINTS",
                simulator.certificate_fingerprint().to_owned(),
            ),
        ];
        Ok(Self {
            environment: environment
                .map(|(name, value)| (format!("PROXMOX_VE_{name}"), value))
                .into(),
            simulator: Some(simulator),
            owners,
        })
    }

    /// A real host: credentials and certificates as the environment has them for the provider.
    fn real(endpoint: &str, options: &Options) -> Self {
        let ours = env::vars().filter(|(name, _)| name.starts_with("PROXMOX_VE_"));
        let mut environment: Vec<_> = ours.collect();
        environment.retain(|(name, _)| name != "PROXMOX_VE_ENDPOINT");
        environment.push(("PROXMOX_VE_ENDPOINT".to_owned(), endpoint.to_owned()));
        Self {
            simulator: None,
            owners: options.owners.clone(),
            environment,
        }
    }

    /// What the provider finds in its environment.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// A directory in which a command line reaches this host with a provider.
    pub fn directory(&self, cli: &Cli, subject: &Subject) -> Result<Scratch, Box<dyn Error>> {
        let binaries = subject.binary.parent().unwrap_or(Path::new(""));
        let mut directory = Scratch::new(cli.clone(), binaries)?;
        for (name, value) in &self.environment {
            directory.set(name, value);
        }
        Ok(directory)
    }

    /// How many requests there were since this was last asked.
    pub fn requests(&self) -> Option<f64> {
        let simulator = self.simulator.as_ref()?;
        let count = simulator.requests().len();
        simulator.clear_requests();
        Some(count as f64)
    }
}

/// A client for the simulator, with connections and a write lock of its own.
pub fn client(simulator: &Simulator) -> Result<Client, Box<dyn Error>> {
    let secret = simulator.state(|state| state.token_secret(ADMIN).map(str::to_owned));
    let token: ApiToken = format!("{ADMIN}={}", secret.unwrap_or_default()).parse()?;
    let fingerprint = simulator.certificate_fingerprint().parse()?;
    Ok(Client::new(Settings {
        tls: TlsPolicy {
            fingerprints: vec![fingerprint],
            ..TlsPolicy::default()
        },
        ..Settings::new(simulator.endpoint().parse()?, Credentials::Token(token))
    }))
}
