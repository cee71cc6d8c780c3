//! The data source `proxmox_permissions`: what a user or token may do at some paths.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, DataSource, Diagnostics};

use crate::framework::{Report, schema};
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::diagnostics::explain;
use crate::pve::{TokenId, UserId, normalise_path};

/// The effective privileges of a user or token.
pub struct PermissionsData {
    connections: Connections,
}

impl PermissionsData {
    /// A data source that asks over the provider's own connection.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// One `proxmox_permissions`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    cluster: Value<String>,
    user_id: Value<String>,
    token_id: Value<String>,
    paths: Value<Vec<Value<String>>>,
    privileges: Value<BTreeMap<String, BTreeSet<String>>>,
}

impl State {
    /// Whose privileges are asked for; `None` for the provider's own credential.
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
            "The effective privileges of a user or token at the paths you name: inheritance, \
             groups and, for a token with privilege separation, its owner's own limits are all \
             counted. Asking about anyone but the provider's own credential, or a token of its \
             user, needs `Sys.Audit` on `/access`. Proxmox VE answers with nothing, and not with \
             an error, for a user or token that does not exist.",
            [
                cluster_attribute(
                    "Key of the provider's `clusters` to ask; the provider's own connection unless set.",
                ),
                (
                    "user_id",
                    optional(
                        String,
                        "User to ask about, with realm. Without it and `token_id`, the provider's \
                         own credential.",
                    ),
                ),
                (
                    "token_id",
                    optional(String, "Token to ask about, in full: `user@realm!name`."),
                ),
                (
                    "paths",
                    required(
                        Set(Box::new(String)),
                        "Paths to ask about, such as `/vms/100` or `/storage/local`.",
                    ),
                ),
                (
                    "privileges",
                    computed(
                        schema::map_of_string_sets(),
                        "The privileges held, by path as written in `paths`; an empty set where \
                         there are none.",
                    ),
                ),
            ],
        ))
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        if !config.user_id.is_null() && !config.token_id.is_null() {
            diags.fail(
                "Contradicting attributes",
                "`user_id` and `token_id` are both set. Ask about one of them: the id of a token \
                 names its owner.",
                AttributePath::new("token_id"),
            );
        }
        if let Value::Value(user) = &config.user_id
            && let Err(error) = user.parse::<UserId>()
        {
            malformed("user_id", &error, diags);
        }
        if let Value::Value(token) = &config.token_id
            && let Err(error) = TokenId::parse(token, None)
        {
            malformed("token_id", &error, diags);
        }
        for path in config.paths.iter().flatten().flatten() {
            if !path.starts_with('/') {
                malformed("paths", &format!("{path:?} must begin with a slash"), diags);
            }
        }
        Some(())
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        let client = self
            .connections
            .reader("proxmox_permissions", &config.cluster, diags)?;
        let context = context();
        let mut privileges = BTreeMap::new();
        for path in config.paths.iter().flatten().flatten() {
            let asked = normalise_path(path);
            let answer = match config.subject() {
                Some(subject) => client.permissions_of(subject, &asked, &context).await,
                None => client.permissions(&asked, &context).await,
            };
            match answer {
                Ok(held) => {
                    let names = held.names().map(str::to_owned).collect();
                    privileges.insert(path.clone(), names);
                }
                Err(error) => {
                    let object = format!(
                        "permissions of {} at {path}",
                        config.subject().unwrap_or("the provider's credential")
                    );
                    explain("Unable to read permissions", &object, &error, diags);
                    return None;
                }
            }
        }
        Some(State {
            privileges: Value::Value(privileges),
            ..config
        })
    }
}

fn malformed(attribute: &'static str, problem: &dyn std::fmt::Display, diags: &mut Diagnostics) {
    diags.fail(
        "Invalid permissions query",
        format!("`{attribute}` cannot be used: {problem}."),
        AttributePath::new(attribute),
    );
}
