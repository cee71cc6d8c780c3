//! Checks of the `acl` of a token at plan time: roles that the server does not have, and entries
//! that do something else than they say.
//!
//! They run when a plan creates a token or changes its `acl`, and say nothing where the server
//! cannot be asked: the provider is not configured yet, the host is down, or the credential may
//! not look. Each check is a file: [`roles`], [`paths`], [`masking`] and [`owner`].

mod masking;
mod owner;
mod paths;
mod roles;
mod scope;

use crate::provider::api_token::acl::{self, Grants};
use crate::provider::api_token::change::requires_replacement;
use crate::provider::api_token::model::{Config, State};
use crate::provider::api_token::plan::acl_checks::scope::Scope;
use crate::provider::api_token::plan::findings::Findings;
use crate::provider::api_token::plan::undeclared_entries::on_server_besides;
use crate::provider::api_token::slots::Slots;
use crate::provider::clients::context;
use crate::pve::{CachedClient, Context};

/// Checks the `acl` of a new token, or of one whose `acl` changes. Without a client, only the
/// checks that need no request.
pub async fn check(
    client: Option<&CachedClient>,
    config: &Config,
    prior: Option<&State>,
) -> Findings {
    let declared = Grants::declared(&config.acl);
    let token = Slots::of(config).map(|slots| slots.base);
    // A token that is replaced is planned once more, as a creation, but the command lines show no
    // warnings of that second plan.
    let prior = prior.filter(|prior| requires_replacement(prior, config).is_empty());
    if declared.is_empty() || prior.is_some_and(|prior| Grants::declared(&prior.acl) == declared) {
        return Findings::default();
    }
    let scope = Scope {
        token,
        declared,
        is_known: acl::is_known(&config.acl),
    };
    let mut findings = Findings::default();
    let before = prior.map(|prior| Grants::declared(&prior.acl));
    let refused = paths::problems(&scope, &before.unwrap_or_default());
    findings.problems.extend(refused);
    if let Some(client) = client {
        ask(client, &scope, prior, &context(), &mut findings).await;
    }
    findings
}

/// Runs the checks that need the server's roles.
async fn ask(
    client: &CachedClient,
    scope: &Scope,
    prior: Option<&State>,
    context: &Context,
    findings: &mut Findings,
) {
    let Ok(known) = client.known_roles(context).await else {
        return;
    };
    let (roles, unknown) = roles::resolve(client, scope, &known, context).await;
    findings.warnings.extend(unknown);
    findings.warnings.extend(roles::warning(scope, &roles));
    if scope.is_known {
        let foreign = foreign(client, scope, prior, context).await;
        let masked = masking::warning(scope, &foreign, &roles);
        findings.warnings.extend(masked);
    }
    if let Some(token) = &scope.token {
        let lacking = owner::warning(client, token, scope, &roles, context).await;
        findings.warnings.extend(lacking);
    }
}

/// The token's grants on the server that are not and were not declared. A new token has none.
async fn foreign(
    client: &CachedClient,
    scope: &Scope,
    prior: Option<&State>,
    context: &Context,
) -> Grants {
    let Some((prior, slots)) = prior.and_then(|prior| Some((prior, Slots::of(prior)?))) else {
        return Grants::default();
    };
    let declared = Grants::declared(&prior.acl).with(&scope.declared);
    on_server_besides(&declared, client, &slots.live, context).await
}

#[cfg(test)]
mod tests {
    use tf_provider::value::Value;

    use super::*;
    use crate::provider::api_token::acl::AclEntry;

    fn state(path: &str) -> State {
        let entry = AclEntry {
            path: Value::Value(path.into()),
            role: Value::Value("Auditor".into()),
            propagate: Value::Null,
        };
        State {
            user_id: Value::Value("demo@pve".into()),
            token_name: Value::Value("ci".into()),
            acl: Value::Value(vec![Value::Value(entry)]),
            ..State::default()
        }
    }

    async fn problems(config: &State, prior: Option<&State>) -> usize {
        let findings = check(None, &Config(config.clone()), prior).await;
        assert_eq!(findings.warnings, []);
        findings.problems.len()
    }

    #[tokio::test]
    async fn entries_are_checked_when_they_change_and_not_when_they_stay() {
        let odd = state("/nonsense");
        assert_eq!(problems(&odd, None).await, 1);
        assert_eq!(problems(&odd, Some(&state("/vms"))).await, 1);
        assert_eq!(problems(&odd, Some(&odd)).await, 0);
        let replaced = State {
            token_name: Value::Value("cd".into()),
            ..state("/vms")
        };
        assert_eq!(problems(&odd, Some(&replaced)).await, 1);
    }
}
