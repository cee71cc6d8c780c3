//! What a plan says about the scope of a token: what the server would refuse, and what it would
//! take although nobody means it.
//!
//! Advice is given when a plan creates a token or changes its `acl`, and it is the best that can
//! be had: where the provider is not configured yet, the host is down or the credential may not
//! look, nothing is said. Each part of it is a file: [`roles`], [`paths`], [`masking`] and
//! [`owner`]; [`filtered`] is what a refresh says.

mod filtered;
mod masking;
mod owner;
mod paths;
mod roles;

use std::collections::BTreeSet;
use std::fmt;

pub use filtered::note_filtered;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::acl;
use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::model::State;
use crate::provider::clients::context;
use crate::pve::{Client, Context, TokenId};

/// Refuses roles that the server does not have, and warns of entries that do something else than
/// they say. Without a client only of what can be told without asking.
pub async fn advise(
    client: Option<&Client>,
    config: &State,
    prior: Option<&State>,
    diags: &mut Diagnostics,
) {
    let declared = acl::grants(&config.acl);
    let is_refused = !diags.errors.is_empty();
    if is_refused
        || declared.is_empty()
        || prior.is_some_and(|prior| !is_news(config, prior, &declared))
    {
        return;
    }
    let scope = Scope {
        token: config.token(),
        declared,
        whole: acl::entries(&config.acl).all(|entry| entry.grant().is_some())
            && config.acl.iter().flatten().all(|entry| entry.is_value()),
    };
    paths::warn(&scope, diags);
    if let Some(client) = client {
        ask(client, &scope, prior, &context(), diags).await;
    }
}

/// Whether the entries change. A token that is replaced is planned once more, as a creation.
fn is_news(config: &State, prior: &State, declared: &BTreeSet<Grant>) -> bool {
    let same_token = config.token() == prior.token() && config.cluster == prior.cluster;
    same_token && acl::grants(&prior.acl) != *declared
}

async fn ask(
    client: &Client,
    scope: &Scope,
    prior: Option<&State>,
    context: &Context,
    diags: &mut Diagnostics,
) {
    let Ok(known) = client.known_roles(context).await else {
        return;
    };
    let roles = roles::check(client, scope, &known, context, diags).await;
    if scope.whole {
        let foreign = foreign(client, scope, prior, context).await;
        masking::warn(scope, &foreign, &roles, diags);
    }
    if let Some(token) = &scope.token {
        owner::warn(client, token, scope, &roles, context, diags).await;
    }
}

/// The token's entries on the server that are not and were not declared. A new token has none.
async fn foreign(
    client: &Client,
    scope: &Scope,
    prior: Option<&State>,
    context: &Context,
) -> BTreeSet<Grant> {
    let Some((prior, token)) = prior.and_then(|prior| Some((prior, prior.live()?))) else {
        return BTreeSet::new();
    };
    let view = match client.acl_view(context).await {
        Ok(view) if view.complete => view,
        _ => return BTreeSet::new(),
    };
    let ours = acl::grants(&prior.acl);
    let is_ours = |entry: &Grant| {
        let mut known = ours.iter().chain(&scope.declared);
        known.any(|grant| grant.path == entry.path && grant.role == entry.role)
    };
    view.of_token(&token)
        .map(Grant::from)
        .filter(|entry| !is_ours(entry))
        .collect()
}

/// What a configuration declares of one token.
struct Scope {
    /// The token, once its owner and name are known.
    token: Option<TokenId>,
    declared: BTreeSet<Grant>,
    /// Whether every entry is known.
    whole: bool,
}

impl Scope {
    /// An entry as messages name it.
    fn entry(&self, grant: &Grant) -> String {
        format!("acl entry {} {} of {self}", grant.path, grant.role)
    }
}

/// Whose entries these are.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.token {
            Some(token) => token.fmt(f),
            None => f.write_str("the token"),
        }
    }
}

/// Warns once of everything of one kind that was found about a token: of warnings with the same
/// summary the command lines show only one. The remedy is the same for all.
fn warn_of_all(summary: &'static str, findings: &[String], remedy: &str, diags: &mut Diagnostics) {
    let findings = match findings {
        [] => return,
        [one] => format!("{one} "),
        many => many.iter().map(|one| format!("- {one}\n")).collect(),
    };
    let detail = format!("{findings}{remedy}");
    diags.warn(summary, detail, AttributePath::new("acl"));
}

/// Names in a sentence; of many, the first ones and how many more there are.
fn listing<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = names.into_iter().collect();
    match names.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use tf_provider::value::Value;

    use super::*;
    use crate::provider::api_token::acl::AclEntry;
    use crate::pve::Roles;

    pub(crate) fn grant(path: &str, role: &str, propagate: bool) -> Grant {
        Grant {
            path: path.into(),
            role: role.into(),
            propagate,
        }
    }

    pub(crate) fn scope(declared: impl Into<BTreeSet<Grant>>) -> Scope {
        Scope {
            token: "demo@pve!ci".parse().ok(),
            declared: declared.into(),
            whole: true,
        }
    }

    pub(crate) fn roles() -> Roles {
        let role = |name: &str, privileges: &[&str]| {
            let privileges = privileges.iter().map(|&name| name.to_owned());
            (name.to_owned(), privileges.collect())
        };
        [
            role("Admin", &["VM.Allocate", "VM.Audit", "VM.Console"]),
            role("Auditor", &["VM.Audit"]),
            role("User", &["VM.Audit", "VM.Console"]),
            role("NoAccess", &[]),
            role("Empty", &[]),
        ]
        .into()
    }

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

    async fn warnings(config: &State, prior: Option<&State>) -> usize {
        let mut diags = Diagnostics::default();
        advise(None, config, prior, &mut diags).await;
        assert_eq!(diags.errors, []);
        diags.warnings.len()
    }

    #[tokio::test]
    async fn advice_is_given_once_when_entries_are_new_and_not_when_they_stay() {
        let odd = state("/nonsense");
        assert_eq!(warnings(&odd, None).await, 1);
        assert_eq!(warnings(&odd, Some(&state("/vms"))).await, 1);
        assert_eq!(warnings(&odd, Some(&odd)).await, 0);
        let replaced = State {
            token_name: Value::Value("cd".into()),
            ..state("/vms")
        };
        assert_eq!(warnings(&odd, Some(&replaced)).await, 0);
    }

    #[test]
    fn what_is_found_of_one_kind_is_one_warning() {
        let told = |findings: &[&str]| {
            let findings: Vec<String> = findings.iter().map(|&one| one.to_owned()).collect();
            let mut diags = Diagnostics::default();
            warn_of_all("Odd", &findings, "Change it.", &mut diags);
            let details = diags
                .warnings
                .into_iter()
                .map(|one| one.detail.into_owned());
            details.collect::<Vec<_>>()
        };
        assert_eq!(told(&[]), Vec::<String>::new());
        assert_eq!(told(&["A is odd."]), ["A is odd. Change it."]);
        assert_eq!(
            told(&["A is odd.", "B is odd."]),
            ["- A is odd.\n- B is odd.\nChange it."]
        );
    }

    #[test]
    fn of_many_names_the_first_are_told() {
        let names = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
        assert_eq!(listing(names[..2].iter().copied()), "1, 2");
        assert_eq!(listing(names), "1, 2, 3, 4, 5, 6, 7, 8 and 2 more");
    }
}
