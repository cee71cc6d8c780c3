//! The data source `proxmox_host`: the facts about a host.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::Schema;
use tf_provider::value::Value;
use tf_provider::{DataSource, Diagnostics};

use crate::framework::{Problem, schema};
use crate::provider::clients::{Connections, cluster_attribute, connection_name, context};
use crate::provider::diagnostics::{check_failed, reported};
use crate::provider::host::facts;
use crate::provider::host::facts::Facts;
use crate::pve::diagnosis;
use crate::pve::diagnosis::Requirements;

/// The facts about a host.
pub struct HostData {
    connections: Connections,
}

impl HostData {
    /// Creates the data source.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// A `proxmox_host` that is read.
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
            "Key in `clusters` of the provider block to read from. Defaults to the provider's own connection.",
        );
        Some(schema::schema(
            "Reads facts about the host that the provider connects to: its version, its cluster and \
             its nodes. Unlike `proxmox_connection`, it fails if the connection check fails.",
            [cluster].into_iter().chain(facts::attributes()),
        ))
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        reported(self.look_up(config).await, diags)
    }
}

impl HostData {
    async fn look_up(&self, config: State) -> Result<State, Problem> {
        let client = self.connections.reader("proxmox_host", &config.cluster)?;
        let report = diagnosis::check(&client, None, &Requirements::default(), &context()).await;
        if !report.status().is_ok() {
            return Err(check_failed(&connection_name(&config.cluster), &report));
        }
        let facts = Facts::of(&client, &report);
        Ok(State { facts, ..config })
    }
}
