//! The data source `proxmox_api_token`: the facts about a token, except for its secret.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, DataSource, Diagnostics};

use crate::framework::{Problem, Report, schema};
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::data_sources::audited::TokenFacts;
use crate::provider::data_sources::completeness::{Completeness, warn_without_quorum};
use crate::provider::data_sources::token_id::parse_token_id;
use crate::provider::data_sources::{audited, completeness};
use crate::provider::diagnostics::{problem, reported};
use crate::pve::{Audit, Quorum, TokenId};

/// The facts about a token.
pub struct ApiTokenData {
    connections: Connections,
}

impl ApiTokenData {
    /// Creates the data source.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// A `proxmox_api_token` that is read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    cluster: Value<String>,
    acl: Value<Vec<Entry>>,
    #[serde(flatten)]
    facts: TokenFacts,
    #[serde(flatten)]
    completeness: Completeness,
}

/// An entry of the token in the access control list.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    path: Value<String>,
    role: Value<String>,
    propagate: Value<bool>,
}

#[async_trait]
impl DataSource for ApiTokenData {
    type State<'a> = State;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        use AttributeType::{Bool, String};
        use schema::{computed, required};

        let own = [
            cluster_attribute(
                "Key in `clusters` of the provider block to read from. Defaults to the provider's own connection.",
            ),
            (
                "token_id",
                required(
                    String,
                    "Full ID of the token: `user@realm!name`. Fails if the token does not exist.",
                ),
            ),
            (
                "acl",
                computed(
                    schema::nested_set([
                        ("path", computed(String, "Path in the access control tree.")),
                        ("role", computed(String, "Role granted at the path.")),
                        (
                            "propagate",
                            computed(Bool, "Whether the grant propagates to the paths below."),
                        ),
                    ]),
                    "Entries of the token in the access control list. They take effect only with \
                     privilege separation. Null if the provider's credential cannot read the whole \
                     list. For the effective privileges of the token, use `proxmox_permissions`.",
                ),
            ),
        ];
        let facts = audited::attributes();
        let completeness = completeness::attributes();
        Some(schema::schema(
            "Reads an API token and its owner, with audit findings about the token. The secret is not \
             available: Proxmox VE returns it only once, at creation. Requires `Sys.Audit` on \
             `/access`, with propagation. All data blocks of this type and of \
             `proxmox_api_tokens` share one set of requests.",
            own.into_iter().chain(facts).chain(completeness),
        ))
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        let token_id = &config.facts.token_id;
        if token_id.is_value()
            && let Err(problem) = parse_token_id(token_id)
        {
            diags.problem(problem);
        }
        Some(())
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        let found = self.look_up(config, diags).await;
        reported(found, diags)
    }
}

impl ApiTokenData {
    async fn look_up(&self, config: State, warnings: &mut Diagnostics) -> Result<State, Problem> {
        let client = self
            .connections
            .reader("proxmox_api_token", &config.cluster)?;
        let id = parse_token_id(&config.facts.token_id)?;
        let audit = client.audit(&context()).await;
        let audit =
            audit.map_err(|error| problem("Unable to read API token", &id.to_string(), &error))?;
        warn_without_quorum(&audit, &client.settings().endpoint.to_string(), warnings);
        let token = audit.token(&id).ok_or_else(|| not_found(&id, &audit))?;
        Ok(State {
            acl: entries(&audit, &id),
            facts: TokenFacts::of(&token, audit.observed_at.into()),
            completeness: Completeness::of(&audit),
            ..config
        })
    }
}

fn entries(audit: &Audit, token: &TokenId) -> Value<Vec<Entry>> {
    let acl = audit.acl();
    let entries = acl.complete.then(|| {
        let entries = acl.of_token(token).map(|entry| Entry {
            path: entry.path.clone().into(),
            role: entry.role.clone().into(),
            propagate: entry.propagate.into(),
        });
        entries.collect()
    });
    entries.into()
}

/// The problem of a token that was not found, with the reason.
fn not_found(token: &TokenId, audit: &Audit) -> Problem {
    let reason = if audit.is_complete() {
        "The token does not exist. Correct `token_id`, or create the token first and add it to \
         `depends_on` of the data block."
    } else if audit.quorum == Quorum::Doubtful {
        "The node that responded did not find the token, and may be without quorum. Grant the \
         provider's credential Sys.Audit on /, which shows whether the node has quorum, or set \
         `endpoint` to a node of the cluster's majority."
    } else if audit.missing_privileges().is_empty() {
        "The node that responded has no quorum and did not find the token. Set `endpoint` to a \
         node of the cluster's majority."
    } else {
        "The token does not exist, or the provider's credential is not allowed to see it. Grant \
         the credential Sys.Audit on /access, with propagation."
    };
    Problem::new(
        "No such API token",
        format!("{token}: {reason}"),
        AttributePath::new("token_id"),
    )
}
