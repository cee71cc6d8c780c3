//! The clients of the connections that the provider block configures, shared by everything that the
//! provider offers.
//!
//! A client is made when it is first needed, so nothing connects before, and a setting that is
//! still unknown only affects what depends on it. There is one client for each connection.

mod connect;
mod context;
mod lockout;
mod same_cluster;
mod writer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;

use crate::framework::{Deferred, Problem, schema};
pub use crate::provider::clients::connect::{client, connect, log_connection};
pub use crate::provider::clients::context::{call_within, context};
pub use crate::provider::clients::lockout::Revocation;
use crate::provider::clients::same_cluster::Writers;
pub use crate::provider::clients::writer::{Write, Writer};
use crate::provider::diagnostics::code_would_be_spent;
use crate::provider::settings::block::BlockSettings;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::setting::{SettingError, Source};
use crate::pve::{CachedClient, Error, ErrorKind, Secret, TokenId};

/// The connections that the provider block configures: its own, and one for each of its
/// `clusters`. Clones share their clients.
#[derive(Clone, Default)]
pub struct Connections {
    configured: Arc<Mutex<Configured>>,
    writers: Writers,
}

#[derive(Default)]
struct Configured {
    /// How often the provider was configured. A provider that a debugger started serves several
    /// runs, each of which configures it.
    run: u64,
    settings: Arc<BlockSettings>,
    clients: HashMap<Option<String>, CachedClient>,
    /// The failures that were reported, by connection.
    reported: Vec<(Option<String>, ErrorKind)>,
}

impl Connections {
    /// Configures the connections from the settings of a provider block.
    pub fn configure(&self, settings: BlockSettings) {
        let mut configured = self.configured();
        *configured = Configured {
            run: configured.run + 1,
            settings: Arc::new(settings),
            clients: HashMap::new(),
            reported: Vec::new(),
        };
    }

    /// The number of the present run, which changes when the provider is configured.
    pub fn run(&self) -> u64 {
        self.configured().run
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
    pub fn client(&self, cluster: &Value<String>) -> Result<CachedClient, SettingError> {
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

    /// Why something that needs a connection cannot be done yet, for a caller that allows to defer
    /// it: a setting of the connection is known only after apply.
    pub fn deferred(&self, cluster: &Value<String>) -> Option<Deferred> {
        match self.client(cluster) {
            Err(SettingError::Unknown(_)) => Some(Deferred::ProviderConfigUnknown),
            _ => None,
        }
    }

    /// Refuses something that would use up a one-time code: a plan and its apply are processes of
    /// their own, and the one that comes second could not log in. What has logged in can go on.
    pub fn refuse_one_time_code(
        &self,
        cluster: &Value<String>,
        object: &str,
    ) -> Result<(), Problem> {
        match self.one_time_code(cluster) {
            Some(code) if self.client(cluster)?.would_spend_a_code() => {
                Err(code_would_be_spent(&format!("`{object}`"), &code))
            }
            _ => Ok(()),
        }
    }

    /// The client for a data source. Most data sources are read during a plan, which must not use
    /// up a one-time code: the apply is a process of its own and could not log in. In an apply that
    /// has logged in, a data source uses that login.
    pub fn reader(
        &self,
        data_source: &'static str,
        cluster: &Value<String>,
    ) -> Result<CachedClient, Problem> {
        let client = self
            .client(cluster)
            .map_err(|error| error.of_data_source(data_source))?;
        self.refuse_one_time_code(cluster, data_source)?;
        Ok(client)
    }

    /// The client for a write, which has passed the guards of a writer.
    pub async fn writer(
        &self,
        cluster: &Value<String>,
        token: &TokenId,
        write: Write,
    ) -> Result<Writer, SettingError> {
        if let Write::Revoke(revocation) = &write {
            lockout::check_revocation(&self.block(), cluster, revocation)?;
        }
        let client = self.client(cluster)?;
        let unique = self.writers.register(cluster, &client, token).await;
        match write {
            Write::Change => unique?,
            // A token that is managed through two connections may be revoked through either.
            Write::Revoke(_) => {}
        }
        Ok(Writer {
            client,
            writers: self.writers.clone(),
            cluster: cluster.clone(),
        })
    }

    /// Refuses to revoke a token that the provider authenticates with.
    pub fn check_revocation(
        &self,
        cluster: &Value<String>,
        revocation: &Revocation,
    ) -> Result<(), Problem> {
        lockout::check_revocation(&self.block(), cluster, revocation)
    }

    /// Refuses a change of a token that the provider authenticates with. `reason` says what locks
    /// it out.
    pub fn check_lockout(
        &self,
        cluster: &Value<String>,
        token: &TokenId,
        secret: Option<&Secret>,
        reason: &str,
    ) -> Result<(), Problem> {
        lockout::check(&self.block(), cluster, token, secret, reason)
    }

    /// Whether a failure is reported for the first time in this run. One cause, such as a host that
    /// is down, can affect every object of a cluster, and is explained once.
    pub fn is_first_report(&self, cluster: &Value<String>, error: &Error) -> bool {
        let failure = (cluster.as_ref_option().cloned(), error.kind.clone());
        let reported = &mut self.configured().reported;
        let is_first = !reported.contains(&failure);
        if is_first {
            reported.push(failure);
        }
        is_first
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

/// The attribute `cluster`, which selects a connection.
pub fn cluster_attribute(description: &str) -> (&'static str, Attribute) {
    let text = AttributeType::String;
    ("cluster", schema::optional(text, description))
}

/// The name of a connection in messages, by its attribute `cluster`.
pub fn connection_name(cluster: &Value<String>) -> String {
    match cluster.as_ref_option() {
        Some(key) => format!("cluster {key:?}"),
        None => "the provider's connection".to_owned(),
    }
}
