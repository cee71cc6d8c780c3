//! Which paths the access control tree has.
//!
//! The server refuses other ones, but only when they are written (recordings
//! `291-acl-path-invalid`, `292-acl-path-invalid-chars`): asked for the permissions at a path, it
//! answers whatever the path is. So what can be said beforehand is what the servers of today
//! have, and a later one may have more.

/// The path as the server keeps it: one slash in front, none behind, none doubled
/// (recordings `281-acl-set-trailing-slash`, `282-acl-set-no-leading-slash`).
pub fn normalise_path(path: &str) -> String {
    let parts: Vec<&str> = path
        .trim()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    format!("/{}", parts.join("/"))
}

/// Why the servers of today would refuse an entry at a normalised path; `None` if they take it.
/// Where it is not certain, they take it.
pub fn path_doubt(path: &str) -> Option<&'static str> {
    let is_allowed = |c: char| c.is_alphanumeric() || "./-_".contains(c);
    if !path.chars().all(is_allowed) {
        return Some("a path has only letters, digits, `.`, `-`, `_` and slashes");
    }
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    match steps.as_slice() {
        [] | ["sdn", ..] => None,
        ["vms"] => None,
        ["vms", guest] if is_guest(guest) => None,
        ["vms", ..] => Some("below `/vms` there are only the numbers of guests, 100 or more"),
        ["access"] | ["access", "groups" | "realm"] | ["access", "groups" | "realm", _] => None,
        ["access", ..] => Some(
            "below `/access` there are only `/access/groups` and `/access/realm`, and the names \
             of groups and realms below those",
        ),
        ["nodes" | "storage"] | ["nodes" | "storage", _] => None,
        ["nodes", ..] => Some("below `/nodes` there are only the names of nodes"),
        ["storage", ..] => Some("below `/storage` there are only the names of storages"),
        ["mapping", rest @ ..] if rest.len() <= 2 => None,
        ["mapping", ..] => Some("below `/mapping` there are only kinds and names of mappings"),
        ["pool", rest @ ..] if rest.len() <= 3 => None,
        ["pool", ..] => Some("pools are nested three deep at most"),
        _ => Some(
            "the tree has `/access`, `/mapping`, `/nodes`, `/pool`, `/sdn`, `/storage` and `/vms`",
        ),
    }
}

fn is_guest(text: &str) -> bool {
    text.len() >= 3 && text.chars().all(|c| c.is_ascii_digit()) && !text.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::{normalise_path, path_doubt};

    #[test]
    fn nothing_is_said_of_what_servers_take() {
        for path in [
            "/",
            "/access",
            "/access/groups/automation",
            "/access/realm/pve",
            "/mapping/pci/gpu-1",
            "/nodes/pve1",
            "/pool/a/b/c",
            "/sdn/zones/z1/vnet0/100",
            "/storage/local-lvm",
            "/vms",
            "/vms/100",
            "/vms/999999999",
        ] {
            assert_eq!(path_doubt(path), None, "{path}");
        }
    }

    #[test]
    fn a_path_outside_the_tree_is_doubted_and_the_tree_is_told() {
        for (path, told) in [
            ("/nonsense", "/vms"),
            ("/vm/100", "/vms"),
            ("/vms/99", "100 or more"),
            ("/vms/web", "numbers of guests"),
            ("/vms/100/disks", "numbers of guests"),
            ("/access/users/demo", "/access/groups"),
            ("/nodes/pve1/qemu", "names of nodes"),
            ("/storage/local/iso", "names of storages"),
            ("/mapping/pci/gpu/0", "mappings"),
            ("/pool/a/b/c/d", "three deep"),
            ("/vms/*", "letters"),
        ] {
            let doubt = path_doubt(path).unwrap_or_default();
            assert!(doubt.contains(told), "{path}: {doubt:?}");
        }
    }

    #[test]
    fn paths_are_normalised_as_the_server_does() {
        for (given, expected) in [
            ("/", "/"),
            ("", "/"),
            ("/vms/", "/vms"),
            ("vms/100", "/vms/100"),
            ("//vms//100", "/vms/100"),
        ] {
            assert_eq!(normalise_path(given), expected, "{given}");
        }
    }
}
