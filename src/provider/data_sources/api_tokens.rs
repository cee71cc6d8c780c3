//! The data source `proxmox_api_tokens`: an audit of all tokens.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, DataSource, Diagnostics};

use crate::framework::{Problem, Report, schema};
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::data_sources::audited::TokenFacts;
use crate::provider::data_sources::completeness::{Completeness, warn_without_quorum};
use crate::provider::data_sources::{audited, completeness};
use crate::provider::diagnostics::{problem, reported};
use crate::pve::{AuditedToken, UserId};

/// The tokens of a cluster.
pub struct ApiTokensData {
    connections: Connections,
}

impl ApiTokensData {
    /// Creates the data source.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// A `proxmox_api_tokens`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    cluster: Value<String>,
    #[serde(flatten)]
    filter: Filter,
    tokens: Value<Vec<TokenFacts>>,
    #[serde(flatten)]
    completeness: Completeness,
}

/// Which tokens are listed. Attributes that are not set do not filter.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Filter {
    user_id: Value<String>,
    realm: Value<String>,
    expired: Value<bool>,
    without_expiry: Value<bool>,
    with_findings: Value<bool>,
}

impl Filter {
    fn admits(&self, token: &AuditedToken<'_>, facts: &TokenFacts) -> bool {
        let user = &token.owner.user_id;
        let findings = facts.findings.as_ref_option();
        let with_findings = findings.is_some_and(|findings| !findings.is_empty());
        admits(&self.user_id, &user.to_string())
            && admits(&self.realm, user.realm())
            && is(&self.expired, facts.expired == Value::Value(true))
            && is(
                &self.without_expiry,
                facts.never_expires == Value::Value(true),
            )
            && is(&self.with_findings, with_findings)
    }
}

fn is(wanted: &Value<bool>, found: bool) -> bool {
    wanted.as_ref_option().is_none_or(|wanted| *wanted == found)
}

fn admits(wanted: &Value<String>, found: &str) -> bool {
    wanted.as_ref_option().is_none_or(|wanted| wanted == found)
}

#[async_trait]
impl DataSource for ApiTokensData {
    type State<'a> = State;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        use AttributeType::{Bool, String};
        use schema::{computed, optional};

        let mut facts = vec![(
            "token_id",
            computed(String, "Full ID of the token: `user@realm!name`."),
        )];
        facts.extend(audited::attributes());
        let own = [
            cluster_attribute(
                "Key in `clusters` of the provider block to audit. Defaults to the provider's own connection.",
            ),
            (
                "user_id",
                optional(
                    String,
                    "ID of the user, with the realm, whose tokens to list.",
                ),
            ),
            (
                "realm",
                optional(String, "Realm of the users whose tokens to list."),
            ),
            (
                "expired",
                optional(
                    Bool,
                    "Lists only tokens that have expired, or whose owner has (`true`), or only \
                     those that have not (`false`).",
                ),
            ),
            (
                "without_expiry",
                optional(
                    Bool,
                    "Lists only tokens that never expire, and whose owner does not either (`true`), \
                     or only those that do (`false`).",
                ),
            ),
            (
                "with_findings",
                optional(
                    Bool,
                    "Lists only tokens with findings (`true`), or only those without (`false`). Set \
                     it to `true` on a cluster with many tokens to keep the state small.",
                ),
            ),
            (
                "tokens",
                computed(
                    schema::nested_list(facts),
                    "Tokens, sorted by owner and name.",
                ),
            ),
        ];
        Some(schema::schema(
            "Audits the API tokens of a cluster: lists them with their owners, expiry dates and \
             findings. Requires `Sys.Audit` on `/access`, with propagation. With fewer privileges, \
             the server omits users without an error: `complete` is then `false`, and \
             `missing_privileges` lists the missing privileges. The number of requests is small \
             and does not depend on the number of tokens.",
            own.into_iter().chain(completeness::attributes()),
        ))
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        if let Value::Value(user) = &config.filter.user_id
            && let Err(error) = user.parse::<UserId>()
        {
            diags.fail(
                "Invalid filter",
                format!("`user_id` is invalid: {error}."),
                AttributePath::new("user_id"),
            );
        }
        Some(())
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        let found = self.look_up(config, diags).await;
        reported(found, diags)
    }
}

impl ApiTokensData {
    async fn look_up(&self, config: State, warnings: &mut Diagnostics) -> Result<State, Problem> {
        let client = self
            .connections
            .reader("proxmox_api_tokens", &config.cluster)?;
        let endpoint = client.settings().endpoint.to_string();
        let audit = client.audit(&context()).await;
        let audit =
            audit.map_err(|error| problem("Unable to audit API tokens", &endpoint, &error))?;
        warn_without_quorum(&audit, &endpoint, warnings);
        let tokens = audit.tokens().filter_map(|token| {
            let facts = TokenFacts::of(&token, audit.observed_at.into());
            config.filter.admits(&token, &facts).then_some(facts)
        });
        Ok(State {
            tokens: Value::Value(tokens.collect()),
            completeness: Completeness::of(&audit),
            ..config
        })
    }
}
