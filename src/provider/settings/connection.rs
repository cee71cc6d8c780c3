//! What the provider block and the environment say together.

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::settings::address::{AddressSettings, Nodes};
use crate::provider::settings::credentials::{CredentialSettings, SettingError};
use crate::provider::settings::environment::Environment;
use crate::provider::settings::tls::TlsSettings;
use crate::provider::settings::transport::TransportSettings;
use crate::pve::{Credentials, Endpoint};

/// What block and environment say together. Each part is looked at when something needs it, so
/// that a value that is still unknown harms nothing that does not use it.
#[derive(Clone, Debug, Default)]
pub struct ConnectionSettings {
    /// Where Proxmox VE is.
    pub address: AddressSettings,
    /// The credential to work with.
    pub credentials: CredentialSettings,
    /// How certificates are judged.
    pub tls: TlsSettings,
    /// How requests get there.
    pub transport: TransportSettings,
}

impl ConnectionSettings {
    /// The values of the environment alone. Reports those that cannot be read.
    pub fn from_environment(environment: &Environment, diags: &mut Diagnostics) -> Self {
        Self {
            address: AddressSettings::from_environment(environment),
            credentials: CredentialSettings::from_environment(environment, diags),
            tls: TlsSettings::from_environment(environment, diags),
            transport: TransportSettings::from_environment(environment, diags),
        }
    }

    /// The block's values, and the environment's where the block has none. Address and credential
    /// are each taken from one of them as a whole, and a warning says so when both have a
    /// credential.
    pub fn or_environment(self, environment: Self, diags: &mut Diagnostics) -> Self {
        let here = self.credentials.first_given();
        let there = environment.credentials.first_given();
        if let (Some(used), Some(ignored)) = (&here, there) {
            diags.warn(
                "Credential in the environment ignored",
                format!(
                    "The credential of the provider block ({used}) is used; the one from \
                     {ignored} is not."
                ),
                used.path(),
            );
        }
        Self {
            address: self.address.or(environment.address),
            credentials: if here.is_some() {
                self.credentials
            } else {
                environment.credentials
            },
            tls: self.tls.or(&environment.tls),
            transport: self.transport.or(environment.transport),
        }
    }

    /// A named cluster's values, and the block's for TLS and the way there where it has none. An
    /// address or a credential is never inherited.
    pub fn or_block(self, block: &Self) -> Self {
        Self {
            tls: self.tls.or(&block.tls),
            transport: self.transport.or(block.transport.clone()),
            ..self
        }
    }

    /// Reports everything that is wrong with the values that are known, without any connection.
    pub fn check(&self, diags: &mut Diagnostics) {
        let _ = self.address.resolve(diags);
        let _ = self.credentials.resolve(diags);
        let _ = self.tls.resolve(diags);
        self.transport.check(diags);
    }

    /// The addresses, of which there must be one by the time it is asked for.
    pub fn nodes(&self, diags: &mut Diagnostics) -> Result<Nodes, SettingError> {
        self.address.resolve(diags)?.ok_or_else(|| {
            diags.fail(
                "No address of Proxmox VE",
                "Set `endpoint` in the provider block, or PROXMOX_VE_ENDPOINT in the \
                 environment, to the address of a node, such as \
                 \"https://pve1.example.com:8006\". If the block has `clusters`, choose one \
                 of them by `cluster`.",
                AttributePath::root(),
            );
            SettingError::Invalid
        })
    }

    /// Whether this address is one of those that these values are about.
    pub fn are_about(&self, endpoint: &Endpoint) -> bool {
        let nodes = self.nodes(&mut Diagnostics::default());
        nodes.is_ok_and(|nodes| nodes.all().any(|node| node == endpoint))
    }

    /// The credential, which must be there by the time it is asked for.
    pub fn credentials(&self, diags: &mut Diagnostics) -> Result<Credentials, SettingError> {
        match self.credentials.resolve(diags)? {
            Credentials::None => {
                diags.fail(
                    "No credentials for Proxmox VE",
                    "Set `api_token` (or `api_token_id` and `api_token_secret`, or `username` and \
                     `password`) in the provider block, or PROXMOX_VE_API_TOKEN (or \
                     PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD) in the environment.",
                    AttributePath::root(),
                );
                Err(SettingError::Invalid)
            }
            credentials => Ok(credentials),
        }
    }
}
