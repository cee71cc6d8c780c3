//! Tasks: the only trace of a token's use that the API gives.
//!
//! A node records what runs in the background (start a machine, back it up, …) with the user or
//! token that started it. Changes that take effect at once, and reads, leave no task behind.

use serde::Deserialize;

use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::id::TokenId;
use crate::pve::lenient;
use crate::pve::net::request::Request;
use crate::pve::timestamp::Timestamp;

/// The maximum number of tasks that are requested from one node.
const MOST: usize = 5000;

/// A task, as the lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "RawTask")]
pub struct Task {
    /// Its unique id, `UPID:…`.
    pub upid: String,
    /// The node it ran on.
    pub node: String,
    /// The kind of work, such as `qmstart` or `vzdump`.
    pub kind: String,
    /// The object of the work, such as the number of a machine.
    pub object: Option<String>,
    /// The user or token that started it: `user@realm`, or `user@realm!name`.
    pub asked_by: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended. `None`: it is running, or its end is unknown.
    pub ended_at: Option<Timestamp>,
    /// The result: `OK` or an error.
    pub status: Option<String>,
}

#[derive(Deserialize)]
struct RawTask {
    upid: String,
    node: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "lenient::text")]
    id: Option<String>,
    user: String,
    #[serde(default, deserialize_with = "lenient::text")]
    tokenid: Option<String>,
    #[serde(deserialize_with = "lenient::integer")]
    starttime: i64,
    #[serde(default, deserialize_with = "lenient::integer")]
    endtime: i64,
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
}

impl From<RawTask> for Task {
    fn from(raw: RawTask) -> Self {
        Self {
            upid: raw.upid,
            node: raw.node,
            kind: raw.kind,
            object: raw.id,
            // The list of running tasks has user and token in one.
            asked_by: match raw.tokenid {
                Some(token) => format!("{}!{token}", raw.user),
                None => raw.user,
            },
            started_at: Timestamp::from_unix(raw.starttime),
            ended_at: (raw.endtime != 0).then_some(Timestamp::from_unix(raw.endtime)),
            status: raw.status,
        }
    }
}

/// The tasks of one token on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTasks {
    /// The tasks, in the server's order: the latest first.
    pub tasks: Vec<Task>,
    /// Whether there may be older ones, which were not requested.
    pub truncated: bool,
}

impl Client {
    /// The recent tasks of all nodes: a few dozen a node. Without `Sys.Audit` on `/` the server
    /// leaves out those of others, and all of them when a token asks, and does not say so.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn cluster_tasks(&self, context: &Context) -> Result<Vec<Task>, Error> {
        self.send(Request::get(&["cluster", "tasks"]).list(), context)
            .await?
            .decode()
    }

    /// What a token ran on a node, as far back as the node remembers. Without `Sys.Audit` on
    /// `/nodes/<node>` the server leaves out all tasks but the caller's own, and does not say so.
    ///
    /// # Errors
    /// [`ErrorKind::ProxyHop`](crate::pve::error::ErrorKind::ProxyHop) when the node cannot be reached by the one that was asked, and any
    /// other error of a read.
    pub async fn node_tasks(
        &self,
        node: &str,
        token: &TokenId,
        since: Option<Timestamp>,
        context: &Context,
    ) -> Result<NodeTasks, Error> {
        // The filter knows users only, and finds its text within longer names, too.
        let (user, limit) = (token.user.to_string(), MOST.to_string());
        let since = since.map(|since| since.unix().to_string());
        let mut query = vec![
            ("source", "all"),
            ("userfilter", user.as_str()),
            ("limit", limit.as_str()),
        ];
        query.extend(since.as_deref().map(|since| ("since", since)));
        let asked = Request::get(&["nodes", node, "tasks"]).query(&query).list();
        let mut tasks: Vec<Task> = self.send(asked, context).await?.decode()?;
        let truncated = tasks.len() >= MOST;
        let token = token.to_string();
        tasks.retain(|task| task.asked_by == token);
        Ok(NodeTasks { tasks, truncated })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Task;
    use crate::pve::timestamp::Timestamp;

    fn task(who: Value) -> Task {
        let mut task = json!({
            "upid": "UPID:pve1:0000ABCD:00001234:65F0A1B2:qmstart:100:demo@pve!ci:",
            "node": "pve1", "pid": 43981, "pstart": 4660, "type": "qmstart", "id": "100",
            "starttime": 1_710_268_850
        });
        task.as_object_mut()
            .unwrap()
            .extend(who.as_object().unwrap().clone());
        serde_json::from_value(task).unwrap()
    }

    #[test]
    fn a_token_is_named_in_full_however_the_list_names_it() {
        let finished = task(
            json!({ "user": "demo@pve", "tokenid": "ci", "endtime": 1_710_268_851,
            "status": "OK" }),
        );
        let running = task(json!({ "user": "demo@pve!ci", "status": "RUNNING" }));
        assert_eq!(finished.asked_by, "demo@pve!ci");
        assert_eq!(running.asked_by, "demo@pve!ci");
        assert_eq!(finished.ended_at, Some(Timestamp::from_unix(1_710_268_851)));
        assert_eq!(running.ended_at, None);
    }

    #[test]
    fn a_task_without_an_object_has_none() {
        let task: Task = serde_json::from_value(json!({
            "upid": "UPID:pve1:1:2:3:aptupdate::root@pam:", "node": "pve1", "type": "aptupdate",
            "id": "", "user": "root@pam", "starttime": "1710268850"
        }))
        .unwrap();
        let started = Timestamp::from_unix(1_710_268_850);
        assert_eq!((task.object, task.started_at), (None, started));
    }
}
