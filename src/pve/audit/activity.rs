//! What a token did, as far as nodes remember it.

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

/// The privilege that shows the objects of others.
const AUDIT: &str = "Sys.Audit";

/// The tasks that a token ran, and where more of them may be hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// The tasks, the latest first.
    pub tasks: Vec<Task>,
    /// The nodes that show the caller its own tasks only, for want of `Sys.Audit` there.
    pub filtered: BTreeSet<String>,
    /// The nodes that could not be asked.
    pub unreachable: BTreeSet<String>,
    /// Whether a node has older tasks of the owner, which were not asked for.
    pub truncated: bool,
}

impl Activity {
    /// Whether every node has told all that it remembers.
    pub fn is_complete(&self) -> bool {
        self.filtered.is_empty() && self.unreachable.is_empty() && !self.truncated
    }
}

/// What one node told.
enum Told {
    Tasks { told: NodeTasks, filtered: bool },
    Unreachable,
}

impl Client {
    /// The tasks that a token began at or after `since`: from the list of each node, and from the
    /// recent ones that the cluster knows of nodes that cannot be asked.
    ///
    /// # Errors
    /// Any [`Error`] of a read. A node that cannot be reached is none.
    pub async fn token_activity(
        &self,
        token: &TokenId,
        since: Option<Timestamp>,
        context: &Context,
    ) -> Result<Activity, Error> {
        let (nodes, recent) = tokio::try_join!(self.nodes(context), self.cluster_tasks(context))?;
        let told = nodes
            .iter()
            .map(|node| self.told_by(node, token, since, context));
        let told = join_all(told).await;
        let mut activity = Activity {
            tasks: of_token(recent, token, since),
            filtered: BTreeSet::new(),
            unreachable: BTreeSet::new(),
            truncated: false,
        };
        for (node, told) in nodes.into_iter().zip(told) {
            activity.add(node.name, told?);
        }
        activity.settle();
        Ok(activity)
    }

    async fn told_by(
        &self,
        node: &Node,
        token: &TokenId,
        since: Option<Timestamp>,
        context: &Context,
    ) -> Result<Told, Error> {
        if !node.online {
            return Ok(Told::Unreachable);
        }
        let place = format!("/nodes/{}", node.name);
        let (told, held) = tokio::join!(
            self.node_tasks(&node.name, token, since, context),
            self.permissions(&place, context)
        );
        match told {
            Ok(told) => Ok(Told::Tasks {
                told,
                filtered: !held?.contains(AUDIT) && !self.sees_as_its_own(token),
            }),
            Err(Error {
                kind: ErrorKind::ProxyHop { .. },
                ..
            }) => Ok(Told::Unreachable),
            Err(error) => Err(error),
        }
    }

    /// A token sees the tasks of its own, a user those of all its tokens.
    fn sees_as_its_own(&self, token: &TokenId) -> bool {
        let credentials = &self.settings().credentials;
        match credentials {
            Credentials::Token(own) => own.id == *token,
            _ => credentials.is_login_of(&token.user),
        }
    }
}

impl Activity {
    fn add(&mut self, node: String, told: Told) {
        match told {
            Told::Tasks { told, filtered } => {
                self.tasks.extend(told.tasks);
                self.truncated |= told.truncated;
                if filtered {
                    self.filtered.insert(node);
                }
            }
            Told::Unreachable => {
                self.unreachable.insert(node);
            }
        }
    }

    /// Sorts, and drops what the cluster and a node have both told: of the two the one that
    /// knows the end.
    fn settle(&mut self) {
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
        activity.settle();
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
