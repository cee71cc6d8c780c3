//! One cluster under two names.
//!
//! Nothing keeps two keys of `clusters` from leading to the same cluster by different nodes. Its
//! writes must take turns all the same, and one token must not be managed twice. The nodes tell by
//! their certificates' fingerprints. They are asked once somebody is about to write through a
//! second connection, so that a run with one connection pays nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};
use tokio::sync::OnceCell;

use crate::framework::Report;
use crate::provider::clients::call_within;
use crate::pve::{Client, Fingerprint, TokenId};

/// A cluster that does not answer within so many seconds is nobody's twin: it holds up no others.
const PATIENCE: i64 = 5;

/// Everybody who has written in this run. Clones share it.
#[derive(Clone, Default)]
pub struct Twins(Arc<Mutex<Vec<Arc<Writer>>>>);

struct Writer {
    /// Its place among all: the lane of the first serves both of two twins.
    place: usize,
    cluster: Value<String>,
    client: Client,
    nodes: OnceCell<BTreeSet<Fingerprint>>,
    tokens: Mutex<BTreeSet<TokenId>>,
}

impl Twins {
    /// Lets the writes of a connection wait for those of its twin. Reports a token that is written
    /// under both of their names; `None` then.
    pub async fn before_write(
        &self,
        cluster: &Value<String>,
        client: &Client,
        token: &TokenId,
        diags: &mut Diagnostics,
    ) -> Option<()> {
        let (writer, others) = self.join(cluster, client);
        // Noted before anybody is looked at: of two that come at once, one sees the other.
        writer.note(token);
        let mut unique = Some(());
        for other in others {
            if !writer.is_twin_of(&other).await {
                continue;
            }
            writer.share_write_lock_with(&other);
            if other.has_written(token) {
                written_twice(token, &writer.cluster, &other.cluster, diags);
                unique = None;
            }
        }
        unique
    }

    /// A token that was revoked may be made anew under the cluster's other name.
    pub fn forget(&self, cluster: &Value<String>, token: &TokenId) {
        let writers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = writers.iter().find(|writer| writer.cluster == *cluster);
        if let Some(writer) = known {
            writer.tokens().remove(token);
        }
    }

    /// The writer for this connection, and all the others.
    fn join(&self, cluster: &Value<String>, client: &Client) -> (Arc<Writer>, Vec<Arc<Writer>>) {
        let mut writers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = |writer: &&Arc<Writer>| writer.cluster == *cluster;
        let known = writers.iter().find(is_this).cloned();
        let writer = known.unwrap_or_else(|| {
            let new = Arc::new(Writer {
                place: writers.len(),
                cluster: cluster.clone(),
                client: client.clone(),
                nodes: OnceCell::new(),
                tokens: Mutex::default(),
            });
            writers.push(Arc::clone(&new));
            new
        });
        let others = writers.iter().filter(|other| other.cluster != *cluster);
        let others = others.cloned().collect();
        (writer, others)
    }
}

impl Writer {
    async fn is_twin_of(&self, other: &Self) -> bool {
        let (ours, theirs) = tokio::join!(self.nodes(), other.nodes());
        !ours.is_disjoint(theirs)
    }

    fn share_write_lock_with(&self, other: &Self) {
        let (first, second) = match self.place < other.place {
            true => (self, other),
            false => (other, self),
        };
        let write_lock = first.client.write_lock();
        if !second.client.write_lock().is(&write_lock) {
            second.client.share_write_lock(write_lock);
        }
    }

    /// The fingerprints of its nodes; none where they could not be asked.
    async fn nodes(&self) -> &BTreeSet<Fingerprint> {
        let ask = || async {
            let nodes = self.client.nodes(&call_within(Some(PATIENCE))).await;
            let nodes = nodes.unwrap_or_default().into_iter();
            nodes.filter_map(|node| node.fingerprint).collect()
        };
        self.nodes.get_or_init(ask).await
    }

    fn has_written(&self, token: &TokenId) -> bool {
        self.tokens().contains(token)
    }

    fn note(&self, token: &TokenId) {
        self.tokens().insert(token.clone());
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeSet<TokenId>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn written_twice(
    token: &TokenId,
    one: &Value<String>,
    other: &Value<String>,
    diags: &mut Diagnostics,
) {
    let name = |cluster: &Value<String>| match cluster {
        Value::Value(name) => format!("`clusters[{name:?}]`"),
        Value::Null | Value::Unknown => "the provider's own connection".to_owned(),
    };
    diags.fail(
        "API token under two names of one cluster",
        format!(
            "{token} is managed under {} and under {}, which are one cluster: their nodes have the \
             same certificates. Keep one of the two resources, and remove the other from the state \
             with `terraform state rm`, which changes nothing on the server.",
            name(one),
            name(other)
        ),
        AttributePath::new("cluster"),
    );
}
