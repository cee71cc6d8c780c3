//! Whether a cluster is whole, from what could be read of it.

use crate::pve::api::nodes::{ClusterNode, ClusterStatus, Node, Quorum};
use crate::pve::diagnosis::cause::Cause;

/// The nodes of the cluster: its own list if the credential may read it, else the public list.
pub(crate) fn members(nodes: &[Node], status: &ClusterStatus) -> Vec<ClusterNode> {
    if !status.nodes.is_empty() {
        return status.nodes.clone();
    }
    let known = nodes.iter().map(|node| ClusterNode {
        name: node.name.clone(),
        online: node.online,
        local: nodes.len() == 1,
        address: None,
    });
    known.collect()
}

/// Why the cluster is not whole, if it is not.
pub(crate) fn judge(nodes: &[Node], status: &ClusterStatus) -> Option<Cause> {
    let quorum = Quorum::judge(nodes, status);
    if quorum == Quorum::Lost {
        return Some(Cause::NoQuorum);
    }
    if nodes.len() == 1 && status.nodes.is_empty() {
        return None;
    }
    let offline: Vec<String> = members(nodes, status)
        .into_iter()
        .filter(|node| !node.online)
        .map(|node| node.name)
        .collect();
    (!offline.is_empty()).then_some(Cause::NodesOffline {
        nodes: offline,
        quorum,
    })
}

#[cfg(test)]
mod tests {
    use super::{Cause, judge, members};
    use crate::pve::api::nodes::{ClusterNode, ClusterStatus, Node, Quorum};
    use crate::pve::diagnosis::Status;

    fn nodes(online: &[bool]) -> Vec<Node> {
        let node = |(index, online): (usize, &bool)| Node {
            name: format!("pve{}", index + 1),
            online: *online,
            fingerprint: None,
        };
        online.iter().enumerate().map(node).collect()
    }

    fn cluster(quorate: bool, online: &[bool]) -> ClusterStatus {
        ClusterStatus {
            name: Some("lab".to_owned()),
            quorate: Some(quorate),
            nodes: members(&nodes(online), &ClusterStatus::default()),
        }
    }

    fn status(nodes: &[Node], status: &ClusterStatus) -> Option<Status> {
        judge(nodes, status).map(|cause| cause.status())
    }

    #[test]
    fn the_cluster_s_own_word_on_quorum_counts() {
        let nothing_known = nodes(&[false, false, false]);
        assert_eq!(
            status(&nothing_known, &cluster(true, &[true, true, true])),
            None
        );
        let lost = cluster(false, &[true, true, true]);
        assert_eq!(
            status(&nodes(&[true, true, true]), &lost),
            Some(Status::NoQuorum)
        );
    }

    #[test]
    fn without_that_word_nodes_that_are_offline_are_no_failure() {
        let unknown = ClusterStatus::default();
        assert_eq!(status(&nodes(&[true]), &unknown), None);
        assert_eq!(
            status(&nodes(&[true, false, false]), &unknown),
            Some(Status::ClusterDegraded)
        );
        assert_eq!(
            status(&nodes(&[true, true, false]), &unknown),
            Some(Status::ClusterDegraded)
        );
    }

    #[test]
    fn a_host_without_a_cluster_is_whole_as_soon_as_it_answers() {
        let alone = ClusterStatus {
            nodes: vec![ClusterNode {
                name: "pve1".to_owned(),
                online: true,
                local: true,
                address: None,
            }],
            ..ClusterStatus::default()
        };
        assert_eq!(status(&nodes(&[false]), &alone), None);
    }

    #[test]
    fn a_node_that_is_offline_is_named() {
        let cause = judge(
            &nodes(&[true, true, true]),
            &cluster(true, &[true, false, true]),
        );
        let nodes = vec!["pve2".to_owned()];
        let quorum = Quorum::Present;
        assert_eq!(cause, Some(Cause::NodesOffline { nodes, quorum }));
    }
}
