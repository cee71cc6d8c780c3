//! What the provider block configured, shared by everything the provider offers.
//!
//! Nothing connects until something needs to: a client is made when it is first asked for, and
//! a setting that is still unknown only matters to those who need it.

pub(crate) mod same_cluster;

use std::collections::{BTreeMap, HashMap};
use std::iter;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};
use tokio::time::Instant;

use crate::framework::{CallContext, Report, schema};
use crate::provider::diagnostics::{code_would_be_spent, unreadable};
use crate::provider::nearest::nearest;
use crate::provider::settings::address::Nodes;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::credentials::SettingError;
use crate::provider::settings::setting::{Setting, Source};
use crate::pve::{
    Client, Context, Credentials, ExtraHeaders, Secret, Settings, TlsPolicy, TokenId,
};

/// The ways to Proxmox VE that the provider block describes: its own, and one for each of its
/// `clusters`. Clones share their clients.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    own: ConnectionSettings,
    clusters: Setting<BTreeMap<String, ConnectionSettings>>,
    clients: HashMap<Option<String>, Client>,
}

impl Connections {
    /// Takes a provider block into use. Nothing connects yet.
    pub fn configure(
        &self,
        own: ConnectionSettings,
        clusters: Setting<BTreeMap<String, ConnectionSettings>>,
    ) {
        *self.inner() = Inner {
            own,
            clusters,
            clients: HashMap::new(),
        };
    }

    /// What is configured for a cluster; for the provider's own connection where that is null.
    pub fn defaults(
        &self,
        cluster: &Value<String>,
        diags: &mut Diagnostics,
    ) -> Result<ConnectionSettings, SettingError> {
        self.inner().defaults(cluster, diags)
    }

    /// The one-time code that the next login would use up, if there is one. Every plan and every
    /// apply is a process of its own and logs in anew, so a refresh leaves the code to the apply.
    pub fn one_time_code(&self, cluster: &Value<String>) -> Option<Source> {
        let defaults = self.defaults(cluster, &mut Diagnostics::default());
        defaults.ok()?.credentials.otp.source()
    }

    /// The client for a cluster and the credential configured for it, one for all callers.
    /// Reports what is missing or wrong.
    pub fn client(
        &self,
        cluster: &Value<String>,
        diags: &mut Diagnostics,
    ) -> Result<Client, SettingError> {
        let mut inner = self.inner();
        let defaults = inner.defaults(cluster, diags)?;
        let key = cluster.as_ref_option().cloned();
        if let Some(client) = inner.clients.get(&key) {
            return Ok(client.clone());
        }
        let client = connect(&defaults, diags)?;
        inner.clients.insert(key, client.clone());
        Ok(client)
    }

    /// The same for a data source, with the reason where it cannot be read. A plan reads most of
    /// them, and must not use up a one-time code: the apply is a process of its own and would have
    /// none. In an apply that has logged in, the login is there to be used.
    pub fn reader(
        &self,
        data_source: &'static str,
        cluster: &Value<String>,
        diags: &mut Diagnostics,
    ) -> Option<Client> {
        let client = match self.client(cluster, diags) {
            Ok(client) => client,
            Err(SettingError::Unknown(source)) => {
                unreadable(data_source, &source, diags);
                return None;
            }
            Err(SettingError::Invalid) => return None,
        };
        match self.one_time_code(cluster) {
            Some(code) if client.would_spend_a_code() => {
                code_would_be_spent(&format!("a `{data_source}`"), &code, diags);
                None
            }
            _ => Some(client),
        }
    }

    /// Where the configuration names this token as a credential for the server that `cluster`
    /// chooses, if it does. Another address may lead to the same server: the same secret tells,
    /// where it is known.
    pub fn own_credential(
        &self,
        cluster: &Value<String>,
        token: &TokenId,
        secret: Option<&Secret>,
    ) -> Option<Source> {
        let inner = self.inner();
        let unheard = &mut Diagnostics::default();
        let meant = inner.defaults(cluster, unheard).ok()?;
        let nodes = meant.nodes(unheard).ok()?;
        let clusters = match &inner.clusters {
            Setting::Known(clusters, _) => Some(clusters.values()),
            Setting::Absent | Setting::Unknown(_) => None,
        };
        let mut all = iter::once(&inner.own).chain(clusters.into_iter().flatten());
        let used = all.find(|defaults| {
            let unheard = &mut Diagnostics::default();
            let Ok(Credentials::Token(own)) = defaults.credentials.resolve(unheard) else {
                return false;
            };
            let same_secret = secret.is_some_and(|secret| secret.expose() == own.secret.expose());
            let own_nodes = defaults.nodes(unheard);
            let same_server = own_nodes.is_ok_and(|own| own.shares_a_node_with(&nodes));
            own.id == *token && (same_secret || same_server)
        });
        used?.credentials.first_given()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn defaults(
        &self,
        cluster: &Value<String>,
        diags: &mut Diagnostics,
    ) -> Result<ConnectionSettings, SettingError> {
        let name = match cluster {
            Value::Null => return Ok(self.own.clone()),
            Value::Unknown => return Err(SettingError::Unknown(Source::Attribute("cluster"))),
            Value::Value(name) => name,
        };
        let clusters = match &self.clusters {
            Setting::Unknown(source) => return Err(SettingError::Unknown(source.clone())),
            Setting::Absent => &BTreeMap::new(),
            Setting::Known(clusters, _) => clusters,
        };
        clusters.get(name).cloned().ok_or_else(|| {
            diags.fail(
                "No such cluster",
                no_such_cluster(name, clusters.keys()),
                AttributePath::new("cluster"),
            );
            SettingError::Invalid
        })
    }
}

/// A client for a connection as configured. Reports what is missing or wrong.
pub fn connect(
    defaults: &ConnectionSettings,
    diags: &mut Diagnostics,
) -> Result<Client, SettingError> {
    let nodes = defaults.nodes(diags)?;
    let credentials = defaults.credentials(diags)?;
    let tls = defaults.tls.resolve(diags)?;
    client(defaults, nodes, credentials, tls, diags)
}

/// A client that gets to these nodes as a connection says. Its headers are for its own nodes and
/// may be secret: others do not get them.
pub fn client(
    defaults: &ConnectionSettings,
    nodes: Nodes,
    credentials: Credentials,
    tls: TlsPolicy,
    diags: &mut Diagnostics,
) -> Result<Client, SettingError> {
    let transport = &defaults.transport;
    let headers = match defaults.are_about(&nodes.first) {
        true => transport.headers(diags)?,
        false => ExtraHeaders::default(),
    };
    Ok(Client::new(Settings {
        tls,
        proxy: transport.proxy(&nodes, diags)?,
        headers,
        retries: transport.retries(diags)?,
        request_timeout: transport.request_timeout(diags)?,
        other_endpoints: nodes.others,
        ..Settings::new(nodes.first, credentials)
    }))
}

/// Says which names there are, the likeliest first.
fn no_such_cluster<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known = nearest(name, known.map(String::as_str));
    if known.is_empty() {
        return format!(
            "`cluster` is {name:?}, but the provider block has no `clusters`. Name it there, or \
             remove `cluster` to use the provider's own `endpoint`."
        );
    }
    let known: Vec<&str> = known.into_iter().map(|(name, _)| name).take(5).collect();
    format!(
        "`cluster` is {name:?}, which is none of the provider's `clusters`. The nearest names \
         there: {}.",
        known.join(", ")
    )
}

/// The attribute by which everything chooses its cluster.
pub fn cluster_attribute(description: &str) -> (&'static str, tf_provider::schema::Attribute) {
    let text = tf_provider::schema::AttributeType::String;
    ("cluster", schema::optional(text, description))
}

/// The cancellation of the Terraform call being answered, as the client wants it.
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
