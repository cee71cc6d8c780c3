//! The nodes of a cluster, and whether it is whole.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::lenient;
use crate::pve::net::request::Request;
use crate::pve::tls::certificate::Fingerprint;

/// A node as every authenticated caller may see it (recording `178-use-nodes-unprivileged`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// The node's name.
    #[serde(rename = "node")]
    pub name: String,
    /// Whether the answering node sees it online.
    #[serde(rename = "status", default, deserialize_with = "online")]
    pub online: bool,
    /// The fingerprint of the node's API certificate.
    #[serde(rename = "ssl_fingerprint", default, deserialize_with = "fingerprint")]
    pub fingerprint: Option<Fingerprint>,
}

fn online<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str() == Some("online"))
}

fn fingerprint<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Fingerprint>, D::Error> {
    Ok(Value::deserialize(deserializer)?
        .as_str()
        .and_then(|text| text.parse().ok()))
}

/// Whether more than half of the nodes are online. An isolated node answers from the past, so
/// that something is gone is believed only when the node that says so sees a majority.
pub fn majority_online(nodes: &[Node]) -> bool {
    nodes.iter().filter(|node| node.online).count() * 2 > nodes.len()
}

/// A node as `GET /cluster/status` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNode {
    /// The node's name.
    pub name: String,
    /// Whether it is online.
    pub online: bool,
    /// Whether it is the node that answered.
    pub local: bool,
    /// Its address within the cluster.
    pub address: Option<String>,
}

/// What the cluster knows of itself.
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
                    address: entry.ip,
                }),
                _ => {}
            }
        }
        status.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        status
    }
}

impl Client {
    /// The nodes, by name. Open to everyone who is authenticated.
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

    use super::{ClusterStatus, Entry, Node, majority_online};

    fn node(name: &str, online: bool) -> Node {
        let status = if online { "online" } else { "offline" };
        serde_json::from_value(json!({ "node": name, "status": status, "ssl_fingerprint": "?" }))
            .unwrap()
    }

    #[test]
    fn a_majority_is_more_than_half() {
        assert!(majority_online(&[node("a", true)]));
        assert!(majority_online(&[
            node("a", true),
            node("b", true),
            node("c", false)
        ]));
        assert!(!majority_online(&[node("a", true), node("b", false)]));
        assert!(!majority_online(&[]));
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
