//! The data source `proxmox_api_token`: what is to be known of one token, but for its secret.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, DataSource, Diagnostics};

use crate::framework::{Report, schema};
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::data_sources::audited::TokenFacts;
use crate::provider::data_sources::completeness::{Completeness, warn_of_isolation};
use crate::provider::data_sources::token_id::malformed_token_id;
use crate::provider::data_sources::{audited, completeness};
use crate::provider::diagnostics::explain;
use crate::pve::{Audit, TokenId};

/// The facts of one token.
pub struct ApiTokenData {
    connections: Connections,
}

impl ApiTokenData {
    /// A data source that asks over the provider's connections.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// One `proxmox_api_token` that is read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    cluster: Value<String>,
    acl: Value<Vec<Entry>>,
    #[serde(flatten)]
    facts: TokenFacts,
    #[serde(flatten)]
    completeness: Completeness,
}

/// One of the token's own entries in the access control list.
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
                "Key of the provider's `clusters` to ask; the provider's own connection unless \
                 set.",
            ),
            (
                "token_id",
                required(
                    String,
                    "The token, in full: `user@realm!name`. It is an error if it does not exist.",
                ),
            ),
            (
                "acl",
                computed(
                    schema::nested_set([
                        ("path", computed(String, "Path in the access control tree.")),
                        ("role", computed(String, "Role granted there.")),
                        (
                            "propagate",
                            computed(Bool, "Whether the grant also holds below the path."),
                        ),
                    ]),
                    "The token's own entries in the access control list; they count only with \
                     privilege separation. Null when the list was not shown in full. What the \
                     token may really do is told by `proxmox_permissions`.",
                ),
            ),
        ];
        let facts = audited::attributes();
        let completeness = completeness::attributes();
        Some(schema::schema(
            "What is to be known of one API token and its owner, and what an auditor would ask \
             about it. A secret is never read back: Proxmox VE shows it only once, at creation. \
             Needs `Sys.Audit` on `/access`, propagating. All data blocks of this type and of \
             `proxmox_api_tokens` share one set of requests.",
            own.into_iter().chain(facts).chain(completeness),
        ))
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        if let Value::Value(id) = &config.facts.token_id
            && let Err(error) = TokenId::parse(id, None)
        {
            malformed_token_id(&error, diags);
        }
        Some(())
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        let client = self
            .connections
            .reader("proxmox_api_token", &config.cluster, diags)?;
        let given = config.facts.token_id.as_ref_option()?;
        let id = match TokenId::parse(given, None) {
            Ok(id) => id,
            Err(error) => {
                malformed_token_id(&error, diags);
                return None;
            }
        };
        let audit = match client.audit(&context()).await {
            Ok(audit) => audit,
            Err(error) => {
                explain("Unable to read API token", given, &error, diags);
                return None;
            }
        };
        warn_of_isolation(&audit, &client.settings().endpoint.to_string(), diags);
        let Some(token) = audit.token(&id) else {
            not_found(&id, &audit, diags);
            return None;
        };
        Some(State {
            acl: entries(&audit, &id),
            facts: TokenFacts::of(&token, audit.observed_at),
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

/// Says whether the token is not there or only not shown.
fn not_found(token: &TokenId, audit: &Audit, diags: &mut Diagnostics) {
    let why = if audit.is_complete() {
        "Proxmox VE has no such token. Correct `token_id`, or create the token first and add \
         `depends_on` with it to the data block."
            .to_owned()
    } else if audit.missing_privileges().is_empty() {
        "It was not found, by a node that does not see its cluster.".to_owned()
    } else {
        "It does not exist, or the provider's credential may not see it: grant that Sys.Audit on \
         /access, with propagation."
            .to_owned()
    };
    diags.fail(
        "No such API token",
        format!("{token}: {why}"),
        AttributePath::new("token_id"),
    );
}
