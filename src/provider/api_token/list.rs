//! The existing tokens, for `terraform query`.

use async_trait::async_trait;
use serde::Deserialize;
use tf_provider::AttributePath;
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;

use crate::framework::{List, ListRequest, Listed, Problem, Results, schema};
use crate::provider::api_token::ApiTokenResource;
use crate::provider::api_token::apply::read::refreshed;
use crate::provider::api_token::apply::{import, messages};
use crate::provider::api_token::audit_findings::{NAMES, findings};
use crate::provider::api_token::identity::ApiTokenIdentity;
use crate::provider::api_token::model::State;
use crate::provider::api_token::slots::Slots;
use crate::provider::attributes::timestamp;
use crate::provider::clients::{cluster_attribute, connection_name, context};
use crate::provider::diagnostics::problem;
use crate::pve::{Audit, AuditedToken, Expiry, Timestamp, UserId};

const UNABLE_TO_LIST: &str = "Unable to list API tokens";

/// Which tokens to list. Without a filter, all of them.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Filter {
    cluster: Value<String>,
    user_id: Value<String>,
    name_prefix: Value<String>,
    expires_before: Value<String>,
    findings: Value<Vec<Value<String>>>,
}

impl Filter {
    fn admits(&self, token: &AuditedToken<'_>, now: Timestamp) -> bool {
        let is = |filter: &Value<String>, holds: &dyn Fn(&str) -> bool| {
            filter.as_ref_option().is_none_or(|text| holds(text))
        };
        is(&self.user_id, &|user| {
            token.owner.user_id.to_string() == user
        }) && is(&self.name_prefix, &|prefix| token.name.starts_with(prefix))
            && self.ends_before(token)
            && self.has_finding(token, now)
    }

    fn ends_before(&self, token: &AuditedToken<'_>) -> bool {
        let before = timestamp::known(&self.expires_before);
        before.is_none_or(|before| token.effective_expire() < Expiry::At(before))
    }

    fn has_finding(&self, token: &AuditedToken<'_>, now: Timestamp) -> bool {
        let mut wanted = self.findings.iter().flatten().flatten().peekable();
        let found = findings(token, now);
        wanted.peek().is_none() || wanted.any(|one| found.contains(&one.as_str()))
    }
}

#[async_trait]
impl List for ApiTokenResource {
    type Filter = Filter;

    fn list_schema(&self) -> Schema {
        use AttributeType::String;
        use schema::optional;

        schema::schema(
            "Lists the API tokens of a cluster, to import them or to review them. The provider's \
             credential needs `Sys.Audit` on `/access`, with propagation: a list that may not be \
             complete is an error.",
            [
                cluster_attribute(
                    "Key of the provider's `clusters` whose tokens are listed. Defaults to the \
                     provider's own connection.",
                ),
                (
                    "user_id",
                    optional(String, "Owner of the tokens, with realm."),
                ),
                (
                    "name_prefix",
                    optional(String, "Beginning of the names of the tokens."),
                ),
                (
                    "expires_before",
                    optional(
                        String,
                        "Only tokens that stop working before this time (RFC 3339), by their own \
                         expiry or that of their owner.",
                    ),
                ),
                (
                    "findings",
                    optional(
                        schema::list_of_strings(),
                        "Only tokens with one of these findings of an audit: `expired`, \
                         `never_expires`, `root_equivalent`, `owner_disabled` or \
                         `leftover_ephemeral`.",
                    ),
                ),
            ],
        )
    }

    fn validate_list(&self, filter: Filter) -> Result<(), Problem> {
        if let Some(user) = filter.user_id.as_ref_option() {
            user.parse::<UserId>()
                .map_err(|error| invalid("user_id", &error.to_string()))?;
        }
        if let Some(date) = filter.expires_before.as_ref_option() {
            timestamp::parse(date).map_err(|reason| invalid("expires_before", &reason))?;
        }
        for finding in filter.findings.iter().flatten().flatten() {
            if !NAMES.contains(&finding.as_str()) {
                let reason = format!("{finding:?} must be one of {}", NAMES.join(", "));
                return Err(invalid("findings", &reason));
            }
        }
        Ok(())
    }

    async fn list(
        &self,
        request: ListRequest<Filter>,
        results: &mut Results<'_, Self>,
    ) -> Result<(), Problem> {
        let filter = request.filter;
        let connection = connection_name(&filter.cluster);
        self.connections
            .refuse_one_time_code(&filter.cluster, "proxmox_api_token")?;
        let client = self.connections.client(&filter.cluster)?;
        let audit = client.audit(&context()).await;
        let audit = audit.map_err(|error| problem(UNABLE_TO_LIST, &connection, &error))?;
        if !audit.is_complete() {
            return Err(incomplete(&connection));
        }
        let now = audit.observed_at.into();
        require_user(&filter, &audit)?;
        for token in audit.tokens().filter(|token| filter.admits(token, now)) {
            let Some(listed) = listed(&filter, &audit, &token, request.include_state) else {
                continue;
            };
            if !results.push(listed).await {
                break;
            }
        }
        Ok(())
    }
}

/// A token as `terraform query` shows it, with the state that an import would give it.
fn listed(
    filter: &Filter,
    audit: &Audit,
    token: &AuditedToken<'_>,
    include_state: bool,
) -> Option<Listed<ApiTokenResource>> {
    let state = State {
        cluster: filter.cluster.clone(),
        user_id: Value::Value(token.owner.user_id.to_string()),
        token_name: Value::Value(token.name.to_owned()),
        ..State::default()
    };
    Some(Listed {
        display_name: token.id.clone(),
        identity: ApiTokenIdentity::of(&state)?,
        state: match include_state {
            true => Some(imported(state, audit, token)?),
            false => None,
        },
    })
}

fn imported(state: State, audit: &Audit, token: &AuditedToken<'_>) -> Option<State> {
    let slots = Slots::of(&state)?;
    let state = refreshed(state, &slots, token.info, token.owner);
    Some(State {
        acl: import::entries(audit.acl(), &state, &slots.live),
        ..state
    })
}

/// Refuses a filter by a user that does not exist: an empty list would look like an answer.
fn require_user(filter: &Filter, audit: &Audit) -> Result<(), Problem> {
    let user = filter.user_id.as_ref_option().map(|user| user.parse());
    match user {
        Some(Ok(user)) if !audit.has_user(&user) => Err(Problem::new(
            "No such user",
            format!("Proxmox VE has no user {user}. Correct `user_id`: the realm follows the @."),
            AttributePath::new("user_id"),
        )),
        _ => Ok(()),
    }
}

fn incomplete(connection: &str) -> Problem {
    messages::problem(
        UNABLE_TO_LIST,
        format!(
            "{connection}: the server may have left out tokens or entries. Grant the provider's \
             credential Sys.Audit on /access, with propagation, and connect to a node that has \
             quorum."
        ),
    )
}

fn invalid(attribute: &'static str, reason: &str) -> Problem {
    Problem::new(
        "Invalid list of API tokens",
        format!("`{attribute}` is invalid: {reason}."),
        AttributePath::new(attribute),
    )
}
