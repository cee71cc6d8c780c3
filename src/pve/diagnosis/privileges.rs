//! What a credential lacks, whether it is the token or its owner who lacks it, and what to grant.

use std::collections::{BTreeMap, BTreeSet};

use crate::pve::auth::credentials::Credentials;
use crate::pve::cluster::Cluster;
use crate::pve::context::Context;
use crate::pve::diagnosis::report::{Requirements, Stage, Status};
use crate::pve::diagnosis::verdict::Verdict;
use crate::pve::id::{TokenId, UserId};
use crate::pve::permissions::path::normalise_path;
use crate::pve::permissions::roles::{ADMINISTRATOR, Roles, is_privilege, least_role};

/// How many letters a misspelt name is off at most.
const NEAR: usize = 3;

/// Privileges by path.
type ByPath = BTreeMap<String, Vec<String>>;

/// Who is asked about the rights of a credential that lacks some.
pub(crate) struct Lookup<'a> {
    pub(crate) client: &'a Cluster,
    /// Another credential for the same server, which may see more.
    pub(crate) witness: Option<&'a Cluster>,
    pub(crate) context: &'a Context,
    /// All that is needed, of which some is missing.
    pub(crate) requirements: &'a Requirements,
}

/// What is known of a token's owner.
struct Seen {
    /// What the owner lacks, too.
    lacks: ByPath,
    /// Whether the token has grants of its own.
    separated: bool,
}

impl Lookup<'_> {
    /// What to say of a credential that lacks all of this, `barred` if it has nothing anywhere.
    pub(crate) async fn verdict(&self, missing: &ByPath, barred: bool) -> Verdict {
        let roles = self.client.known_roles(self.context).await.ok();
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
            let needed = &self.requirements.privileges;
            let grants = |missing: &ByPath| grants(missing, needed, roles);
            remedy.push(match credentials {
                Credentials::Token(token) => {
                    let seen = self.look_at_owner(&token.id, &grantable).await;
                    message.push_str(&of_owner(&token.id.user, seen.as_ref()));
                    for_token(&token.id.user, &grantable, seen.as_ref(), grants)
                }
                _ => format!(
                    "Grant {} to {whose} or to a group of it.",
                    grants(&grantable)
                ),
            });
            remedy.push(REPLACES.to_owned());
        }
        Verdict {
            status: Status::MissingPrivileges,
            stage: Stage::Privileges,
            message,
            remedy: remedy.join(" "),
        }
    }

    /// What a token's owner lacks, too, as far as anybody here may look.
    async fn look_at_owner(&self, token: &TokenId, missing: &ByPath) -> Option<Seen> {
        for eyes in [Some(self.client), self.witness].into_iter().flatten() {
            if let Ok(true) = eyes.may_see_rights_of(&token.user, self.context).await {
                return self.seen_by(eyes, token, missing).await;
            }
        }
        None
    }

    async fn seen_by(&self, eyes: &Cluster, token: &TokenId, missing: &ByPath) -> Option<Seen> {
        let owner = eyes.fetch_user(&token.user, self.context).await.ok()??;
        let separated = owner.tokens.get(token.name.as_str())?.privilege_separation;
        let mut lacks = ByPath::new();
        for (path, names) in missing {
            let rights = eyes.rights_of(&token.user, Some(path), self.context);
            let held = rights.await.ok()?.at(&normalise_path(path));
            let lacked = names.iter().filter(|name| !held.contains(name));
            let lacked: Vec<String> = lacked.cloned().collect();
            if !lacked.is_empty() {
                lacks.insert(path.clone(), lacked);
            }
        }
        Some(Seen { lacks, separated })
    }
}

/// Whoever grants only what is missing takes away what was inherited.
const REPLACES: &str = "An entry takes the place of what is inherited at its path: it has to hold \
     all that is needed there.";

/// `158-use-permissions-privsep1-noacl`
pub(crate) const BARRED: &str = " The token works but may do nothing at all: it has privilege \
     separation and no grants of its own, or its owner has no rights.";

fn of_owner(owner: &UserId, seen: Option<&Seen>) -> String {
    match seen {
        None => String::new(),
        Some(seen) if seen.lacks.is_empty() => {
            format!(" Its owner {owner} has all of that: only the token's own grants fall short.")
        }
        Some(seen) => format!(" Its owner {owner} lacks {}, too.", listed(&seen.lacks)),
    }
}

fn for_token(
    owner: &UserId,
    missing: &ByPath,
    seen: Option<&Seen>,
    grants: impl Fn(&ByPath) -> String,
) -> String {
    let to_token = || format!("Grant {}: to the token itself in acl", grants(missing));
    let to_owner = |lacks: &ByPath| format!("to {owner} or to a group of it: {}", grants(lacks));
    match seen {
        None => format!(
            "{} (or set privilege_separation = false), and to its owner in any case.",
            to_token()
        ),
        Some(seen) if !seen.separated => format!("Grant {}.", to_owner(&seen.lacks)),
        Some(seen) if seen.lacks.is_empty() => {
            format!("{}, or set privilege_separation = false.", to_token())
        }
        Some(seen) => format!(
            "{} (or set privilege_separation = false); and {}.",
            to_token(),
            to_owner(&seen.lacks)
        ),
    }
}

/// The names that no role of the host holds: it knows no such privilege.
fn unheard(missing: &ByPath, roles: &Roles) -> Vec<String> {
    let names = missing.values().flatten();
    let unknown = names.filter(|name| !is_privilege(name, roles));
    let mut unheard: Vec<String> = unknown.cloned().collect();
    unheard.sort();
    unheard.dedup();
    unheard
}

fn no_such_privilege(name: &str, roles: Option<&Roles>) -> String {
    let known = roles.into_iter().flat_map(Roles::values).flatten();
    let far = |known: &str| strsim::damerau_levenshtein(name, known);
    let near = known.filter(|known| far(known) <= NEAR);
    let nearest = near.min_by_key(|known| far(known));
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

/// The privileges, with the least role that has all that is needed at each path.
fn grants(
    missing: &ByPath,
    needed: &BTreeMap<String, BTreeSet<String>>,
    roles: Option<&Roles>,
) -> String {
    join(missing, |path| {
        let Some(roles) = roles else {
            return String::new();
        };
        let needed = needed.get(path).into_iter().flatten();
        let needed = needed
            .map(String::as_str)
            .filter(|name| is_privilege(name, roles));
        match least_role(&needed.collect(), roles) {
            Some(role) => format!(" (for instance with the role {role})"),
            None => {
                format!(" (no role but {ADMINISTRATOR} has all that is needed there: make one)")
            }
        }
    })
}

fn join(by_path: &ByPath, remark: impl Fn(&str) -> String) -> String {
    let parts = by_path.iter().map(|(path, names)| {
        let names = names.join(", ");
        format!("{names} on {}{}", normalise_path(path), remark(path))
    });
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_path(entries: &[(&str, &[&str])]) -> ByPath {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let entry = |(path, privileges): &(&str, &[&str])| ((*path).to_owned(), names(privileges));
        entries.iter().map(entry).collect()
    }

    /// As it would be if nothing else were needed.
    fn granted(missing: &ByPath, roles: Option<&Roles>) -> String {
        grants(missing, &needed(missing), roles)
    }

    fn needed(names: &ByPath) -> BTreeMap<String, BTreeSet<String>> {
        let entry = |(path, names): (&String, &Vec<String>)| {
            (path.clone(), names.iter().cloned().collect())
        };
        names.iter().map(entry).collect()
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
            granted(&missing, Some(&roles())),
            "Sys.Audit on / (for instance with the role PVEAuditor); \
             VM.Allocate on /vms (for instance with the role PVEVMAdmin)"
        );
        assert_eq!(
            granted(&missing, None),
            "Sys.Audit on /; VM.Allocate on /vms"
        );
    }

    #[test]
    fn the_role_that_may_do_everything_is_no_remedy() {
        let missing = by_path(&[("/", &["Sys.PowerMgmt"])]);
        let grants = granted(&missing, Some(&roles()));
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
        let missing = by_path(&[("/", &["X"])]);
        let remedy = |lacks: &ByPath, separated| {
            let seen = Seen {
                lacks: lacks.clone(),
                separated,
            };
            for_token(&owner, &missing, Some(&seen), listed)
        };
        let token_only = remedy(&ByPath::new(), true);
        assert!(!token_only.contains("demo@pve"), "{token_only}");
        let both = remedy(&missing, true);
        let to_owner = "to demo@pve or to a group of it: X on /.";
        assert!(
            both.starts_with("Grant X on /: to the token itself"),
            "{both}"
        );
        assert!(both.ends_with(to_owner), "{both}");
        assert_eq!(remedy(&missing, false), format!("Grant {to_owner}"));
    }

    #[test]
    fn the_role_has_what_is_there_already_and_needed_too() {
        let missing = by_path(&[("/vms", &["Sys.Audit"])]);
        let needed = needed(&by_path(&[(
            "/vms",
            &["Sys.Audit", "VM.Allocate", "VM.Alocate"],
        )]));
        let mut roles = roles();
        let both = ["Sys.Audit", "VM.Allocate", "VM.Audit"].map(str::to_owned);
        roles.insert("Both".to_owned(), both.into());
        let grants = grants(&missing, &needed, Some(&roles));
        assert!(grants.ends_with("with the role Both)"), "{grants}");
    }
}
