//! What a change does to entries of the access control list that its configuration does not show.

use tf_provider::AttributePath;

use crate::framework::Problem;
use crate::provider::api_token::acl::{Grant, Grants};
use crate::provider::api_token::change::Change;
use crate::provider::clients::call_within;
use crate::provider::diagnostics::listing::listing;
use crate::pve::{CachedClient, Context, TokenId};

/// The warnings about entries that stay although they are no longer declared, and about entries
/// that are removed although they were not.
pub async fn warnings(client: Option<&CachedClient>, change: &Change) -> Vec<Problem> {
    if !change.requires_replacement().is_empty() {
        return Vec::new();
    }
    let undeclared = match client {
        Some(client) if change.becomes_exclusive() => {
            let (prior, planned) = (&change.prior.acl, &change.planned.acl);
            let declared = Grants::declared(prior).with(&Grants::declared(planned));
            let context = call_within(change.planned.timeout("read"));
            on_server_besides(&declared, client, &change.slots.live, &context).await
        }
        _ => Grants::default(),
    };
    [
        left(change),
        removed(change),
        exclusive(change, &undeclared),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn left(change: &Change) -> Option<Problem> {
    let released = Grants::declared(&change.prior.acl);
    (change.planned.acl.is_null() && !released.is_empty()).then(|| {
        problem(
            "ACL entries stay on the server",
            "acl",
            format!(
                "`acl` of {} is no longer set, so these entries stay on the server, and the token \
                 keeps their privileges: {}. To remove them, set `acl = []`, now or in a later \
                 apply.",
                change.slots.live,
                entries(&released)
            ),
        )
    })
}

fn removed(change: &Change) -> Option<Problem> {
    let planned = &change.planned.acl;
    let removed = change.released.without(&Grants::declared(planned));
    (!planned.is_null() && !removed.is_empty()).then(|| {
        problem(
            "Former ACL entries will be removed",
            "acl",
            format!(
                "`acl` of {} is set again. These entries, which it declared before it was removed \
                 from the configuration, will be removed from the server: {}.",
                change.slots.live,
                entries(&removed)
            ),
        )
    })
}

fn exclusive(change: &Change, undeclared: &Grants) -> Option<Problem> {
    (!undeclared.is_empty()).then(|| {
        problem(
            "Undeclared ACL entries will be removed",
            "acl_exclusive",
            format!(
                "With `acl_exclusive`, these entries of {}, which `acl` does not declare, will be \
                 removed from the server: {}. Declare those that are to stay.",
                change.slots.live,
                entries(undeclared)
            ),
        )
    })
}

/// The entries that the server has for a token besides these; none where the whole list is not
/// visible.
pub async fn on_server_besides(
    declared: &Grants,
    client: &CachedClient,
    token: &TokenId,
    context: &Context,
) -> Grants {
    match client.acl_view(context).await {
        Ok(view) if view.complete => Grants::on_server(&view, token).without(declared),
        _ => Grants::default(),
    }
}

fn entries(grants: &Grants) -> String {
    listing(grants.iter().map(Grant::entry))
}

fn problem(summary: &'static str, attribute: &'static str, detail: String) -> Problem {
    Problem::new(summary, detail, AttributePath::new(attribute))
}
