//! What a refresh says when the server shows it only a part of the access control list.

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::api_token::acl;
use crate::provider::api_token::model::State;
use crate::provider::api_token::plan::acl_checks::listing;
use crate::provider::clients::context;
use crate::pve::Client;

/// Notes which declared entries could not be looked at, after a refresh has kept them. Costs no
/// request, since the refresh has just read the list.
pub async fn note_filtered(client: &Client, state: &State, diags: &mut Diagnostics) {
    let declared = acl::grants(&state.acl);
    let Some(token) = state.live().filter(|_| !declared.is_empty()) else {
        return;
    };
    let view = match client.acl_view(&context()).await {
        Ok(view) if !view.complete => view,
        _ => return,
    };
    let is_shown = |grant: &acl::Grant| {
        let mut entries = view.of_token(&token);
        entries.any(|entry| entry.path == grant.path && entry.role == grant.role)
    };
    let unseen: Vec<String> = declared
        .iter()
        .filter(|grant| !is_shown(grant))
        .map(|grant| format!("{} {}", grant.path, grant.role))
        .collect();
    if unseen.is_empty() {
        return;
    }
    diags.warn(
        "Access control list seen in part",
        format!(
            "Whether {token} still has the acl entries {} is unclear, so nothing was concluded and \
             they were kept: the server shows the provider's credential only the paths whose \
             permissions it may change. Grant the credential Sys.Audit on /access, propagating, \
             as the role PVEAuditor does, to see the whole list.",
            listing(unseen.iter().map(String::as_str))
        ),
        AttributePath::new("acl"),
    );
}
