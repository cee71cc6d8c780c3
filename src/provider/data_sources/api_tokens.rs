//! The data source `proxmox_api_tokens`: an audit of all tokens.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, DataSource, Diagnostics};

use crate::framework::{Report, schema};
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::data_sources::audited::TokenFacts;
use crate::provider::data_sources::completeness::{Completeness, warn_of_isolation};
use crate::provider::data_sources::{audited, completeness};
use crate::provider::diagnostics::explain;
use crate::pve::{AuditedToken, UserId};

/// The tokens of a whole cluster.
pub struct ApiTokensData {
    connections: Connections,
}

impl ApiTokensData {
    /// A data source that asks over the provider's connections.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// One `proxmox_api_tokens`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    cluster: Value<String>,
    #[serde(flatten)]
    filter: Filter,
    tokens: Value<Vec<TokenFacts>>,
    #[serde(flatten)]
    completeness: Completeness,
}

/// Which tokens are listed. What is not set does not matter.
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
            computed(String, "The token, in full: `user@realm!name`."),
        )];
        facts.extend(audited::attributes());
        let own = [
            cluster_attribute(
                "Key of the provider's `clusters` to audit; the provider's own connection unless \
                 set.",
            ),
            (
                "user_id",
                optional(String, "Only the tokens of this user, with realm."),
            ),
            (
                "realm",
                optional(String, "Only the tokens of users of this realm."),
            ),
            (
                "expired",
                optional(
                    Bool,
                    "Only tokens that have expired, by their own end or their owner's (true), or \
                     only such as have not (false).",
                ),
            ),
            (
                "without_expiry",
                optional(
                    Bool,
                    "Only tokens that never expire, by their own end or their owner's (true), or \
                     only such as do (false).",
                ),
            ),
            (
                "with_findings",
                optional(
                    Bool,
                    "Only tokens about which there is something to ask (true), or only the others \
                     (false). Of thousands of tokens Terraform then has a few to store.",
                ),
            ),
            (
                "tokens",
                computed(
                    schema::nested_list(facts),
                    "The tokens, sorted by owner and name.",
                ),
            ),
        ];
        Some(schema::schema(
            "An audit of the API tokens of a cluster: what exists, whose it is, when it ends, and \
             what an auditor would ask about. Needs `Sys.Audit` on `/access`, propagating, and \
             nothing more. With less the server leaves users out and does not say so: `complete` \
             is false then, and `missing_privileges` names what is missing. However many tokens \
             there are, it costs a handful of requests.",
            own.into_iter().chain(completeness::attributes()),
        ))
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        if let Value::Value(user) = &config.filter.user_id
            && let Err(error) = user.parse::<UserId>()
        {
            diags.fail(
                "Invalid filter",
                format!("`user_id` cannot be used: {error}."),
                AttributePath::new("user_id"),
            );
        }
        Some(())
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        let client = self
            .connections
            .reader("proxmox_api_tokens", &config.cluster, diags)?;
        let endpoint = client.settings().endpoint.to_string();
        let audit = match client.audit(&context()).await {
            Ok(audit) => audit,
            Err(error) => {
                explain("Unable to audit API tokens", &endpoint, &error, diags);
                return None;
            }
        };
        warn_of_isolation(&audit, &endpoint, diags);
        let tokens = audit.tokens().filter_map(|token| {
            let facts = TokenFacts::of(&token, audit.observed_at.into());
            config.filter.admits(&token, &facts).then_some(facts)
        });
        Some(State {
            tokens: Value::Value(tokens.collect()),
            completeness: Completeness::of(&audit),
            ..config
        })
    }
}
