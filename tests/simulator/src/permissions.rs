//! Who may do what where.
//!
//! Walking from `/` down to a path, an entry replaces what came from above; a user's own entry
//! beats those of its groups at the same path; several roles add up; `NoAccess` beats all
//! others. What is granted at a pool holds for its members too, beside what they have and without
//! propagation. A token without privilege separation has its user's privileges; one with it has its
//! own, cut to those its user has too.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Subject, UserConfig};
use crate::grammar;
use crate::result::Failure;

/// Privileges with whether they propagate. A privilege with `false` is granted all the same.
pub(crate) type Granted = BTreeMap<String, bool>;

/// The paths whose permissions are listed even when nothing is granted there.
const TOP: [&str; 8] = [
    "/",
    "/access",
    "/access/groups",
    "/nodes",
    "/pool",
    "/sdn",
    "/storage",
    "/vms",
];

impl UserConfig {
    /// The roles of a user or a privilege-separated token at a path.
    fn roles_at(&self, subject: &Subject, path: &str) -> Granted {
        let mut roles = Granted::new();
        for (place, last) in steps(path) {
            let Some(here) = self.acl.get(&place) else {
                continue;
            };
            let applying = |granted: &Granted| -> Granted {
                let applies = granted.iter().filter(|&(_, &propagate)| last || propagate);
                applies
                    .map(|(role, &propagate)| (role.clone(), propagate))
                    .collect()
            };
            let own = here.get(subject).map(applying).unwrap_or_default();
            let found = if own.is_empty() {
                self.group_roles(here, subject, applying)
            } else {
                own
            };
            if !found.is_empty() {
                roles = found;
            }
        }
        if roles.contains_key("NoAccess") {
            roles.retain(|role, _| role == "NoAccess");
        }
        roles
    }

    /// The same with the roles at the pools that the path is a member of.
    fn roles_with_pools(&self, subject: &Subject, path: &str) -> Granted {
        let mut roles = self.roles_at(subject, path);
        if roles.contains_key("NoAccess") {
            return roles;
        }
        for (name, pool) in &self.pools {
            if !pool.members.contains(path) {
                continue;
            }
            for role in self.roles_at(subject, &format!("/pool/{name}")).into_keys() {
                roles.entry(role).or_insert(false);
            }
        }
        if roles.contains_key("NoAccess") {
            return Granted::from([("NoAccess".to_owned(), false)]);
        }
        roles
    }

    fn group_roles(
        &self,
        here: &crate::config::Grants,
        subject: &Subject,
        applying: impl Fn(&Granted) -> Granted,
    ) -> Granted {
        let Subject::User(userid) = subject else {
            return Granted::new();
        };
        let is_member = |group: &str| {
            self.groups
                .get(group)
                .is_some_and(|g| g.users.contains(userid))
        };
        here.iter()
            .filter(|(subject, _)| matches!(subject, Subject::Group(group) if is_member(group)))
            .flat_map(|(_, granted)| applying(granted))
            .collect()
    }

    fn privileges_of(&self, roles: &Granted) -> Granted {
        let mut privileges = Granted::new();
        for (role, &propagate) in roles {
            for privilege in self.role(role).into_iter().flatten() {
                *privileges.entry(privilege.clone()).or_default() |= propagate;
            }
        }
        privileges
    }

    /// What a user or token may do at a path.
    pub(crate) fn permissions(&self, id: &str, path: &str) -> Granted {
        if id == "root@pam" {
            let all = self
                .built_in_roles
                .get("Administrator")
                .into_iter()
                .flatten();
            return all.map(|privilege| (privilege.clone(), true)).collect();
        }
        let Some((userid, name)) = grammar::split_token(id) else {
            if grammar::verify_username(id).is_err() {
                return Granted::new();
            }
            let roles = self.roles_with_pools(&Subject::User(id.to_owned()), path);
            return self.privileges_of(&roles);
        };
        let Ok(token) = self.token(userid, name) else {
            return Granted::new();
        };
        let of_user = self.permissions(userid, path);
        if !token.privilege_separation {
            return of_user;
        }
        let roles = self.roles_with_pools(&Subject::Token(id.to_owned()), path);
        let own = self.privileges_of(&roles);
        let both = own.into_iter().filter_map(|(privilege, propagate)| {
            let of_user = *of_user.get(&privilege)?;
            Some((privilege, propagate && of_user))
        });
        both.collect()
    }

    /// What a user or token may do at every path where it may do anything.
    pub(crate) fn effective_permissions(&self, id: &str) -> BTreeMap<String, Granted> {
        let pools = self.pools.iter().flat_map(|(name, pool)| {
            let members = pool.members.iter().cloned();
            members.chain([format!("/pool/{name}")])
        });
        let paths = TOP
            .into_iter()
            .map(str::to_owned)
            .chain(self.acl_paths())
            .chain(pools)
            .collect::<BTreeSet<_>>();
        paths
            .into_iter()
            .map(|path| (path.clone(), self.permissions(id, &path)))
            .filter(|(_, granted)| !granted.is_empty())
            .collect()
    }

    /// Whether all of these privileges are there.
    pub(crate) fn check(&self, id: &str, path: &str, privileges: &[&str]) -> Result<(), Failure> {
        let granted = self.permissions(id, path);
        match privileges
            .iter()
            .find(|&&privilege| !granted.contains_key(privilege))
        {
            None => Ok(()),
            Some(missing) => Err(Failure::permission(&format!("{path}, {missing}"))),
        }
    }

    /// Whether at least one of these privileges is there.
    pub(crate) fn check_any(
        &self,
        id: &str,
        path: &str,
        privileges: &[&str],
    ) -> Result<(), Failure> {
        let granted = self.permissions(id, path);
        if privileges
            .iter()
            .any(|&privilege| granted.contains_key(privilege))
        {
            return Ok(());
        }
        Err(Failure::permission(&format!(
            "{path}, {}",
            privileges.join("|")
        )))
    }

    /// Whether the permissions of a path may be changed.
    pub(crate) fn check_perm_modify(&self, id: &str, path: &str) -> Result<(), Failure> {
        let below = |top: &str| path.strip_prefix(top).is_some_and(|rest| !rest.is_empty());
        let allocate = if below("/storage/") {
            "Datastore.Allocate"
        } else if below("/vms/") {
            "VM.Allocate"
        } else if below("/pool/") {
            "Pool.Allocate"
        } else {
            return self.check_any(id, path, &["Permissions.Modify"]);
        };
        self.check_any(id, path, &["Permissions.Modify", allocate])
    }

    /// The groups on which one of these privileges is there.
    pub(crate) fn groups_with(&self, id: &str, privileges: &[&str]) -> BTreeSet<&str> {
        let allowed = |group: &&String| {
            self.check_any(id, &format!("/access/groups/{group}"), privileges)
                .is_ok()
        };
        self.groups
            .keys()
            .filter(allowed)
            .map(String::as_str)
            .collect()
    }

    /// Whether a user is a member of one of the groups.
    pub(crate) fn is_member_of_any(&self, userid: &str, groups: &BTreeSet<&str>) -> bool {
        groups
            .iter()
            .filter_map(|group| self.groups.get(*group))
            .any(|group| group.users.contains(userid))
    }
}

/// The places on the way to a path, and whether each is the path itself. A path without its
/// leading slash leaves out the root, trailing slashes count for nothing.
fn steps(path: &str) -> Vec<(String, bool)> {
    let trimmed = path.trim_end_matches('/');
    let mut place = String::new();
    let mut steps: Vec<String> = Vec::new();
    for part in trimmed.split('/') {
        if part.is_empty() {
            steps.push("/".to_owned());
        } else {
            place = format!("{place}/{part}");
            steps.push(place.clone());
        }
    }
    let last = steps.len();
    let numbered = steps.into_iter().zip(1..);
    numbered
        .map(|(place, number)| (place, number == last))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Group, Pool, Token, User};
    use crate::roles;
    use crate::version::Version;

    fn config() -> UserConfig {
        let mut config = UserConfig {
            built_in_roles: roles::built_in(Version::V9_1),
            ..UserConfig::default()
        };
        let mut user = User::default();
        user.tokens.insert("sep".into(), Token::default());
        user.tokens.insert(
            "full".into(),
            Token {
                privilege_separation: false,
                ..Token::default()
            },
        );
        config.users.insert("demo@pve".into(), user);
        let group = Group {
            users: BTreeSet::from(["demo@pve".to_owned()]),
            ..Group::default()
        };
        config.groups.insert("grp1".into(), group);
        config
    }

    fn user() -> Subject {
        Subject::parse("demo@pve")
    }

    fn has(config: &UserConfig, id: &str, path: &str, privilege: &str) -> bool {
        config.check(id, path, &[privilege]).is_ok()
    }

    #[test]
    fn a_deeper_entry_replaces_what_comes_from_above() {
        let mut config = config();
        config.grant("/", user(), "PVEAuditor", true);
        config.grant("/vms", user(), "PVEVMUser", true);
        assert!(has(&config, "demo@pve", "/", "Sys.Audit"));
        assert!(!has(&config, "demo@pve", "/vms/100", "Sys.Audit"));
        assert!(has(&config, "demo@pve", "/vms/100", "VM.Console"));
    }

    #[test]
    fn without_propagation_an_entry_ends_at_its_path() {
        let mut config = config();
        config.grant("/", user(), "PVEAuditor", false);
        assert_eq!(
            config.permissions("demo@pve", "/").get("Sys.Audit"),
            Some(&false)
        );
        assert!(!has(&config, "demo@pve", "/access", "Sys.Audit"));
    }

    #[test]
    fn a_trailing_slash_changes_nothing() {
        let mut config = config();
        config.grant("/vms", user(), "PVEVMUser", false);
        assert!(has(&config, "demo@pve", "/vms/", "VM.Console"));
        assert_eq!(steps("/"), [("/".to_owned(), true)]);
        let way = [("/".to_owned(), false), ("/vms".to_owned(), true)];
        assert_eq!(steps("/vms//"), way);
    }

    #[test]
    fn several_roles_add_up_and_no_access_beats_them() {
        let mut config = config();
        config.grant("/vms", user(), "PVEAuditor", true);
        config.grant("/vms", user(), "PVEVMUser", true);
        assert!(has(&config, "demo@pve", "/vms", "Sys.Audit"));
        assert!(has(&config, "demo@pve", "/vms", "VM.Console"));
        config.grant("/vms", user(), "NoAccess", true);
        assert!(config.permissions("demo@pve", "/vms").is_empty());
    }

    #[test]
    fn a_users_own_entry_beats_its_groups_at_the_same_path() {
        let mut config = config();
        config.grant("/vms", Subject::parse("@grp1"), "PVEVMAdmin", true);
        assert!(has(&config, "demo@pve", "/vms", "VM.Allocate"));
        config.grant("/vms", user(), "PVEAuditor", true);
        assert!(!has(&config, "demo@pve", "/vms", "VM.Allocate"));
    }

    #[test]
    fn what_is_granted_at_a_pool_holds_for_its_members_beside_what_they_have() {
        let mut config = config();
        let members = BTreeSet::from(["/vms/100".to_owned()]);
        config.pools.insert("web".into(), Pool { members });
        config.grant("/pool/web", user(), "PVEVMUser", true);
        config.grant("/vms", user(), "PVEAuditor", true);
        let held = config.permissions("demo@pve", "/vms/100");
        assert_eq!(held.get("VM.Console"), Some(&false));
        assert_eq!(held.get("Sys.Audit"), Some(&true));
        assert!(!has(&config, "demo@pve", "/vms/101", "VM.Console"));
        let listed = config.effective_permissions("demo@pve");
        assert!(listed.contains_key("/vms/100"));
        config.grant("/vms/100", user(), "NoAccess", true);
        assert!(config.permissions("demo@pve", "/vms/100").is_empty());
    }

    #[test]
    fn a_separated_token_has_what_both_have() {
        let mut config = config();
        config.grant("/", user(), "PVEAuditor", true);
        assert!(config.permissions("demo@pve!sep", "/vms").is_empty());
        assert!(has(&config, "demo@pve!full", "/vms", "Sys.Audit"));
        config.grant("/vms", Subject::parse("demo@pve!sep"), "PVEVMAdmin", true);
        let seen: Vec<_> = config
            .permissions("demo@pve!sep", "/vms")
            .into_keys()
            .collect();
        assert_eq!(seen, ["VM.Audit", "VM.GuestAgent.Audit"]);
    }

    #[test]
    fn the_root_user_may_everything_but_its_separated_token_only_what_it_was_granted() {
        let mut config = config();
        let mut root = User::default();
        root.tokens.insert("sep".into(), Token::default());
        config.users.insert("root@pam".into(), root);
        assert!(has(&config, "root@pam", "/", "Permissions.Modify"));
        assert!(config.permissions("root@pam!sep", "/").is_empty());
        config.grant(
            "/access/groups",
            Subject::parse("root@pam!sep"),
            "PVEUserAdmin",
            true,
        );
        assert!(has(
            &config,
            "root@pam!sep",
            "/access/groups/grp1",
            "User.Modify"
        ));
    }

    #[test]
    fn the_storage_allocate_privilege_opens_its_own_paths_only() {
        let mut config = config();
        config.grant("/", user(), "PVEDatastoreAdmin", true);
        assert!(
            config
                .check_perm_modify("demo@pve", "/storage/local")
                .is_ok()
        );
        assert!(config.check_perm_modify("demo@pve", "/storage").is_err());
        assert!(config.check_perm_modify("demo@pve", "/vms/100").is_err());
    }
}
