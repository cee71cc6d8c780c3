//! The data source `proxmox_permissions`: the privileges of a user or token.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, DataSource, Diagnostics};

use crate::framework::{Problem, Report, schema};
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::diagnostics::{problem, reported};
use crate::pve::{TokenId, UserId, normalise_path};

/// The effective privileges of a user or token.
pub struct PermissionsData {
    connections: Connections,
}

impl PermissionsData {
    /// Creates the data source.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// A `proxmox_permissions`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    cluster: Value<String>,
    user_id: Value<String>,
    token_id: Value<String>,
    paths: Value<Vec<Value<String>>>,
    privileges: Value<BTreeMap<String, BTreeSet<String>>>,
}

impl State {
    /// The user or token to look up; `None` for the provider's own credential.
    fn subject(&self) -> Option<&str> {
        let subject = self
            .token_id
            .as_ref_option()
            .or(self.user_id.as_ref_option());
        subject.map(String::as_str)
    }
}

#[async_trait]
impl DataSource for PermissionsData {
    type State<'a> = State;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        use AttributeType::{Set, String};
        use schema::{computed, optional, required};

        Some(schema::schema(
            "Reads the effective privileges of a user or token at the given paths. Inheritance, \
             groups and, for a token with privilege separation, the limits of its owner are taken \
             into account. To read the privileges of any identity but the provider's own \
             credential or a token of its user, `Sys.Audit` on `/access` is required. For a user \
             or token that does not exist, Proxmox VE returns no privileges and no error.",
            [
                cluster_attribute(
                    "Key in `clusters` of the provider block to read from. Defaults to the provider's own connection.",
                ),
                (
                    "user_id",
                    optional(
                        String,
                        "ID of the user, with the realm. If neither `user_id` nor `token_id` is set, \
                         defaults to the provider's own credential.",
                    ),
                ),
                (
                    "token_id",
                    optional(String, "Full ID of the token: `user@realm!name`."),
                ),
                (
                    "paths",
                    required(
                        Set(Box::new(String)),
                        "Paths in the access control tree, such as `/vms/100` or `/storage/local`.",
                    ),
                ),
                (
                    "privileges",
                    computed(
                        schema::map_of_string_sets(),
                        "Effective privileges by path, with each path as in `paths`. Empty for a path \
                         without privileges.",
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

impl PermissionsData {
    async fn look_up(&self, config: State) -> Result<State, Problem> {
        let client = self
            .connections
            .reader("proxmox_permissions", &config.cluster)?;
        let context = context();
        let mut privileges = BTreeMap::new();
        for path in config.paths.iter().flatten().flatten() {
            let normalised = normalise_path(path);
            let permissions = match config.subject() {
                Some(subject) => client.permissions_of(subject, &normalised, &context).await,
                None => client.permissions(&normalised, &context).await,
            };
            let permissions = permissions.map_err(|error| {
                let subject = config.subject().unwrap_or("the provider's credential");
                let object = format!("permissions of {subject} at {path}");
                problem("Unable to read permissions", &object, &error)
            })?;
            let names = permissions.names().map(str::to_owned).collect();
            privileges.insert(path.clone(), names);
        }
        Ok(State {
            privileges: Value::Value(privileges),
            ..config
        })
    }
}

fn problems(config: &State) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !config.user_id.is_null() && !config.token_id.is_null() {
        problems.push(Problem::new(
            "Conflicting attributes",
            "`user_id` and `token_id` are both set. Set only one of them: a token ID contains the \
             ID of its owner.",
            AttributePath::new("token_id"),
        ));
    }
    if let Value::Value(user) = &config.user_id
        && let Err(error) = user.parse::<UserId>()
    {
        problems.push(invalid("user_id", &error));
    }
    if let Value::Value(token) = &config.token_id
        && let Err(error) = TokenId::parse(token, None)
    {
        problems.push(invalid("token_id", &error));
    }
    let paths = config.paths.iter().flatten().flatten();
    for path in paths.filter(|path| !path.starts_with('/')) {
        problems.push(invalid(
            "paths",
            &format!("{path:?} must start with a slash"),
        ));
    }
    problems
}

fn invalid(attribute: &'static str, reason: &dyn std::fmt::Display) -> Problem {
    Problem::new(
        "Invalid permissions query",
        format!("`{attribute}` is invalid: {reason}."),
        AttributePath::new(attribute),
    )
}
