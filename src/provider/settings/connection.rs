//! The settings of one connection, from the provider block and the environment.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tf_provider::AttributePath;
use tf_provider::schema::Attribute;

use crate::framework::Problem;
use crate::provider::settings::address::{AddressAttributes, AddressSettings, Nodes};
use crate::provider::settings::credentials::{CredentialAttributes, CredentialSettings};
use crate::provider::settings::definition::Definition;
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::{Setting, SettingError, Source, problem};
use crate::provider::settings::tls::{TlsAttributes, TlsSettings};
use crate::provider::settings::transport::{TransportAttributes, TransportSettings};
use crate::provider::settings::{address, credentials, tls, transport};
use crate::pve::{Credentials, Endpoint};

/// The problem of an entry of `clusters` without an address or a credential.
fn nothing_of(cluster: &str, what: &str, attribute: &str) -> Problem {
    let summary = match what {
        "address" => "Missing Proxmox VE address",
        _ => "Missing Proxmox VE credentials",
    };
    Problem::new(
        summary,
        format!(
            "`clusters[{cluster:?}]` sets no {what}. Set `clusters[{cluster:?}].{attribute}`. An entry \
             of `clusters` does not inherit the {what} of the provider block, and does not use the \
             {what} in the environment."
        ),
        AttributePath::root(),
    )
}

/// The attributes of a connection, as the provider block and each of its clusters set them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ConnectionAttributes {
    #[serde(flatten)]
    address: AddressAttributes,
    #[serde(flatten)]
    credentials: CredentialAttributes,
    #[serde(flatten)]
    tls: TlsAttributes,
    #[serde(flatten)]
    transport: TransportAttributes,
}

/// The definitions of the attributes of a connection.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    [
        &address::DEFINITIONS[..],
        &credentials::DEFINITIONS,
        &tls::DEFINITIONS,
        &transport::DEFINITIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The attributes of a connection for the schema of the provider block.
pub fn attributes() -> impl Iterator<Item = (&'static str, Attribute)> {
    definitions().map(Definition::in_block)
}

/// The same attributes for an entry of `clusters`, which no environment variable sets.
pub fn attributes_of_cluster() -> impl Iterator<Item = (&'static str, Attribute)> {
    definitions().map(|definition| definition.attribute(""))
}

impl ConnectionAttributes {
    /// The settings that the attributes hold.
    pub fn settings(self, source: impl Fn(&'static str) -> Source) -> ConnectionSettings {
        ConnectionSettings {
            address: self.address.settings(&source),
            credentials: self.credentials.settings(&source),
            tls: self.tls.settings(&source),
            transport: self.transport.settings(&source),
            cluster: None,
        }
    }
}

/// The settings of a connection. Each group is resolved when it is needed, so that an unknown value
/// only affects what depends on it.
#[derive(Clone, Debug, Default)]
pub struct ConnectionSettings {
    /// The address of Proxmox VE.
    pub address: AddressSettings,
    /// The credential.
    pub credentials: CredentialSettings,
    /// How certificates are verified.
    pub tls: TlsSettings,
    /// How requests reach the server.
    pub transport: TransportSettings,
    /// The key in `clusters`; `None` for the provider's own connection.
    pub cluster: Option<Arc<str>>,
}

impl ConnectionSettings {
    /// The settings of a cluster that is unknown as a whole.
    pub fn unknown(source: impl Fn(&'static str) -> Source) -> Self {
        let address = AddressSettings {
            endpoint: Setting::Unknown(source("endpoint")),
            ..AddressSettings::default()
        };
        Self {
            address,
            ..Self::default()
        }
    }

    /// The settings from the environment, and the problems of values that cannot be parsed.
    pub fn from_environment(
        environment: &Environment,
        warnings: &mut Vec<Problem>,
    ) -> (Self, Vec<Problem>) {
        let (tls, mut problems) = TlsSettings::from_environment(environment);
        let (transport, transport_problems) = TransportSettings::from_environment(environment);
        problems.extend(transport_problems);
        let settings = Self {
            address: AddressSettings::from_environment(environment),
            credentials: CredentialSettings::from_environment(environment, warnings),
            tls,
            transport,
            cluster: None,
        };
        (settings, problems)
    }

    /// The settings of the block, and those of the environment where the block sets none. Address
    /// and credential each come from one of the two as a whole, and a warning names a credential
    /// that is ignored.
    pub fn or_environment(self, environment: Self, warnings: &mut Vec<Problem>) -> Self {
        let used = self.credentials.source();
        // A block with its own address and credential, such as an alias, is a connection of its
        // own. A credential beside the address of the environment may not be meant.
        let is_surprising = !self.address.is_set();
        if let (Some(used), Some(ignored)) = (&used, environment.credentials.source())
            && is_surprising
        {
            warnings.push(Problem::new(
                "Credential in the environment ignored",
                format!(
                    "{used} in the provider block takes precedence over {ignored}: the credential \
                     in {ignored} is not used."
                ),
                used.path(),
            ));
        }
        Self {
            address: self.address.or(environment.address),
            credentials: if used.is_some() {
                self.credentials
            } else {
                environment.credentials
            },
            tls: self.tls.or(&environment.tls),
            transport: self.transport.or(environment.transport),
            cluster: self.cluster,
        }
    }

    /// The settings of a cluster, and the TLS and transport settings of the block where the cluster
    /// sets none. Address and credential are never inherited.
    pub fn or_block(self, block: &Self) -> Self {
        Self {
            tls: self.tls.or(&block.tls),
            transport: self.transport.or(block.transport.clone()),
            ..self
        }
    }

    /// The problems of the known values.
    pub fn problems(&self) -> Vec<Problem> {
        let groups = [
            problem(self.address.resolve()),
            problem(self.credentials.resolve()),
            problem(self.tls.resolve()),
        ];
        let groups = groups.into_iter().flatten();
        groups.chain(self.transport.problems()).collect()
    }

    /// The nodes; a problem where no address is set.
    pub fn nodes(&self) -> Result<Nodes, SettingError> {
        self.address.resolve()?.ok_or_else(|| {
            if let Some(cluster) = &self.cluster {
                return nothing_of(cluster, "address", "endpoint").into();
            }
            let detail = "Set `endpoint` in the provider block, or the environment variable \
                          PROXMOX_VE_ENDPOINT, to the address of a node, such as \
                          \"https://pve1.example.com:8006\". If the block defines `clusters`, \
                          select one of them with `cluster`.";
            Problem::new("Missing Proxmox VE address", detail, AttributePath::root()).into()
        })
    }

    /// Whether these settings apply to this address.
    pub fn includes(&self, endpoint: &Endpoint) -> bool {
        let nodes = self.nodes();
        nodes.is_ok_and(|nodes| nodes.all().any(|node| node == endpoint))
    }

    /// The credential; a problem where none is set.
    pub fn credentials(&self) -> Result<Credentials, SettingError> {
        match self.credentials.resolve()? {
            Credentials::None => {
                if let Some(cluster) = &self.cluster {
                    return Err(nothing_of(cluster, "credentials", "api_token").into());
                }
                let detail = "Set `api_token` (or `api_token_id` and `api_token_secret`, or \
                              `username` and `password`) in the provider block, or \
                              PROXMOX_VE_API_TOKEN (or PROXMOX_VE_USERNAME and \
                              PROXMOX_VE_PASSWORD) in the environment.";
                let root = AttributePath::root();
                Err(Problem::new("Missing Proxmox VE credentials", detail, root).into())
            }
            credentials => Ok(credentials),
        }
    }
}
