//! Missing privileges: who lacks them, and what to grant.

use crate::provider::diagnostics::explanation::Explanation;
use crate::provider::diagnostics::words::Words;
use crate::provider::nearest::nearest;
use crate::pve::diagnosis::{Lacking, MissingPrivileges, OwnerRights, RoleFor, TokenOwner};

/// The largest number of letters in which an unknown name may differ from the suggested one.
const SIMILAR: usize = 3;

/// The token of a credential has no privileges (recording `158-use-permissions-privsep1-noacl`).
pub const NO_PRIVILEGES: &str = "The token has no privileges: it has privilege separation and no \
     ACL entries of its own, or its owner has no privileges.";

const REPLACES: &str = "An ACL entry replaces the inherited ones at its path, so it must include \
     all privileges that are required there.";

/// The explanation of missing privileges.
pub fn explain(missing: &MissingPrivileges, words: Words) -> Explanation {
    Explanation {
        message: message(missing).join(" "),
        remedy: remedy(missing, words).join(" "),
    }
}

fn message(missing: &MissingPrivileges) -> Vec<String> {
    let mut sentences = vec![format!(
        "{} is authenticated, but lacks {}.",
        identity(missing),
        listed(&missing.missing)
    )];
    if missing.no_privileges {
        sentences.push(NO_PRIVILEGES.to_owned());
    }
    sentences.extend(missing.unknown.iter().map(|name| unknown(name, missing)));
    let rights = missing.owner.as_ref().and_then(|owner| {
        let rights = owner.rights.as_ref()?;
        Some(match listed(&rights.lacks) {
            none if none.is_empty() => {
                format!(
                    "Its owner {} has all of them; only the token lacks them.",
                    owner.user
                )
            }
            lacks => format!("Its owner {} also lacks {lacks}.", owner.user),
        })
    });
    sentences.extend(rights);
    sentences
}

fn remedy(missing: &MissingPrivileges, words: Words) -> Vec<String> {
    let mut sentences = Vec::new();
    if !missing.unknown.is_empty() {
        sentences.push(format!(
            "Correct the names in {}.",
            words.choose("`required_privileges`", "--require")
        ));
    }
    let grantable = missing.grantable();
    if !grantable.is_empty() {
        sentences.extend(match &missing.owner {
            Some(owner) => grant_for_token(&grantable, owner, words),
            None => vec![grant_to_user(identity(missing), &grantable)],
        });
        sentences.push(REPLACES.to_owned());
    }
    sentences
}

fn grant_for_token(grantable: &[Lacking], owner: &TokenOwner, words: Words) -> Vec<String> {
    let to_token = format!(
        "Grant the token itself {}{}",
        with_roles(grantable),
        words.choose(" in `acl`", "")
    );
    let instead = words.choose(
        "set `privilege_separation = false`",
        "turn its privilege separation off",
    );
    let to_owner = |lacks: &[Lacking]| grant_to_user(&owner.user.to_string(), lacks);
    match &owner.rights {
        None => vec![format!(
            "{to_token}, or {instead}. In either case, its owner {} needs the privileges, too.",
            owner.user
        )],
        Some(OwnerRights {
            lacks,
            privilege_separation: false,
        }) => vec![to_owner(lacks)],
        Some(rights) => {
            let mut sentences = vec![format!("{to_token}, or {instead}.")];
            if !rights.lacks.is_empty() {
                sentences.push(to_owner(&rights.lacks));
            }
            sentences
        }
    }
}

fn grant_to_user(user: &str, lacks: &[Lacking]) -> String {
    format!("Grant {user} or one of its groups {}.", with_roles(lacks))
}

fn identity(missing: &MissingPrivileges) -> &str {
    missing.identity.as_deref().unwrap_or("The anonymous user")
}

/// A name that the host does not know, with the most similar one that it does.
fn unknown(name: &str, missing: &MissingPrivileges) -> String {
    let known = missing.known.iter().map(String::as_str);
    let similar = nearest(name, known).into_iter().next();
    match similar.filter(|(_, distance)| *distance <= SIMILAR) {
        Some((similar, _)) => {
            format!("The host has no privilege {name}. Did you mean {similar}?")
        }
        None => format!("The host has no privilege {name}."),
    }
}

fn listed(lacking: &[Lacking]) -> String {
    join(lacking, |_| String::new())
}

/// The privileges, each path with the least role that has all that is required there.
fn with_roles(lacking: &[Lacking]) -> String {
    join(lacking, |lacking| match &lacking.role {
        RoleFor::Unknown => String::new(),
        RoleFor::Role(role) => format!(" (for example with the role {role})"),
        RoleFor::None => " (with a new role, because none except Administrator has all privileges \
                          required there)"
            .to_owned(),
    })
}

fn join(lacking: &[Lacking], note: impl Fn(&Lacking) -> String) -> String {
    let parts = lacking.iter().map(|one| {
        let names: Vec<&str> = one.privileges.iter().map(String::as_str).collect();
        format!("{} on {}{}", names.join(", "), one.path, note(one))
    });
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(path: &str, names: &[&str], role: RoleFor) -> Lacking {
        Lacking {
            path: path.to_owned(),
            privileges: names.iter().map(|&name| name.to_owned()).collect(),
            role,
        }
    }

    /// The message for `demo@pve!ci`, which lacks `VM.Audit` on `/vms`.
    fn of_token(rights: Option<OwnerRights>) -> Explanation {
        let missing = MissingPrivileges {
            identity: Some("demo@pve!ci".to_owned()),
            missing: vec![vm_audit()],
            unknown: [].into(),
            known: [].into(),
            no_privileges: false,
            owner: Some(TokenOwner {
                user: "demo@pve".parse().unwrap(),
                rights,
            }),
        };
        explain(&missing, Words::Attributes)
    }

    fn vm_audit() -> Lacking {
        lacking(
            "/vms",
            &["VM.Audit"],
            RoleFor::Role("PVEAuditor".to_owned()),
        )
    }

    #[test]
    fn privileges_are_granted_to_the_token_or_its_owner_whoever_lacks_them() {
        let rights = |lacks: &[Lacking], privilege_separation| {
            let lacks = lacks.to_vec();
            of_token(Some(OwnerRights {
                lacks,
                privilege_separation,
            }))
        };
        let grant = "VM.Audit on /vms (for example with the role PVEAuditor)";
        let token_only = rights(&[], true);
        assert!(token_only.message.contains("only the token lacks them"));
        assert!(
            token_only
                .remedy
                .starts_with(&format!("Grant the token itself {grant} in `acl`, or set"))
        );
        assert!(!token_only.remedy.contains("demo@pve"));
        let to_owner = format!("Grant demo@pve or one of its groups {grant}.");
        let both = rights(&[vm_audit()], true);
        assert!(both.message.contains("also lacks VM.Audit on /vms."));
        assert!(
            both.remedy.starts_with("Grant the token itself") && both.remedy.contains(&to_owner)
        );
        let owner_only = rights(&[vm_audit()], false);
        assert_eq!(owner_only.remedy, format!("{to_owner} {REPLACES}"));
        assert!(of_token(None).remedy.contains("its owner demo@pve needs"));
    }

    #[test]
    fn an_unknown_privilege_is_corrected_and_not_granted() {
        let missing = MissingPrivileges {
            identity: Some("demo@pve".to_owned()),
            missing: vec![lacking("/vms", &["VM.Alocate"], RoleFor::None)],
            unknown: ["VM.Alocate".to_owned()].into(),
            known: ["VM.Allocate", "VM.Audit"].map(str::to_owned).into(),
            no_privileges: false,
            owner: None,
        };
        let explained = explain(&missing, Words::Attributes);
        assert!(explained.message.ends_with("Did you mean VM.Allocate?"));
        assert_eq!(
            explained.remedy,
            "Correct the names in `required_privileges`."
        );
    }

    #[test]
    fn administrator_is_not_suggested() {
        let text = with_roles(&[lacking("/", &["Sys.PowerMgmt"], RoleFor::None)]);
        assert!(text.contains("none except Administrator"), "{text}");
    }
}
