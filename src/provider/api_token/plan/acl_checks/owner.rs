//! Entries that grant privileges that the token's owner does not have.
//!
//! A token with privilege separation has the privileges that both its own entries and its owner
//! have, so an entry that goes beyond the owner has no effect. The owner's rights count at the
//! path itself, at deeper paths and at the members of pools.

use std::collections::BTreeSet;

use crate::framework::Problem;
use crate::provider::api_token::acl::Grant;
use crate::provider::api_token::plan::acl_checks::scope::{Scope, warning_about};
use crate::provider::diagnostics::listing::listing;
use crate::pve::{CachedClient, Context, Error, Roles, SUPERUSER, TokenId, UserId, is_below};

/// Warns of entries that grant more than the owner has.
pub async fn warning(
    client: &CachedClient,
    token: &TokenId,
    scope: &Scope,
    roles: &Roles,
    context: &Context,
) -> Option<Problem> {
    let owner = &token.user;
    if owner.to_string() == SUPERUSER || client.may_see_rights_of(owner, context).await != Ok(true)
    {
        return None;
    }
    let mut findings = Vec::new();
    for grant in scope.declared.iter() {
        let granted = match roles.get(grant.role()) {
            Some(granted) if !granted.is_empty() => granted,
            _ => continue,
        };
        match lacking(client, owner, grant, granted, context).await {
            Ok(lacking) if matters(grant.path(), granted, &lacking) => {
                findings.push(message(scope, owner, grant, granted, &lacking));
            }
            _ => {}
        }
    }
    // Of a user that does not exist yet the server says that it has no rights.
    if findings.is_empty() || !matches!(client.user(owner, context).await, Ok(Some(_))) {
        return None;
    }
    let remedy = format!(
        "A token never has more privileges than its owner. Grant {owner} or one of its groups the \
         missing privileges (Datacenter > Permissions), choose a role with fewer privileges, or \
         choose another `user_id`."
    );
    warning_about("Owner lacks granted privileges", &findings, &remedy)
}

/// The privileges of a grant that the owner has nowhere where the grant reaches.
async fn lacking(
    client: &CachedClient,
    owner: &UserId,
    grant: &Grant,
    granted: &BTreeSet<String>,
    context: &Context,
) -> Result<BTreeSet<String>, Error> {
    let here = client.rights_of(owner, Some(grant.path()), context).await?;
    let here = here.at(grant.path());
    let not_here = granted.iter().filter(|name| !here.contains(name));
    let not_here: BTreeSet<String> = not_here.cloned().collect();
    if not_here.is_empty() {
        return Ok(not_here);
    }
    let everywhere = client.rights_of(owner, None, context).await?;
    Ok(not_here
        .into_iter()
        .filter(|name| !everywhere.covered(&here, name, grant.path(), grant.propagates()))
        .collect())
}

/// Whether what the owner lacks would make a difference at the path. A role such as PVEAuditor holds
/// privileges for every part of the tree: an owner that has those of guests, by whatever role, lacks
/// nothing of it at `/vms`.
fn matters(path: &str, granted: &BTreeSet<String>, lacking: &BTreeSet<String>) -> bool {
    let relevant = |name: &&String| is_relevant(path, name);
    match granted.iter().any(|name| is_relevant(path, name)) {
        true => lacking.iter().any(|name| relevant(&name)),
        false => !lacking.is_empty(),
    }
}

/// Whether Proxmox VE asks for a privilege at paths of this part of the tree.
fn is_relevant(path: &str, privilege: &str) -> bool {
    let top = path.split('/').nth(1).unwrap_or_default();
    let objects: &[&str] = match top {
        "vms" => &["VM"],
        "storage" => &["Datastore"],
        "nodes" => &["Sys"],
        "sdn" => &["SDN"],
        "mapping" => &["Mapping"],
        "pool" => &["Pool", "VM", "Datastore"],
        "access" => &["Group", "Realm", "User", "Sys"],
        _ => return true,
    };
    let object = privilege.split('.').next().unwrap_or_default();
    object == "Permissions" || objects.contains(&object)
}

fn message(
    scope: &Scope,
    owner: &UserId,
    grant: &Grant,
    granted: &BTreeSet<String>,
    lacking: &BTreeSet<String>,
) -> String {
    let entry = scope.entry(grant);
    let (reach, role, names) = (reach(grant), grant.role(), listing(lacking));
    if lacking == granted {
        format!(
            "{entry} grants nothing: its owner {owner} has none of the privileges of {role} \
             ({names}) {reach}."
        )
    } else {
        format!("{entry} grants less than it says: its owner {owner} is without {names} {reach}.")
    }
}

/// Where an entry holds.
fn reach(grant: &Grant) -> String {
    let path = grant.path();
    match (grant.propagates(), is_below(path, "/pool")) {
        (_, true) => format!("at {path} or the members of pools"),
        (true, false) => format!("at or below {path}"),
        (false, false) => format!("at {path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::api_token::plan::acl_checks::scope::tests::{grant, roles, scope};

    fn message_about(grant: &Grant, lacking: &[&str]) -> String {
        let lacking = lacking.iter().map(|&name| name.to_owned()).collect();
        let owner = "demo@pve".parse().unwrap();
        let scope = scope([grant.clone()]);
        message(&scope, &owner, grant, &roles()[grant.role()], &lacking)
    }

    #[test]
    fn an_entry_without_effect_differs_from_one_with_less_effect() {
        let entry = grant("/vms", "User", true);
        let nothing = message_about(&entry, &["VM.Audit", "VM.Console"]);
        assert!(nothing.contains("acl entry /vms User of demo@pve!ci grants nothing"));
        assert!(nothing.contains("(VM.Audit, VM.Console) at or below /vms"));
        let less = message_about(&entry, &["VM.Console"]);
        assert!(less.contains("less than it says"), "{less}");
        assert!(
            less.contains("without VM.Console at or below /vms"),
            "{less}"
        );
    }

    #[test]
    fn privileges_that_do_nothing_at_a_path_are_not_missed() {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let auditor: BTreeSet<String> = set(&["Datastore.Audit", "Sys.Audit", "VM.Audit"]);
        for (path, lacking, expected) in [
            ("/vms", set(&["Datastore.Audit", "Sys.Audit"]), false),
            ("/vms/100", set(&["VM.Audit"]), true),
            ("/pool/web", set(&["Datastore.Audit"]), true),
            ("/", set(&["Datastore.Audit"]), true),
            ("/sdn", set(&["VM.Audit"]), true),
        ] {
            assert_eq!(matters(path, &auditor, &lacking), expected, "{path}");
        }
    }

    #[test]
    fn the_reach_of_an_entry_follows_its_path_and_propagation() {
        for (path, propagate, expected) in [
            ("/vms", false, "at /vms"),
            ("/vms", true, "at or below /vms"),
            ("/pool/web", false, "at /pool/web or the members of pools"),
        ] {
            assert_eq!(reach(&grant(path, "User", propagate)), expected);
        }
    }
}
