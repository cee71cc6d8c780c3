//! The privileges of a version and the roles that come with it.
//!
//! A category of privileges has four levels: what only root may do, what an administrator, a
//! user and an auditor may do. The built-in roles are made from these levels, as the list of
//! recording 426-gzip shows for 9.1.

use std::collections::{BTreeMap, BTreeSet};

use crate::version::Version;

/// Privileges by name.
pub(crate) type Privileges = BTreeSet<String>;

/// One category: its name and its privileges by level.
struct Category {
    name: &'static str,
    root: &'static [&'static str],
    admin: &'static [&'static str],
    user: &'static [&'static str],
    audit: &'static [&'static str],
}

const CATEGORIES: &[Category] = &[
    Category {
        name: "VM",
        root: &[],
        admin: &[
            "VM.Config.Disk",
            "VM.Config.CPU",
            "VM.Config.Memory",
            "VM.Config.Network",
            "VM.Config.HWType",
            "VM.Config.Options",
            "VM.Allocate",
            "VM.Clone",
            "VM.GuestAgent.Unrestricted",
            "VM.Migrate",
            "VM.Monitor",
            "VM.Replicate",
            "VM.Snapshot",
            "VM.Snapshot.Rollback",
        ],
        user: &[
            "VM.Config.CDROM",
            "VM.Config.Cloudinit",
            "VM.Console",
            "VM.Backup",
            "VM.GuestAgent.FileRead",
            "VM.GuestAgent.FileSystemMgmt",
            "VM.GuestAgent.FileWrite",
            "VM.PowerMgmt",
        ],
        audit: &["VM.Audit", "VM.GuestAgent.Audit"],
    },
    Category {
        name: "Sys",
        root: &[
            "Sys.PowerMgmt",
            "Sys.Modify",
            "Sys.Incoming",
            "Sys.AccessNetwork",
        ],
        admin: &["Sys.Console", "Sys.Syslog"],
        user: &[],
        audit: &["Sys.Audit"],
    },
    Category {
        name: "Datastore",
        root: &[],
        admin: &["Datastore.Allocate", "Datastore.AllocateTemplate"],
        user: &["Datastore.AllocateSpace"],
        audit: &["Datastore.Audit"],
    },
    Category {
        name: "SDN",
        root: &[],
        admin: &["SDN.Allocate", "SDN.Audit"],
        user: &["SDN.Use"],
        audit: &["SDN.Audit"],
    },
    Category {
        name: "User",
        root: &["Realm.Allocate"],
        admin: &["User.Modify", "Group.Allocate", "Realm.AllocateUser"],
        user: &[],
        audit: &[],
    },
    Category {
        name: "Pool",
        root: &[],
        admin: &["Pool.Allocate"],
        user: &["Pool.Audit"],
        audit: &["Pool.Audit"],
    },
    Category {
        name: "Mapping",
        root: &[],
        admin: &["Mapping.Modify"],
        user: &["Mapping.Use"],
        audit: &["Mapping.Audit"],
    },
];

fn exists_in(version: Version, privilege: &str) -> bool {
    match privilege {
        "VM.Monitor" => version.vm_monitor(),
        "VM.Replicate" => !version.vm_monitor(),
        other => !other.starts_with("VM.GuestAgent.") || !version.vm_monitor(),
    }
}

/// Whether the version knows the privilege.
pub(crate) fn is_privilege(version: Version, name: &str) -> bool {
    name == "Permissions.Modify"
        || (exists_in(version, name)
            && CATEGORIES.iter().any(|category| {
                [category.root, category.admin, category.user, category.audit]
                    .concat()
                    .contains(&name)
            }))
}

/// The roles every installation has, with their privileges.
pub(crate) fn built_in(version: Version) -> BTreeMap<String, Privileges> {
    let mut roles: BTreeMap<String, Privileges> = BTreeMap::new();
    let mut grant = |role: String, levels: &[&[&str]]| {
        let known = levels
            .concat()
            .into_iter()
            .filter(|p| exists_in(version, p))
            .map(str::to_owned);
        roles.entry(role).or_default().extend(known);
    };
    grant("NoAccess".into(), &[]);
    grant("Administrator".into(), &[&["Permissions.Modify"]]);
    grant("PVETemplateUser".into(), &[&["VM.Clone", "VM.Audit"]]);
    for Category {
        name,
        root,
        admin,
        user,
        audit,
    } in CATEGORIES
    {
        grant("Administrator".into(), &[root, admin, user, audit]);
        grant("PVEAdmin".into(), &[admin, user, audit]);
        grant(format!("PVE{name}Admin"), &[admin, user, audit]);
        if !user.is_empty() {
            grant(format!("PVE{name}User"), &[user, audit]);
        }
        grant("PVEAuditor".into(), &[audit]);
    }
    if let Some(privileges) = roles.get_mut("PVEAdmin") {
        privileges.remove("Mapping.Modify");
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roles_are_those_of_the_recording() {
        let roles = built_in(Version::V9_1);
        assert_eq!(roles.len(), 17);
        assert_eq!(roles["Administrator"].len(), 47);
        assert_eq!(roles["PVEUserAdmin"].len(), 3);
        assert!(!roles["PVEAdmin"].contains("Mapping.Modify"));
        assert!(roles["PVEAuditor"].contains("VM.GuestAgent.Audit"));
    }

    #[test]
    fn vm_monitor_is_gone_with_nine() {
        assert!(is_privilege(Version::V8_2, "VM.Monitor"));
        assert!(!is_privilege(Version::V9_0, "VM.Monitor"));
        assert!(!is_privilege(Version::V8_2, "VM.GuestAgent.Audit"));
    }
}
