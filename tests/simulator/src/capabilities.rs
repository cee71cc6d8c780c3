//! The summary of privileges that a login answers with, for the web interface to hide what one
//! may not do.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::UserConfig;

impl UserConfig {
    /// The summary that a login answers with, by area.
    pub(crate) fn capabilities(
        &self,
        userid: &str,
    ) -> BTreeMap<&'static str, BTreeMap<String, u8>> {
        let mut areas: BTreeMap<&'static str, BTreeMap<String, u8>> = AREAS
            .iter()
            .map(|area| (area.name, BTreeMap::new()))
            .collect();
        let required = [
            "/",
            "/nodes",
            "/access/groups",
            "/vms",
            "/storage",
            "/sdn",
            "/mapping",
        ];
        let paths = required
            .into_iter()
            .map(str::to_owned)
            .chain(self.acl_paths());
        for path in paths.collect::<BTreeSet<_>>() {
            let top = path
                .split('/')
                .nth(1)
                .filter(|top| !top.is_empty())
                .unwrap_or("dc");
            for privilege in self.permissions(userid, &path).into_keys() {
                for area in areas_of(top, &privilege) {
                    areas.entry(area).or_default().insert(privilege.clone(), 1);
                }
            }
        }
        areas
    }
}

/// One area of the login's summary and the privileges it lists.
struct Area {
    name: &'static str,
    prefixes: &'static [&'static str],
}

const AREAS: [Area; 7] = [
    Area {
        name: "vms",
        prefixes: &["VM.", "Permissions.Modify"],
    },
    Area {
        name: "access",
        prefixes: &["User.", "Group.", "Permissions.Modify"],
    },
    Area {
        name: "storage",
        prefixes: &["Datastore.", "Permissions.Modify"],
    },
    Area {
        name: "nodes",
        prefixes: &["Sys.", "Permissions.Modify"],
    },
    Area {
        name: "sdn",
        prefixes: &["SDN.", "Permissions.Modify"],
    },
    Area {
        name: "dc",
        prefixes: &["Sys.Audit", "Sys.Modify", "SDN."],
    },
    Area {
        name: "mapping",
        prefixes: &["Mapping.", "Permissions.Modify"],
    },
];

fn areas_of(top: &str, privilege: &str) -> Vec<&'static str> {
    if top == "pool" {
        return match privilege {
            "Permissions.Modify" => vec!["storage", "vms"],
            other if other.starts_with("VM.") => vec!["vms"],
            other if other.starts_with("Datastore.") => vec!["storage"],
            _ => vec![],
        };
    }
    AREAS
        .iter()
        .filter(|area| area.name == top)
        .filter(|area| {
            area.prefixes
                .iter()
                .any(|prefix| privilege.starts_with(prefix))
        })
        .map(|area| area.name)
        .collect()
}
