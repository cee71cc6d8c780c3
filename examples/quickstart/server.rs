//! The Proxmox VE of the quickstart.

use std::env;
use std::num::NonZeroU64;

use proxmox_simulator::Simulator;
use terraform_provider_proxmox::pve::{ApiToken, UserId};

const PASSWORD: &str = "correct horse battery staple";

/// Seconds after which the simulated administrator's code changes: short, so that nobody has to
/// wait for the next one, as each run of the command line needs one of its own.
const CODE_LASTS: NonZeroU64 = NonZeroU64::new(2).unwrap();

/// A server, and how to be its administrator.
pub struct Server {
    /// What the provider needs in its environment, without the second factor.
    pub environment: Vec<(String, String)>,
    /// The seed of the second factor, where the administrator is to prove it first.
    pub totp_secret: Option<String>,
    /// Who will own the token, and what it will be called.
    pub user_id: String,
    pub token_name: String,
    /// What it is, in a few words.
    pub description: String,
    /// Runs while this is held.
    _simulator: Option<Simulator>,
}

impl Server {
    /// The host that the environment names, or a simulated one.
    pub fn open() -> Result<Self, String> {
        match env::var("PROXMOX_VE_ENDPOINT") {
            Ok(endpoint) if !endpoint.is_empty() => Self::named_by_environment(&endpoint),
            _ => Self::simulated(),
        }
    }

    fn simulated() -> Result<Self, String> {
        let simulator = Simulator::builder()
            .root_password(PASSWORD)
            .time_scale(0.1)
            .spawn()
            .map_err(|error| format!("the simulator did not start: {error}"))?;
        let seed = simulator.state(|state| state.enable_totp_with_step("root@pam", CODE_LASTS));
        let environment = [
            ("PROXMOX_VE_ENDPOINT", simulator.endpoint()),
            (
                "PROXMOX_VE_CERTIFICATE_FINGERPRINTS",
                simulator.certificate_fingerprint().to_owned(),
            ),
            ("PROXMOX_VE_USERNAME", "root@pam".to_owned()),
            ("PROXMOX_VE_PASSWORD", PASSWORD.to_owned()),
        ];
        Ok(Self {
            environment: environment
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            totp_secret: Some(seed),
            user_id: "root@pam".to_owned(),
            token_name: "terraform".to_owned(),
            description: format!(
                "a simulated Proxmox VE at {}, with a second factor for root@pam",
                simulator.endpoint()
            ),
            _simulator: Some(simulator),
        })
    }

    fn named_by_environment(endpoint: &str) -> Result<Self, String> {
        let environment: Vec<(String, String)> = env::vars()
            .filter(|(name, _)| name.starts_with("PROXMOX_VE_"))
            .collect();
        let owner = |name: &str| {
            let (_, value) = environment.iter().find(|(other, _)| other == name)?;
            let token = value.parse::<ApiToken>().ok().map(|token| token.id.user);
            token.or_else(|| value.split('!').next()?.parse::<UserId>().ok())
        };
        let user = [
            "PROXMOX_VE_USERNAME",
            "PROXMOX_VE_API_TOKEN",
            "PROXMOX_VE_API_TOKEN_ID",
        ]
        .into_iter()
        .find_map(owner)
        .ok_or(
            "PROXMOX_VE_ENDPOINT is set, but no credentials are. Set PROXMOX_VE_API_TOKEN, or \
                 PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD, or unset PROXMOX_VE_ENDPOINT for a \
                 simulated host",
        )?;
        Ok(Self {
            environment,
            totp_secret: None,
            user_id: user.to_string(),
            token_name: format!("quickstart-{}", std::process::id()),
            description: format!("the host at {endpoint}"),
            _simulator: None,
        })
    }
}
