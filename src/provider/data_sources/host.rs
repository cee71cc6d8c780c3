//! The data source `proxmox_host`: what is to be known of a host.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::Schema;
use tf_provider::value::Value;
use tf_provider::{DataSource, Diagnostics};

use crate::framework::schema;
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::diagnostics::unproven;
use crate::provider::host::facts;
use crate::provider::host::facts::Facts;
use crate::pve::diagnosis;
use crate::pve::diagnosis::Requirements;

/// The facts of the provider's own host.
pub struct HostData {
    connections: Connections,
}

impl HostData {
    /// A data source that asks over the provider's connections.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// One `proxmox_host`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    cluster: Value<String>,
    #[serde(flatten)]
    facts: Facts,
}

#[async_trait]
impl DataSource for HostData {
    type State<'a> = State;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        let cluster = cluster_attribute(
            "Key of the provider's `clusters` to ask; the provider's own connection unless set.",
        );
        Some(schema::schema(
            "What is to be known of the host that the provider connects to: its version, its \
             cluster and its nodes. Unlike `proxmox_connection` it fails when the host cannot be \
             used.",
            [cluster].into_iter().chain(facts::attributes()),
        ))
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        let client = self
            .connections
            .reader("proxmox_host", &config.cluster, diags)?;
        let report = diagnosis::check(&client, None, &Requirements::default(), &context()).await;
        if report.status.is_failure() {
            unproven(&client.settings().endpoint.to_string(), &report, diags);
            return None;
        }
        let facts = Facts::of(&client, &report);
        Some(State { facts, ..config })
    }
}
