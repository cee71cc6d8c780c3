//! What a credential lacks, whether it is the token or its owner who lacks it, and what to grant.

use std::collections::BTreeMap;

use super::super::{Call, Client, Credentials, Roles, UserId, normalise_path};
use super::report::{Stage, Status};
use super::verdict::Verdict;

/// The role that holds every privilege: granting it is never the remedy.
const ALL: &str = "Administrator";

/// Privileges by path.
type ByPath = BTreeMap<String, Vec<String>>;

/// Who is asked about the rights of a credential that lacks some.
pub(super) struct Lookup<'a> {
    pub(super) client: &'a Client,
    /// Another credential for the same server, which may see more.
    pub(super) witness: Option<&'a Client>,
    pub(super) call: &'a Call,
}

impl Lookup<'_> {
    /// What to say of a credential that lacks all of this, `barred` if it has nothing anywhere.
    pub(super) async fn verdict(&self, missing: &ByPath, barred: bool) -> Verdict {
        let roles = self.client.known_roles(self.call).await.ok();
        let roles = roles.as_deref().filter(|roles| !roles.is_empty());
        let unheard = roles.map(|roles| unheard(missing, roles));
        let unheard = unheard.unwrap_or_default();
        let grantable = without(missing, &unheard);
        let credentials = &self.client.settings().credentials;
        let whose = credentials.identity();
        let whose = whose.as_deref().unwrap_or("nobody");
        let mut message = format!("{whose} is accepted and lacks {}.", listed(missing));
        let mut remedy = Vec::new();
        if barred {
            message.push_str(BARRED);
        }
        for name in &unheard {
            message.push_str(&no_such_privilege(name, roles));
        }
        if !unheard.is_empty() {
            remedy.push("Correct the names in required_privileges.".to_owned());
        }
        if !grantable.is_empty() {
            let grants = grants(&grantable, roles);
            remedy.push(match credentials {
                Credentials::Token(token) => {
                    let owner = &token.id.user;
                    let owner_lacks = self.lacked_by(owner, &grantable).await;
                    message.push_str(&of_owner(owner, owner_lacks.as_ref()));
                    for_token(owner, &grants, owner_lacks.as_ref(), roles)
                }
                _ => format!("Grant {grants} to {whose} or to a group of it."),
            });
        }
        Verdict {
            status: Status::MissingPrivileges,
            stage: Stage::Privileges,
            message,
            remedy: remedy.join(" "),
        }
    }

    /// What of this a token's owner lacks, too, as far as anybody here may look.
    async fn lacked_by(&self, owner: &UserId, missing: &ByPath) -> Option<ByPath> {
        for eyes in [Some(self.client), self.witness].into_iter().flatten() {
            if let Ok(true) = eyes.may_see_rights_of(owner, self.call).await {
                return self.seen_by(eyes, owner, missing).await;
            }
        }
        None
    }

    async fn seen_by(&self, eyes: &Client, owner: &UserId, missing: &ByPath) -> Option<ByPath> {
        let mut lacks = ByPath::new();
        for (path, names) in missing {
            let rights = eyes.rights_of(owner, Some(path), self.call).await.ok()?;
            let held = rights.at(&normalise_path(path));
            let lacked = names.iter().filter(|name| !held.contains(name));
            let lacked: Vec<String> = lacked.cloned().collect();
            if !lacked.is_empty() {
                lacks.insert(path.clone(), lacked);
            }
        }
        Some(lacks)
    }
}

/// `158-use-permissions-privsep1-noacl`
const BARRED: &str = " The token works but may do nothing at all: with privilege separation and no \
     ACL entry of its own a token has no rights, whatever its owner may do.";

fn of_owner(owner: &UserId, lacks: Option<&ByPath>) -> String {
    match lacks {
        None => String::new(),
        Some(lacks) if lacks.is_empty() => {
            format!(" Its owner {owner} has all of that: only the token's own grants fall short.")
        }
        Some(lacks) => format!(" Its owner {owner} lacks {}, too.", listed(lacks)),
    }
}

fn for_token(
    owner: &UserId,
    grants: &str,
    owner_lacks: Option<&ByPath>,
    roles: Option<&Roles>,
) -> String {
    let to_token = format!("Grant {grants}: to the token itself in acl");
    match owner_lacks {
        None => format!(
            "{to_token} (or set privilege_separation = false), and to its owner in any case."
        ),
        Some(lacks) if lacks.is_empty() => {
            format!("{to_token}, or set privilege_separation = false.")
        }
        Some(lacks) => format!(
            "{to_token} (or set privilege_separation = false); and to {owner} or to a group of it: \
             {}.",
            self::grants(lacks, roles)
        ),
    }
}

/// The names that no role of the host holds: it knows no such privilege.
fn unheard(missing: &ByPath, roles: &Roles) -> Vec<String> {
    let names = missing.values().flatten();
    let known = |name: &&String| roles.values().any(|held| held.contains(*name));
    let mut unheard: Vec<String> = names.filter(|name| !known(name)).cloned().collect();
    unheard.sort();
    unheard.dedup();
    unheard
}

fn no_such_privilege(name: &str, roles: Option<&Roles>) -> String {
    let known = roles.into_iter().flat_map(Roles::values).flatten();
    let nearest = known.min_by_key(|known| strsim::damerau_levenshtein(name, known));
    let nearest = nearest.map(|nearest| format!(" The nearest is {nearest}."));
    format!(
        " The host knows no privilege {name}.{}",
        nearest.unwrap_or_default()
    )
}

fn without(missing: &ByPath, unheard: &[String]) -> ByPath {
    let rest = missing.iter().map(|(path, names)| {
        let names = names.iter().filter(|name| !unheard.contains(name));
        (path.clone(), names.cloned().collect())
    });
    rest.filter(|(_, names): &(_, Vec<_>)| !names.is_empty())
        .collect()
}

fn listed(by_path: &ByPath) -> String {
    join(by_path, |_| String::new())
}

/// The privileges, with the least role that holds all that are needed at each path.
fn grants(by_path: &ByPath, roles: Option<&Roles>) -> String {
    join(by_path, |names| {
        let Some(roles) = roles else {
            return String::new();
        };
        match least(names, roles) {
            Some(role) => format!(" (for instance with the role {role})"),
            None => format!(" (no role but {ALL} holds all of these: make one, or grant several)"),
        }
    })
}

fn join(by_path: &ByPath, remark: impl Fn(&[String]) -> String) -> String {
    let parts = by_path.iter().map(|(path, names)| {
        let path = normalise_path(path);
        format!("{} on {path}{}", names.join(", "), remark(names))
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// The role that is enough and lets its holder change the least, and then see the least.
fn least<'a>(names: &[String], roles: &'a Roles) -> Option<&'a str> {
    let enough = roles
        .iter()
        .filter(|(role, held)| *role != ALL && names.iter().all(|name| held.contains(name)));
    let least = enough.min_by_key(|(role, held)| {
        let changes = held.iter().filter(|name| !name.ends_with(".Audit"));
        (changes.count(), held.len(), *role)
    });
    least.map(|(role, _)| role.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_path(entries: &[(&str, &[&str])]) -> ByPath {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let entry = |(path, privileges): &(&str, &[&str])| ((*path).to_owned(), names(privileges));
        entries.iter().map(entry).collect()
    }

    fn roles() -> Roles {
        let role = |(name, held): (&str, &[&str])| {
            let held = held.iter().map(|name| (*name).to_owned()).collect();
            (name.to_owned(), held)
        };
        let all: &[&str] = &[
            "Sys.Audit",
            "Sys.Modify",
            "Sys.PowerMgmt",
            "VM.Allocate",
            "VM.Audit",
        ];
        [
            ("Administrator", all),
            ("PVEAuditor", &["Sys.Audit", "VM.Audit"]),
            ("PVESysAdmin", &["Sys.Audit", "Sys.Modify"]),
            ("PVEVMAdmin", &["VM.Allocate", "VM.Audit"]),
            ("NoAccess", &[]),
        ]
        .map(role)
        .into()
    }

    #[test]
    fn the_least_role_that_is_enough_is_named_for_each_path() {
        let missing = by_path(&[("/", &["Sys.Audit"]), ("/vms/", &["VM.Allocate"])]);
        assert_eq!(
            grants(&missing, Some(&roles())),
            "Sys.Audit on / (for instance with the role PVEAuditor); \
             VM.Allocate on /vms (for instance with the role PVEVMAdmin)"
        );
        assert_eq!(
            grants(&missing, None),
            "Sys.Audit on /; VM.Allocate on /vms"
        );
    }

    #[test]
    fn the_role_that_may_do_everything_is_no_remedy() {
        let missing = by_path(&[("/", &["Sys.PowerMgmt"])]);
        let grants = grants(&missing, Some(&roles()));
        assert!(grants.contains("no role but Administrator"), "{grants}");
    }

    #[test]
    fn a_name_that_no_role_holds_is_no_privilege() {
        let missing = by_path(&[("/vms", &["VM.Alocate", "VM.Audit"])]);
        let unheard = unheard(&missing, &roles());
        assert_eq!(unheard, ["VM.Alocate"]);
        assert_eq!(
            no_such_privilege("VM.Alocate", Some(&roles())),
            " The host knows no privilege VM.Alocate. The nearest is VM.Allocate."
        );
        assert_eq!(
            without(&missing, &unheard),
            by_path(&[("/vms", &["VM.Audit"])])
        );
    }

    #[test]
    fn what_the_owner_lacks_is_granted_to_the_owner() {
        let owner: UserId = "demo@pve".parse().unwrap();
        let nothing = ByPath::new();
        let token_only = for_token(&owner, "X on /", Some(&nothing), None);
        assert!(!token_only.contains("demo@pve"), "{token_only}");
        let both = for_token(&owner, "X on /", Some(&by_path(&[("/", &["X"])])), None);
        assert!(
            both.contains("to demo@pve or to a group of it: X on /."),
            "{both}"
        );
    }
}
