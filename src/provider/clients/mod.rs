//! The clients of the connections that the provider block configures, shared by everything that the
//! provider offers.
//!
//! A client is made when it is first needed, so nothing connects before, and a setting that is
//! still unknown only affects what depends on it. There is one client for each connection.

pub(crate) mod same_cluster;
mod writer;

use std::collections::HashMap;
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tf_provider::AttributePath;
use tf_provider::value::Value;
use tokio::time::Instant;

use crate::framework::{CallContext, Problem, schema};
use crate::provider::clients::same_cluster::Writers;
pub use crate::provider::clients::writer::{Write, Writer};
use crate::provider::diagnostics::code_would_be_spent;
use crate::provider::settings::address::Nodes;
use crate::provider::settings::block::BlockSettings;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::error::SettingError;
use crate::provider::settings::setting::{Setting, Source};
use crate::pve::{
    Client, Context, Credentials, ExtraHeaders, Secret, Settings, TlsPolicy, TokenId,
};

/// The connections that the provider block configures: its own, and one for each of its
/// `clusters`. Clones share their clients.
#[derive(Clone, Default)]
pub struct Connections {
    configured: Arc<Mutex<Configured>>,
    writers: Writers,
}

#[derive(Default)]
struct Configured {
    settings: Arc<BlockSettings>,
    clients: HashMap<Option<String>, Client>,
}

impl Connections {
    /// Configures the connections from the settings of a provider block.
    pub fn configure(&self, settings: BlockSettings) {
        *self.configured() = Configured {
            settings: Arc::new(settings),
            clients: HashMap::new(),
        };
    }

    /// The settings of a cluster; those of the provider's own connection for null.
    pub fn settings(
        &self,
        cluster: &Value<String>,
    ) -> Result<Arc<ConnectionSettings>, SettingError> {
        self.block().of_cluster(cluster).cloned()
    }

    /// The source of a one-time code that the next login would use up. Each plan and each apply is
    /// a process of its own and logs in again, so a refresh leaves the code to the apply.
    pub fn one_time_code(&self, cluster: &Value<String>) -> Option<Source> {
        self.settings(cluster).ok()?.credentials.otp.source()
    }

    /// The client for a cluster and the credential configured for it.
    pub fn client(&self, cluster: &Value<String>) -> Result<Client, SettingError> {
        let mut configured = self.configured();
        let settings = Arc::clone(configured.settings.of_cluster(cluster)?);
        let key = cluster.as_ref_option().cloned();
        if let Some(client) = configured.clients.get(&key) {
            return Ok(client.clone());
        }
        let client = connect(&settings)?;
        configured.clients.insert(key, client.clone());
        Ok(client)
    }

    /// The client for a data source. Most data sources are read during a plan, which must not use
    /// up a one-time code: the apply is a process of its own and could not log in. In an apply that
    /// has logged in, a data source uses that login.
    pub fn reader(
        &self,
        data_source: &'static str,
        cluster: &Value<String>,
    ) -> Result<Client, Problem> {
        let client = self
            .client(cluster)
            .map_err(|error| error.of_data_source(data_source))?;
        match self.one_time_code(cluster) {
            Some(code) if client.would_spend_a_code() => {
                Err(code_would_be_spent(&format!("`{data_source}`"), &code))
            }
            _ => Ok(client),
        }
    }

    /// The client for a write, which has passed the guards of a writer.
    pub async fn writer(
        &self,
        cluster: &Value<String>,
        token: &TokenId,
        write: Write,
    ) -> Result<Writer, SettingError> {
        let client = self.client(cluster)?;
        Writer::admit(&self.writers, cluster, client, token, write).await
    }

    /// The source of a credential in the provider's configuration that is this token on the server
    /// of this cluster. A connection with another address may lead to the same server, which is
    /// recognised by an equal secret, where that is known.
    pub fn own_credential(
        &self,
        cluster: &Value<String>,
        token: &TokenId,
        secret: Option<&Secret>,
    ) -> Option<Source> {
        let block = self.block();
        let nodes = block.of_cluster(cluster).ok()?.nodes().ok()?;
        let mut connections = block.all();
        let used = connections.find(|settings| {
            let Ok(Credentials::Token(own)) = settings.credentials.resolve() else {
                return false;
            };
            let same_secret = secret.is_some_and(|secret| secret.expose() == own.secret.expose());
            let same_server = settings
                .nodes()
                .is_ok_and(|own| own.shares_a_node_with(&nodes));
            own.id == *token && (same_secret || same_server)
        });
        used?.credentials.source()
    }

    fn block(&self) -> Arc<BlockSettings> {
        Arc::clone(&self.configured().settings)
    }

    fn configured(&self) -> MutexGuard<'_, Configured> {
        self.configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlockSettings {
    fn of_cluster(
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

/// A client for a connection.
pub fn connect(settings: &ConnectionSettings) -> Result<Client, SettingError> {
    let nodes = settings.nodes()?;
    let credentials = settings.credentials()?;
    let tls = settings.tls.resolve()?;
    client(settings, nodes, credentials, tls)
}

/// A client for these nodes that uses the transport settings of a connection. The headers of a
/// connection may be secret and are only sent to its own nodes.
pub fn client(
    settings: &ConnectionSettings,
    nodes: Nodes,
    credentials: Credentials,
    tls: TlsPolicy,
) -> Result<Client, SettingError> {
    let transport = &settings.transport;
    let headers = match settings.includes(&nodes.first) {
        true => transport.headers()?,
        false => ExtraHeaders::default(),
    };
    Ok(Client::new(Settings {
        tls,
        proxy: transport.proxy(&nodes)?,
        headers,
        retries: transport.retries()?,
        request_timeout: transport.request_timeout()?,
        other_endpoints: nodes.others,
        ..Settings::new(nodes.first, credentials)
    }))
}

/// A cluster that is not configured, with the most similar keys.
fn no_such_cluster<'a>(name: &str, keys: impl Iterator<Item = &'a String>) -> Problem {
    let mut keys: Vec<&str> = keys.map(String::as_str).collect();
    keys.sort_by_key(|key| strsim::damerau_levenshtein(name, key));
    keys.truncate(5);
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
    Problem::new("No such cluster", detail, AttributePath::new("cluster"))
}

/// The attribute `cluster`, which selects a connection.
pub fn cluster_attribute(description: &str) -> (&'static str, tf_provider::schema::Attribute) {
    let text = tf_provider::schema::AttributeType::String;
    ("cluster", schema::optional(text, description))
}

/// The cancellation of the current Terraform call.
pub fn context() -> Context {
    call_within(None)
}

/// The same with a time limit in seconds from now.
pub fn call_within(seconds: Option<i64>) -> Context {
    let limit = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Context {
        cancel: CallContext::current().cancel,
        deadline: limit
            .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds))),
    }
}
