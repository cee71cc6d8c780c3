//! The provider block: its schema, and the settings that it holds.

use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tf_provider::AttributePath;
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;

use crate::framework::{Problem, schema};
use crate::provider::nearest::nearest;
use crate::provider::settings::connection::{
    ConnectionAttributes, ConnectionSettings, attributes, attributes_of_cluster,
};
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::{Setting, SettingError, Source};

/// The provider block: a connection, and additional connections in `clusters`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    connection: ConnectionAttributes,
    clusters: Value<BTreeMap<String, Value<ConnectionAttributes>>>,
}

/// The schema of the provider block.
pub fn schema() -> Schema {
    let clusters = (
        "clusters",
        schema::optional(
            AttributeType::AttributeMap(schema::named(attributes_of_cluster())),
            "Additional clusters by a key of your choice; a standalone host is a cluster of one. \
             Each entry supports the attributes of this block, and resources and data sources \
             select an entry with `cluster`. An entry inherits the TLS, proxy, header, retry and \
             timeout settings of the block unless it sets its own. Addresses and credentials are \
             never inherited, and no environment variable sets an attribute of an entry.",
        ),
    );
    schema::schema(
        "Manages credentials for Proxmox VE: creates, scopes, verifies and revokes API tokens, and \
         verifies that a connection works before other resources depend on it.\n\n\
         Every attribute can also be set by an environment variable, `PROXMOX_VE_` followed by the \
         name of the attribute in upper case, such as `PROXMOX_VE_ENDPOINT`. The block takes \
         precedence over the environment, and a credential is never combined from both. The \
         provider connects only when a resource or data source needs the connection.",
        attributes().chain([clusters]),
    )
}

/// The settings of the provider block and of each of its clusters.
#[derive(Debug, Default)]
pub struct BlockSettings {
    /// The provider's own connection.
    pub own: Arc<ConnectionSettings>,
    /// The connections in `clusters`, by key.
    pub clusters: Setting<BTreeMap<String, Arc<ConnectionSettings>>>,
}

impl Config {
    /// The problems of the known values.
    pub fn problems(self) -> Vec<Problem> {
        let (own, clusters) = self.settings();
        let mut problems = own.problems();
        if let Setting::Known(clusters, _) = clusters {
            problems.extend(clusters.values().flat_map(ConnectionSettings::problems));
        }
        problems
    }

    /// The settings of the block merged with those of the environment, and the problems of the
    /// environment's values and of the provider's own connection.
    pub fn merge(
        self,
        environment: &Environment,
        warnings: &mut Vec<Problem>,
    ) -> (BlockSettings, Vec<Problem>) {
        let (environment, mut problems) =
            ConnectionSettings::from_environment(environment, warnings);
        let (own, clusters) = self.settings();
        let own = own.or_environment(environment, warnings);
        problems.extend(own.problems());
        let clusters = clusters.map(|clusters| {
            let inherited = clusters.into_iter();
            inherited
                .map(|(name, cluster)| (name, Arc::new(cluster.or_block(&own))))
                .collect()
        });
        let own = Arc::new(own);
        (BlockSettings { own, clusters }, problems)
    }

    /// The settings of the block alone, and of each of its clusters.
    fn settings(
        self,
    ) -> (
        ConnectionSettings,
        Setting<BTreeMap<String, ConnectionSettings>>,
    ) {
        let own = self.connection.settings(Source::Attribute);
        let clusters = self.clusters.map(|clusters| {
            let clusters = clusters.into_iter();
            clusters
                .map(|(name, cluster)| {
                    let settings = cluster_settings(&name, cluster);
                    (name, settings)
                })
                .collect()
        });
        (own, Setting::attribute("clusters", clusters))
    }
}

fn cluster_settings(name: &str, cluster: Value<ConnectionAttributes>) -> ConnectionSettings {
    let key: Arc<str> = name.into();
    let source = |attribute| Source::ClusterAttribute(Arc::clone(&key), attribute);
    let settings = match cluster {
        Value::Value(cluster) => cluster.settings(source),
        Value::Null => ConnectionSettings::default(),
        Value::Unknown => ConnectionSettings::unknown(source),
    };
    ConnectionSettings {
        cluster: Some(key.clone()),
        ..settings
    }
}

impl BlockSettings {
    /// All connections: the provider's own, and those in `clusters`.
    pub fn all(&self) -> impl Iterator<Item = &Arc<ConnectionSettings>> + Clone {
        let clusters = match &self.clusters {
            Setting::Known(clusters, _) => Some(clusters.values()),
            Setting::Absent | Setting::Unknown(_) => None,
        };
        iter::once(&self.own).chain(clusters.into_iter().flatten())
    }

    /// The settings of a cluster; those of the provider's own connection for null.
    pub fn of_cluster(
        &self,
        cluster: &Value<String>,
    ) -> Result<&Arc<ConnectionSettings>, SettingError> {
        let name = match cluster {
            Value::Null => return Ok(&self.own),
            Value::Unknown => return Err(SettingError::Unknown(Source::Attribute("cluster"))),
            Value::Value(name) => name,
        };
        let clusters = match &self.clusters {
            Setting::Unknown(source) => return Err(SettingError::Unknown(source.clone())),
            Setting::Absent => return Err(no_such_cluster(name, iter::empty()).into()),
            Setting::Known(clusters, _) => clusters,
        };
        let settings = clusters.get(name);
        settings.ok_or_else(|| no_such_cluster(name, clusters.keys()).into())
    }
}

/// The summary of a problem with the key of a cluster.
pub const NO_SUCH_CLUSTER: &str = "No such cluster";

/// A cluster that is not configured, with the most similar keys.
fn no_such_cluster<'a>(name: &str, keys: impl Iterator<Item = &'a String>) -> Problem {
    let keys = nearest(name, keys.map(String::as_str)).into_iter();
    let keys: Vec<&str> = keys.map(|(key, _)| key).take(5).collect();
    let detail = if keys.is_empty() {
        format!(
            "`cluster` is {name:?}, but the provider block does not define `clusters`. Define it \
             there, or remove `cluster` to use the provider's own `endpoint`."
        )
    } else {
        format!(
            "`cluster` is {name:?}, but `clusters` in the provider block has no such key. Similar \
             keys: {}.",
            keys.join(", ")
        )
    };
    Problem::new(NO_SUCH_CLUSTER, detail, AttributePath::new("cluster"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::provider::settings::connection::definitions;

    #[test]
    fn each_attribute_of_a_connection_has_a_definition_and_a_field() {
        let fields = serde_json::to_value(ConnectionAttributes::default()).unwrap();
        let fields: BTreeSet<&str> = fields
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let defined = definitions().map(|definition| definition.name).collect();
        assert_eq!(fields, defined);
    }

    #[test]
    fn an_unknown_attribute_of_a_cluster_stays_unknown() {
        let cluster = ConnectionAttributes::default();
        let config = Config {
            clusters: Value::Value([("a".to_owned(), Value::Value(cluster))].into()),
            ..Config::default()
        };
        let mut tree = serde_json::to_value(&config).unwrap();
        tree["clusters"]["a"]["max_retries"] = json!(3);
        let encoded = rmp_serde::to_vec_named(&tree).unwrap();
        // The value of `max_retries`, replaced by an unknown value of the protocol.
        let position = encoded.windows(11).position(|name| name == b"max_retries");
        let value = position.unwrap() + 11;
        let unknown = [&encoded[..value], &[0xd4, 0, 0], &encoded[value + 1..]].concat();
        let config: Config = rmp_serde::from_slice(&unknown).unwrap();
        let (_, clusters) = config.settings();
        let Setting::Known(clusters, _) = clusters else {
            panic!("the clusters are known");
        };
        let source = clusters["a"].transport.max_retries.unknown().unwrap();
        assert_eq!(source.to_string(), r#"`clusters["a"].max_retries`"#);
        assert!(!clusters["a"].address.is_set());
    }
}
