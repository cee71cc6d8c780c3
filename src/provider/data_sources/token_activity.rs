//! The data source `proxmox_token_activity`: the tasks of a token.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, DataSource, Diagnostics};

use crate::framework::{Problem, Report, schema};
use crate::provider::attributes::timestamp;
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::data_sources::token_id::parse_token_id;
use crate::provider::diagnostics::{problem, reported};
use crate::pve::{Activity, Task, Timestamp};

/// The limits of the result, which accompany it wherever it is used.
const NOTE: &str = "Proxmox VE records only tasks. It does not record reads, or changes that take \
                    effect immediately, such as those of users, tokens and permissions. A token \
                    without tasks may still be in use.";

/// The default of `limit`.
const LIMIT: i64 = 50;

/// The tasks of a token.
pub struct TokenActivityData {
    connections: Connections,
}

impl TokenActivityData {
    /// Creates the data source.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// A `proxmox_token_activity`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    cluster: Value<String>,
    token_id: Value<String>,
    since: Value<String>,
    limit: Value<i64>,
    tasks: Value<Vec<Ran>>,
    task_count: Value<i64>,
    last_task_seen_at: Value<String>,
    note: Value<String>,
    complete: Value<bool>,
    missing_privileges: Value<BTreeMap<String, Vec<String>>>,
    unreachable_nodes: Value<Vec<String>>,
}

/// A task.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ran {
    upid: Value<String>,
    node: Value<String>,
    #[serde(rename = "type")]
    kind: Value<String>,
    object: Value<String>,
    started_at: Value<String>,
    ended_at: Value<String>,
    status: Value<String>,
}

impl From<&Task> for Ran {
    fn from(task: &Task) -> Self {
        Self {
            upid: task.upid.clone().into(),
            node: task.node.clone().into(),
            kind: task.kind.clone().into(),
            object: task.object.clone().into(),
            started_at: timestamp::attribute(task.started_at),
            ended_at: timestamp::attribute(task.ended_at),
            status: task.status.clone().into(),
        }
    }
}

#[async_trait]
impl DataSource for TokenActivityData {
    type State<'a> = State;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        use AttributeType::{Bool, Number, String};
        use schema::{computed, optional, required};

        let task = [
            (
                "upid",
                computed(String, "Unique ID of the task, which identifies its log."),
            ),
            ("node", computed(String, "Node that ran the task.")),
            (
                "type",
                computed(String, "Type of the task, such as `qmstart` or `vzdump`."),
            ),
            (
                "object",
                computed(
                    String,
                    "Object of the task, such as the ID of a virtual machine. Null if it has none.",
                ),
            ),
            (
                "started_at",
                computed(String, "Start time of the task (RFC 3339, UTC)."),
            ),
            (
                "ended_at",
                computed(String, "End time of the task. Null while it runs."),
            ),
            (
                "status",
                computed(
                    String,
                    "`OK`, or the error that the task failed with. Null while it runs.",
                ),
            ),
        ];
        Some(schema::schema(
            "Reads the tasks that an API token ran, such as starts of virtual machines and backups, \
             as far back as the nodes record them.\n\n\
             **Tasks are not the whole activity of a token.** Proxmox VE records only tasks, and \
             neither reads nor changes that take effect immediately. A token without tasks may \
             still be in use: do not revoke it for this reason alone.\n\n\
             Requires `Sys.Audit` on `/nodes`, with propagation. Also finds the tasks of a token \
             that no longer exists.",
            [
                cluster_attribute(
                    "Key in `clusters` of the provider block to read from. Defaults to the provider's own connection.",
                ),
                (
                    "token_id",
                    required(String, "Full ID of the token: `user@realm!name`."),
                ),
                (
                    "since",
                    optional(
                        String,
                        "Earliest start time of the tasks to list: an RFC 3339 date and time with an \
                         offset, such as `2027-01-01T00:00:00Z`.",
                    ),
                ),
                (
                    "limit",
                    optional(Number, "Maximum number of tasks to list. Defaults to `50`."),
                ),
                (
                    "tasks",
                    computed(schema::nested_list(task), "Tasks, with the latest first."),
                ),
                (
                    "task_count",
                    computed(
                        Number,
                        "Number of tasks that were found, including those beyond `limit`.",
                    ),
                ),
                (
                    "last_task_seen_at",
                    computed(
                        String,
                        "Start time of the latest task. Null if none was found, which does not show \
                         that the token is unused.",
                    ),
                ),
                (
                    "note",
                    computed(
                        String,
                        "Limits of this result, for use wherever the result is shown.",
                    ),
                ),
                (
                    "complete",
                    computed(
                        Bool,
                        "Whether every node returned all of its recorded tasks. A node returns only \
                         the latest 5000 tasks of an owner: set `since` if there are more.",
                    ),
                ),
                (
                    "missing_privileges",
                    computed(
                        schema::map_of_string_sets(),
                        "Privileges that the provider's credential lacks to read all tasks, by path. \
                         Empty if it has all of them.",
                    ),
                ),
                (
                    "unreachable_nodes",
                    computed(
                        schema::list_of_strings(),
                        "Nodes that could not be reached. Only those of their tasks are listed that \
                         the cluster's list of recent tasks contains.",
                    ),
                ),
            ],
        ))
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        diags.problems(problems(&config));
        Some(())
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        reported(self.look_up(config).await, diags)
    }
}

impl TokenActivityData {
    async fn look_up(&self, config: State) -> Result<State, Problem> {
        let client = self
            .connections
            .reader("proxmox_token_activity", &config.cluster)?;
        let token = parse_token_id(&config.token_id)?;
        let since = since(&config.since)?;
        let activity = client.token_activity(&token, since, &context()).await;
        let activity = activity.map_err(|error| {
            problem("Unable to read token activity", &token.to_string(), &error)
        })?;
        Ok(config.with(&activity))
    }
}

fn problems(config: &State) -> Vec<Problem> {
    let mut problems = Vec::new();
    if config.token_id.is_value() {
        problems.extend(parse_token_id(&config.token_id).err());
    }
    if let Value::Value(limit) = config.limit
        && limit < 1
    {
        problems.push(Problem::new(
            "Invalid limit",
            "`limit` must be at least 1.",
            AttributePath::new("limit"),
        ));
    }
    problems.extend(since(&config.since).err());
    problems
}

/// The instant in `since`, where it is set.
fn since(since: &Value<String>) -> Result<Option<Timestamp>, Problem> {
    let instant = since.as_ref_option().map(|text| timestamp::parse(text));
    instant.transpose().map_err(|reason| {
        Problem::new(
            "Invalid timestamp",
            format!("`since` is invalid: {reason}."),
            AttributePath::new("since"),
        )
    })
}

impl State {
    fn with(self, activity: &Activity) -> Self {
        let limit = self.limit.as_ref_option().copied().unwrap_or(LIMIT);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let missing = activity.filtered.iter().map(|node| {
            let needed = vec!["Sys.Audit".to_owned()];
            (format!("/nodes/{node}"), needed)
        });
        let latest = activity.tasks.first().map(|task| task.started_at);
        Self {
            tasks: Value::Value(activity.tasks.iter().take(limit).map(Ran::from).collect()),
            task_count: i64::try_from(activity.tasks.len())
                .unwrap_or(i64::MAX)
                .into(),
            last_task_seen_at: timestamp::attribute(latest),
            note: NOTE.to_owned().into(),
            complete: activity.is_complete().into(),
            missing_privileges: Value::Value(missing.collect()),
            unreachable_nodes: Value::Value(activity.unreachable.iter().cloned().collect()),
            ..self
        }
    }
}
