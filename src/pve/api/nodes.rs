//! The nodes of a cluster, and whether it is whole.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::foreign_text;
use crate::pve::lenient;
use crate::pve::net::request::Request;
use crate::pve::tls::certificate::Fingerprint;

/// A node as every authenticated caller may see it (recording `178-use-nodes-unprivileged`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// The node's name.
    #[serde(rename = "node", deserialize_with = "foreign_text::shown_text")]
    pub name: String,
    /// Whether the answering node does not see it offline. A node whose statistics daemon has told
    /// nothing for minutes is `unknown`, and online (recording `557-nodes-status-unknown`).
    #[serde(rename = "status", default, deserialize_with = "online")]
    pub online: bool,
    /// The fingerprint of the node's API certificate.
    #[serde(rename = "ssl_fingerprint", default, deserialize_with = "fingerprint")]
    pub fingerprint: Option<Fingerprint>,
}

fn online<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str() != Some("offline"))
}

fn fingerprint<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Fingerprint>, D::Error> {
    Ok(Value::deserialize(deserializer)?
        .as_str()
        .and_then(|text| text.parse().ok()))
}

/// Whether the node that responded belongs to the majority of its cluster. An isolated node answers
/// from the past, so that something is gone is believed only of a node that has quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quorum {
    /// The cluster says so, or there is no cluster.
    Present,
    /// The cluster says that it is not.
    Lost,
    /// The cluster's word cannot be read, and most nodes are online.
    Likely,
    /// The cluster's word cannot be read, and half of the nodes or more are offline. Counting
    /// decides nothing then: a cluster of two with one node off may have quorum (recording
    /// `563-two-node-cluster-one-down`).
    Doubtful,
}

impl Quorum {
    /// Judges by the cluster's own word, and by the nodes where that cannot be read (an empty
    /// status).
    pub(crate) fn judge(nodes: &[Node], status: &ClusterStatus) -> Self {
        let offline = nodes.iter().filter(|node| !node.online).count();
        match status.quorate {
            Some(true) => Self::Present,
            Some(false) => Self::Lost,
            None if !status.nodes.is_empty() || nodes.len() == 1 => Self::Present,
            None if offline * 2 < nodes.len() => Self::Likely,
            None => Self::Doubtful,
        }
    }

    /// Whether what the node does not have can be taken as gone.
    pub fn is_believed(self) -> bool {
        matches!(self, Self::Present | Self::Likely)
    }
}

/// A node as `GET /cluster/status` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNode {
    /// The node's name.
    pub name: String,
    /// Whether it is online.
    pub online: bool,
    /// Whether it is the node that responded.
    pub local: bool,
    /// Its address within the cluster.
    pub address: Option<String>,
}

/// The status of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterStatus {
    /// The cluster's name; `None` for a host that is in none
    /// (recording `181-use-cluster-status-auditor`).
    pub name: Option<String>,
    /// Whether a majority is together; `None` for a host that is in no cluster.
    pub quorate: Option<bool>,
    /// The nodes, by name.
    pub nodes: Vec<ClusterNode>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "foreign_text::shown_text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::optional_flag")]
    quorate: Option<bool>,
    #[serde(default, deserialize_with = "lenient::flag")]
    online: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    local: bool,
    #[serde(default, deserialize_with = "lenient::text")]
    ip: Option<String>,
}

impl From<Vec<Entry>> for ClusterStatus {
    fn from(entries: Vec<Entry>) -> Self {
        let mut status = Self::default();
        for entry in entries {
            match entry.kind.as_str() {
                "cluster" => {
                    status.name = Some(entry.name);
                    status.quorate = entry.quorate;
                }
                "node" => status.nodes.push(ClusterNode {
                    name: entry.name,
                    online: entry.online,
                    local: entry.local,
                    address: entry.ip.as_deref().map(foreign_text::shown),
                }),
                _ => {}
            }
        }
        status.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        status
    }
}

impl Client {
    /// The nodes, by name. Every authenticated caller may read them.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn nodes(&self, context: &Context) -> Result<Vec<Node>, Error> {
        let mut nodes: Vec<Node> = self
            .send(Request::get(&["nodes"]), context)
            .await?
            .decode()?;
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(nodes)
    }

    /// Whether the node that responds has quorum. A node alone always has. Of several, the
    /// cluster's own word counts, where it can be read.
    ///
    /// # Errors
    /// Any [`Error`] of reading the nodes.
    pub async fn quorum(&self, context: &Context) -> Result<Quorum, Error> {
        let nodes = self.nodes(context).await?;
        let status = match nodes.len() {
            1 => ClusterStatus::default(),
            _ => self.cluster_status(context).await.unwrap_or_default(),
        };
        Ok(Quorum::judge(&nodes, &status))
    }

    /// The cluster's name, quorum and nodes. Needs `Sys.Audit` on `/`.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`](crate::pve::error::ErrorKind::Forbidden) without that privilege, and any other error of a read.
    pub async fn cluster_status(&self, context: &Context) -> Result<ClusterStatus, Error> {
        let entries: Vec<Entry> = self
            .send(Request::get(&["cluster", "status"]), context)
            .await?
            .decode()?;
        Ok(entries.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ClusterStatus, Entry, Node, Quorum};

    fn node(name: &str, status: &str) -> Node {
        serde_json::from_value(json!({ "node": name, "status": status, "ssl_fingerprint": "?" }))
            .unwrap()
    }

    fn counted(statuses: &[&str]) -> Quorum {
        let nodes: Vec<Node> = statuses.iter().map(|status| node("a", status)).collect();
        Quorum::judge(&nodes, &ClusterStatus::default())
    }

    #[test]
    fn only_a_node_that_is_offline_is_offline() {
        assert!(node("a", "online").online && node("a", "unknown").online);
        assert!(!node("a", "offline").online);
    }

    #[test]
    fn one_node_alone_is_always_a_majority() {
        for status in ["online", "unknown", "offline"] {
            assert_eq!(counted(&[status]), Quorum::Present);
        }
    }

    #[test]
    fn counting_nodes_confirms_quorum_and_never_denies_it() {
        assert_eq!(counted(&["online", "unknown", "offline"]), Quorum::Likely);
        assert_eq!(counted(&["online", "offline"]), Quorum::Doubtful);
        assert_eq!(
            counted(&["unknown", "offline", "offline"]),
            Quorum::Doubtful
        );
        assert!(!counted(&[]).is_believed());
    }

    #[test]
    fn the_word_of_the_cluster_counts_whatever_the_nodes_look_like() {
        let nodes = [node("a", "online"), node("b", "offline")];
        for (quorate, quorum) in [(true, Quorum::Present), (false, Quorum::Lost)] {
            let status = ClusterStatus {
                quorate: Some(quorate),
                ..ClusterStatus::default()
            };
            assert_eq!(Quorum::judge(&nodes, &status), quorum);
        }
    }

    #[test]
    fn a_host_without_a_cluster_has_neither_name_nor_quorum() {
        let entries: Vec<Entry> = serde_json::from_value(json!([
            {"type":"node","nodeid":0,"level":"","local":1,"id":"node/pve1","ip":"192.0.2.2","online":1,"name":"pve1"}
        ]))
        .unwrap();
        let status = ClusterStatus::from(entries);
        assert_eq!((status.name, status.quorate), (None, None));
        assert!(status.nodes[0].local && status.nodes[0].online);
        assert_eq!(status.nodes[0].address.as_deref(), Some("192.0.2.2"));
    }

    #[test]
    fn a_cluster_tells_its_name_and_quorum() {
        let entries: Vec<Entry> = serde_json::from_value(json!([
            {"type":"node","name":"b","online":0},
            {"type":"cluster","name":"lab","quorate":"0","nodes":2,"version":3},
            {"type":"node","name":"a","online":1,"local":1}
        ]))
        .unwrap();
        let status = ClusterStatus::from(entries);
        assert_eq!(
            (status.name.as_deref(), status.quorate),
            (Some("lab"), Some(false))
        );
        assert_eq!(
            status
                .nodes
                .iter()
                .map(|node| node.name.as_str())
                .collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
