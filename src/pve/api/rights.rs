//! The rights of users, and the reach of what is granted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::pve::api::access::Privileges;
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::id::UserId;
use crate::pve::net::request::Request;

/// The privileges of each role.
pub type Roles = BTreeMap<String, BTreeSet<String>>;

/// The privileges that a user has at some paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights(BTreeMap<String, Privileges>);

impl Rights {
    fn read(answer: &BTreeMap<String, BTreeMap<String, Value>>) -> Self {
        let paths = answer.keys();
        Self(
            paths
                .map(|path| (path.clone(), Privileges::at(path, answer)))
                .collect(),
        )
    }

    /// Those at one path.
    pub fn at(&self, path: &str) -> Privileges {
        self.0.get(path).cloned().unwrap_or_default()
    }

    /// Whether the user has a privilege anywhere that an entry for one of its tokens reaches:
    /// at a deeper path, or at a guest or storage in a pool, given that it has `here` at the
    /// path itself. Needs the rights at every listed path, which include the members of pools.
    ///
    /// Which member is in which pool is not looked up: one of any pool counts. It is better to
    /// find a right that is of no use than to miss one.
    pub fn beyond(&self, here: &Privileges, privilege: &str, path: &str, propagate: bool) -> bool {
        let has = |(_, held): (&str, &Privileges)| held.contains(privilege);
        let members = reaches_pools(path, propagate)
            && self.listed().any(|one| is_pool_member(one.0) && has(one));
        let deeper = propagate && self.listed().any(|one| is_below(one.0, path) && has(one));
        members || deeper || (propagate && self.flows_past(here, privilege, path))
    }

    /// An entry that does not propagate hides what comes from above at its own path only: below
    /// it, that is there again.
    fn flows_past(&self, here: &Privileges, privilege: &str, path: &str) -> bool {
        let mut above = self.listed().filter(|(listed, _)| is_below(path, listed));
        !here.names().any(|name| here.propagates(name))
            && above.any(|(_, held)| held.propagates(privilege))
    }

    fn listed(&self) -> impl Iterator<Item = (&str, &Privileges)> {
        self.0.iter().map(|(path, held)| (path.as_str(), held))
    }
}

/// Whether one path lies below another.
pub fn is_below(path: &str, top: &str) -> bool {
    let rest = path.strip_prefix(top.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}

/// What is granted at a pool holds for its members, propagated or not.
fn reaches_pools(path: &str, propagate: bool) -> bool {
    is_below(path, "/pool") || (propagate && path == "/pool")
}

fn is_pool_member(path: &str) -> bool {
    is_below(path, "/vms") || is_below(path, "/storage")
}

impl Client {
    /// The rights of a user, or of the caller without one; at one path, or at every path that the
    /// server lists without one.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub(in crate::pve) async fn fetch_rights(
        &self,
        user: Option<&UserId>,
        path: Option<&str>,
        context: &Context,
    ) -> Result<Rights, Error> {
        let user = user.map(ToString::to_string);
        let parameters = [("userid", user.as_deref()), ("path", path)];
        let query: Vec<(&str, &str)> = parameters
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let request = Request::get(&["access", "permissions"]).query(&query);
        let answer: BTreeMap<String, BTreeMap<String, Value>> =
            self.send(request, context).await?.decode()?;
        Ok(Rights::read(&answer))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Rights, is_below};

    fn rights(answer: serde_json::Value) -> Rights {
        Rights::read(&serde_json::from_value(answer).unwrap())
    }

    /// Whether an entry at the path reaches the privilege anywhere but at the path itself.
    fn beyond(rights: &Rights, privilege: &str, path: &str, propagate: bool) -> bool {
        rights.beyond(&rights.at(path), privilege, path, propagate)
    }

    #[test]
    fn a_path_is_below_another_by_whole_steps() {
        assert!(is_below("/vms/100", "/vms") && is_below("/vms", "/"));
        assert!(!is_below("/vms", "/vms") && !is_below("/vmsx", "/vms") && !is_below("/", "/"));
    }

    #[test]
    fn a_right_at_a_deeper_path_is_reached_by_what_propagates() {
        let rights = rights(json!({ "/vms/100": { "VM.Audit": 1 } }));
        assert!(beyond(&rights, "VM.Audit", "/vms", true));
        assert!(beyond(&rights, "VM.Audit", "/", true));
        assert!(!beyond(&rights, "VM.Audit", "/vms", false));
        assert!(!beyond(&rights, "VM.Audit", "/storage", true));
        assert!(!beyond(&rights, "VM.Console", "/vms", true));
    }

    #[test]
    fn a_right_at_a_member_is_reached_from_its_pool_even_without_propagation() {
        let rights = rights(json!({ "/vms/100": { "VM.Audit": 1 } }));
        assert!(beyond(&rights, "VM.Audit", "/pool/web", false));
        assert!(beyond(&rights, "VM.Audit", "/pool", true));
        assert!(!beyond(&rights, "VM.Audit", "/pool", false));
    }

    #[test]
    fn an_entry_that_does_not_propagate_hides_nothing_below() {
        let hidden = rights(json!({
            "/": { "VM.Audit": 1 }, "/vms": { "VM.Console": 0 }
        }));
        assert!(beyond(&hidden, "VM.Audit", "/vms", true));
        assert!(!beyond(&hidden, "VM.Audit", "/vms", false));
        let replaced = rights(json!({
            "/": { "VM.Audit": 1 }, "/vms": { "VM.Console": 1 }
        }));
        assert!(!beyond(&replaced, "VM.Audit", "/vms", true));
    }
}
