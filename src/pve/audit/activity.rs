//! The recent tasks of a token, as the nodes keep them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::pve::api::nodes::Node;
use crate::pve::api::tasks::{NodeTasks, Task};
use crate::pve::auth::credentials::Credentials;
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::id::TokenId;
use crate::pve::timestamp::Timestamp;

/// The privilege to see the tasks of others.
const AUDIT: &str = "Sys.Audit";

/// The tasks of a token, and where the list may be incomplete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// The tasks, the latest first.
    pub tasks: Vec<Task>,
    /// The nodes that show the caller only its own tasks, because it lacks `Sys.Audit` there.
    pub filtered: BTreeSet<String>,
    /// The nodes that could not be reached.
    pub unreachable: BTreeSet<String>,
    /// Whether a node has older tasks of the owner, which were not requested.
    pub truncated: bool,
}

impl Activity {
    /// Whether every node returned all tasks that it keeps.
    pub fn is_complete(&self) -> bool {
        self.filtered.is_empty() && self.unreachable.is_empty() && !self.truncated
    }
}

/// The response of one node.
enum FromNode {
    Tasks { tasks: NodeTasks, filtered: bool },
    Unreachable,
}

impl Client {
    /// The tasks that a token started at or after `since`: from the list of each node, and for
    /// nodes that cannot be reached, from the recent tasks of the cluster.
    ///
    /// # Errors
    /// Any [`Error`] of a read. A node that cannot be reached is not an error.
    pub async fn token_activity(
        &self,
        token: &TokenId,
        since: Option<Timestamp>,
        context: &Context,
    ) -> Result<Activity, Error> {
        let (nodes, recent) = tokio::try_join!(self.nodes(context), self.cluster_tasks(context))?;
        let by_node = nodes
            .iter()
            .map(|node| self.tasks_on(node, token, since, context));
        let by_node = join_all(by_node).await;
        let mut activity = Activity {
            tasks: of_token(recent, token, since),
            filtered: BTreeSet::new(),
            unreachable: BTreeSet::new(),
            truncated: false,
        };
        for (node, from_node) in nodes.into_iter().zip(by_node) {
            activity.add(node.name, from_node?);
        }
        activity.sort_and_deduplicate();
        Ok(activity)
    }

    async fn tasks_on(
        &self,
        node: &Node,
        token: &TokenId,
        since: Option<Timestamp>,
        context: &Context,
    ) -> Result<FromNode, Error> {
        if !node.online {
            return Ok(FromNode::Unreachable);
        }
        let place = format!("/nodes/{}", node.name);
        let (tasks, held) = tokio::join!(
            self.node_tasks(&node.name, token, since, context),
            self.permissions(&place, context)
        );
        match tasks {
            Ok(tasks) => Ok(FromNode::Tasks {
                tasks,
                filtered: !held?.contains(AUDIT) && !self.sees_as_its_own(token),
            }),
            Err(Error {
                kind: ErrorKind::ProxyHop { .. },
                ..
            }) => Ok(FromNode::Unreachable),
            Err(error) => Err(error),
        }
    }

    /// Whether the server shows the tasks of the token as those of the caller: to the token itself,
    /// and to its user.
    fn sees_as_its_own(&self, token: &TokenId) -> bool {
        let credentials = &self.settings().credentials;
        match credentials {
            Credentials::Token(own) => own.id == *token,
            _ => credentials.is_login_of(&token.user),
        }
    }
}

impl Activity {
    fn add(&mut self, node: String, from_node: FromNode) {
        match from_node {
            FromNode::Tasks { tasks, filtered } => {
                self.tasks.extend(tasks.tasks);
                self.truncated |= tasks.truncated;
                if filtered {
                    self.filtered.insert(node);
                }
            }
            FromNode::Unreachable => {
                self.unreachable.insert(node);
            }
        }
    }

    /// Sorts the tasks, the latest first. Of a task that both the cluster and a node list, keeps
    /// the one with an end.
    fn sort_and_deduplicate(&mut self) {
        let key = |task: &Task| {
            (
                Reverse(task.started_at),
                task.upid.clone(),
                task.ended_at.is_none(),
            )
        };
        self.tasks.sort_by_cached_key(key);
        self.tasks.dedup_by(|a, b| a.upid == b.upid);
    }
}

fn of_token(tasks: Vec<Task>, token: &TokenId, since: Option<Timestamp>) -> Vec<Task> {
    let id = token.to_string();
    let tasks = tasks
        .into_iter()
        .filter(|task| task.asked_by == id && since.is_none_or(|since| task.started_at >= since));
    tasks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(upid: &str, started_at: i64, ended_at: Option<i64>) -> Task {
        Task {
            upid: upid.to_owned(),
            node: "pve1".to_owned(),
            kind: "qmstart".to_owned(),
            object: None,
            asked_by: "demo@pve!ci".to_owned(),
            started_at: Timestamp::from_unix(started_at),
            ended_at: ended_at.map(Timestamp::from_unix),
            status: None,
        }
    }

    #[test]
    fn a_task_that_is_told_twice_counts_once_with_its_end() {
        let mut activity = Activity {
            tasks: vec![
                task("a", 5, None),
                task("b", 9, None),
                task("a", 5, Some(6)),
            ],
            filtered: BTreeSet::new(),
            unreachable: BTreeSet::new(),
            truncated: false,
        };
        activity.sort_and_deduplicate();
        assert_eq!(activity.tasks, [task("b", 9, None), task("a", 5, Some(6))]);
    }

    #[test]
    fn tasks_of_others_and_older_ones_are_left_out() {
        let token = "demo@pve!ci".parse().unwrap();
        let other = Task {
            asked_by: "demo@pve!other".to_owned(),
            ..task("c", 9, None)
        };
        let kept = of_token(
            vec![task("a", 5, None), task("b", 9, None), other],
            &token,
            Some(Timestamp::from_unix(6)),
        );
        assert_eq!(kept, [task("b", 9, None)]);
    }
}
