//! The data source `proxmox_token_activity`: the tasks that a token ran.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, DataSource, Diagnostics};

use crate::framework::{Report, schema};
use crate::provider::attributes::timestamp;
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::data_sources::token_id::malformed_token_id;
use crate::provider::diagnostics::explain;
use crate::pve::{Activity, Task, TokenId};

/// What cannot be seen, in a sentence that goes wherever the answer goes.
const NOTE: &str = "Proxmox VE records tasks only. Reading leaves no trace, and neither do changes \
                    that are made at once, such as those of users, tokens and permissions. That a \
                    token ran no task does not show that it is unused.";

/// How many tasks are listed unless told.
const LIMIT: i64 = 50;

/// The tasks of one token.
pub struct TokenActivityData {
    connections: Connections,
}

impl TokenActivityData {
    /// A data source that asks over the provider's connections.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// One `proxmox_token_activity`.
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

/// One task.
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
            started_at: timestamp::attribute(Some(task.started_at)),
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
                computed(
                    String,
                    "Unique id of the task, under which its log is found.",
                ),
            ),
            ("node", computed(String, "The node it ran on.")),
            (
                "type",
                computed(String, "What it did, such as `qmstart` or `vzdump`."),
            ),
            (
                "object",
                computed(
                    String,
                    "What it was done to, such as the number of a machine; null where there is \
                     nothing to name.",
                ),
            ),
            (
                "started_at",
                computed(String, "When it began, in UTC (RFC 3339)."),
            ),
            (
                "ended_at",
                computed(String, "When it ended; null while it runs."),
            ),
            (
                "status",
                computed(
                    String,
                    "`OK`, or the error with which it ended; null while it runs.",
                ),
            ),
        ];
        Some(schema::schema(
            "The tasks that an API token ran: starting machines, backups and whatever else runs in \
             the background, as far back as the nodes remember.\n\n\
             **This is not everything the token did.** Proxmox VE records tasks only: reading \
             leaves no trace, and neither do changes that are made at once. A token without tasks \
             may be in use all the time, so do not revoke it for this alone.\n\n\
             Needs `Sys.Audit` on `/nodes`, propagating. A token need not exist any more for its \
             tasks to be found.",
            [
                cluster_attribute(
                    "Key of the provider's `clusters` to ask; the provider's own connection \
                     unless set.",
                ),
                (
                    "token_id",
                    required(String, "The token, in full: `user@realm!name`."),
                ),
                (
                    "since",
                    optional(
                        String,
                        "Only tasks that began at or after this instant: an RFC 3339 date and \
                         time with an offset, such as `2027-01-01T00:00:00Z`.",
                    ),
                ),
                (
                    "limit",
                    optional(Number, "How many tasks to list at most. 50 unless set."),
                ),
                (
                    "tasks",
                    computed(schema::nested_list(task), "The tasks, the latest first."),
                ),
                (
                    "task_count",
                    computed(Number, "How many tasks were found, listed or not."),
                ),
                (
                    "last_task_seen_at",
                    computed(
                        String,
                        "When the latest task began; null when none was found, which does not \
                         show that the token is unused.",
                    ),
                ),
                (
                    "note",
                    computed(
                        String,
                        "What this answer cannot show, to be passed on with it.",
                    ),
                ),
                (
                    "complete",
                    computed(
                        Bool,
                        "Whether every node was reached and has told all the tasks it remembers. Of a \
                         very busy owner a node tells the latest 5000: set `since` then.",
                    ),
                ),
                (
                    "missing_privileges",
                    computed(
                        schema::map_of_string_sets(),
                        "What the provider's credential lacks to see all tasks, by path; empty \
                         when nothing.",
                    ),
                ),
                (
                    "unreachable_nodes",
                    computed(
                        schema::list_of_strings(),
                        "Nodes that could not be asked. Of their tasks only the recent ones that \
                         the cluster knows are listed.",
                    ),
                ),
            ],
        ))
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        if let Value::Value(id) = &config.token_id
            && let Err(error) = TokenId::parse(id, None)
        {
            malformed_token_id(&error, diags);
        }
        if let Value::Value(limit) = config.limit
            && limit < 1
        {
            diags.fail(
                "Invalid limit",
                "`limit` must be 1 or more.",
                AttributePath::new("limit"),
            );
        }
        since(&config.since, diags);
        Some(())
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        let client = self
            .connections
            .reader("proxmox_token_activity", &config.cluster, diags)?;
        let given = config.token_id.as_ref_option()?;
        let token = match TokenId::parse(given, None) {
            Ok(token) => token,
            Err(error) => {
                malformed_token_id(&error, diags);
                return None;
            }
        };
        let since = since(&config.since, diags)?;
        match client.token_activity(&token, since, &context()).await {
            Ok(activity) => Some(config.with(&activity)),
            Err(error) => {
                explain("Unable to read token activity", given, &error, diags);
                None
            }
        }
    }
}

/// The instant that is meant; `None` after an error.
fn since(given: &Value<String>, diags: &mut Diagnostics) -> Option<Option<i64>> {
    match given.as_ref_option().map(|text| timestamp::parse(text)) {
        None => Some(None),
        Some(Ok(since)) => Some(Some(since)),
        Some(Err(problem)) => {
            diags.fail(
                "Invalid instant",
                format!("`since` cannot be used: {problem}."),
                AttributePath::new("since"),
            );
            None
        }
    }
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
