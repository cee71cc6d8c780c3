//! Connections to the same cluster.
//!
//! Two keys of `clusters` may lead to the same cluster through different nodes. Writes through both
//! must share a write lock all the same, and a token must be managed through one of them. The
//! fingerprints of the nodes' certificates show that two connections lead to one cluster. They are
//! requested once a second connection is about to write, so that a run with one connection sends no
//! additional request.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tf_provider::AttributePath;
use tf_provider::value::Value;
use tokio::sync::OnceCell;

use crate::framework::Problem;
use crate::provider::clients::context::call_within;
use crate::pve::{CachedClient, Fingerprint, TokenId};

/// The time limit for the fingerprints of a cluster. A cluster that does not respond
/// counts as a separate one and does not delay the others.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// The connections that have written in this run. Clones share them.
#[derive(Clone, Default)]
pub struct Writers(Arc<Mutex<Vec<Arc<Connection>>>>);

/// A connection that has written.
struct Connection {
    /// Its position among all connections: of two to the same cluster, the first provides the write
    /// lock.
    position: usize,
    cluster: Value<String>,
    client: CachedClient,
    nodes: OnceCell<BTreeSet<Fingerprint>>,
    tokens: Mutex<BTreeSet<TokenId>>,
}

impl Writers {
    /// Registers a connection and the token that it is about to write, and shares the write lock
    /// of other connections to the same cluster. A problem for a token that was written through
    /// another connection.
    pub async fn register(
        &self,
        cluster: &Value<String>,
        client: &CachedClient,
        token: &TokenId,
    ) -> Result<(), Problem> {
        let (connection, others) = self.join(cluster, client);
        // Recorded before the comparison: of two concurrent writers, one sees the other.
        connection.record(token);
        let mut duplicates = Vec::new();
        for other in others {
            if !connection.is_same_cluster(&other).await {
                continue;
            }
            connection.share_write_lock(&other);
            if other.has_written(token) {
                duplicates.push(other);
            }
        }
        match duplicates.is_empty() {
            true => Ok(()),
            false => Err(managed_twice(token, &connection, &duplicates)),
        }
    }

    /// Forgets a token that was revoked, so that it may be created through another connection.
    pub fn forget(&self, cluster: &Value<String>, token: &TokenId) {
        let known = self.connections();
        let known = known
            .iter()
            .find(|connection| connection.cluster == *cluster);
        if let Some(connection) = known {
            connection.tokens().remove(token);
        }
    }

    /// The entry of this connection, and all the others.
    fn join(
        &self,
        cluster: &Value<String>,
        client: &CachedClient,
    ) -> (Arc<Connection>, Vec<Arc<Connection>>) {
        let mut connections = self.connections();
        let is_this = |connection: &&Arc<Connection>| connection.cluster == *cluster;
        let known = connections.iter().find(is_this).cloned();
        let connection = known.unwrap_or_else(|| {
            let new = Arc::new(Connection {
                position: connections.len(),
                cluster: cluster.clone(),
                client: client.clone(),
                nodes: OnceCell::new(),
                tokens: Mutex::default(),
            });
            connections.push(Arc::clone(&new));
            new
        });
        let others = connections.iter().filter(|other| other.cluster != *cluster);
        let others = others.cloned().collect();
        (connection, others)
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    async fn is_same_cluster(&self, other: &Self) -> bool {
        let (own, others) = tokio::join!(self.nodes(), other.nodes());
        !own.is_disjoint(others)
    }

    fn share_write_lock(&self, other: &Self) {
        let (first, second) = match self.position < other.position {
            true => (self, other),
            false => (other, self),
        };
        let write_lock = first.client.write_lock();
        if !second.client.write_lock().is(&write_lock) {
            second.client.share_write_lock(write_lock);
        }
    }

    /// The fingerprints of its nodes; none where they could not be requested.
    async fn nodes(&self) -> &BTreeSet<Fingerprint> {
        let probe = || async {
            let nodes = self.client.nodes(&call_within(Some(PROBE_TIMEOUT))).await;
            let nodes = nodes.unwrap_or_default().into_iter();
            nodes.filter_map(|node| node.fingerprint).collect()
        };
        self.nodes.get_or_init(probe).await
    }

    fn has_written(&self, token: &TokenId) -> bool {
        self.tokens().contains(token)
    }

    fn record(&self, token: &TokenId) {
        self.tokens().insert(token.clone());
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeSet<TokenId>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> String {
        match &self.cluster {
            Value::Value(name) => format!("`clusters[{name:?}]`"),
            Value::Null | Value::Unknown => "the provider's own connection".to_owned(),
        }
    }
}

fn managed_twice(
    token: &TokenId,
    connection: &Connection,
    duplicates: &[Arc<Connection>],
) -> Problem {
    let others: Vec<String> = duplicates.iter().map(|other| other.name()).collect();
    Problem::new(
        "API token managed through two `clusters` entries",
        format!(
            "{token} is managed through {} and through {}, which lead to the same cluster: their \
             nodes have the same certificates. Keep one of the resources, and remove the other \
             from the state with `terraform state rm`, which changes nothing on the server.",
            connection.name(),
            others.join(" and ")
        ),
        AttributePath::new("cluster"),
    )
}
