//! Paths of the access control tree.

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

/// Whether one path lies below another.
pub fn is_below(path: &str, top: &str) -> bool {
    let rest = path.strip_prefix(top.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}

/// `/`, and then each step on the way to a normalised path, itself included.
pub(super) fn steps(path: &str) -> impl Iterator<Item = &str> {
    let deeper = path.match_indices('/').map(|(at, _)| at).skip(1);
    let deeper = deeper.chain([path.len()]).map(|end| &path[..end]);
    std::iter::once("/").chain(deeper.filter(|step| *step != "/"))
}

/// Why servers refuse an entry at a normalised path, or take it and do not store it; `None` if they
/// accept it or may accept it.
///
/// Letters beyond ASCII are taken and lost (recording `527-acl-path-not-ascii`). The accepted paths
/// are those of `525-acl-path-accepted`.
///
/// A server refuses such a path only when an entry is written (recordings
/// `291-acl-path-invalid`, `292-acl-path-invalid-chars`); it reports permissions at any path. A
/// later version may have more paths.
pub fn refused_path(path: &str) -> Option<&'static str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "./-_".contains(c);
    if !path.chars().all(is_allowed) {
        return Some("a path consists of ASCII letters, digits, `.`, `-`, `_` and slashes");
    }
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    match steps.as_slice() {
        [] | ["sdn", ..] => None,
        ["vms"] => None,
        ["vms", guest] if is_guest(guest) => None,
        ["vms", ..] => Some("`/vms` contains only guest ids, 100 or higher"),
        ["access"] | ["access", "groups" | "realm"] | ["access", "groups" | "realm", _] => None,
        ["access", ..] => Some(
            "`/access` contains only `/access/groups` and `/access/realm`, with one level of \
             groups or realms",
        ),
        ["nodes" | "storage"] | ["nodes" | "storage", _] => None,
        ["nodes", ..] => Some("`/nodes` contains only node names"),
        ["storage", ..] => Some("`/storage` contains only storage names"),
        ["mapping", rest @ ..] if rest.len() <= 2 => None,
        ["mapping", ..] => Some("`/mapping` contains only mapping types and mapping names"),
        ["pool", rest @ ..] if rest.len() <= 3 => None,
        ["pool", ..] => Some("pools are nested at most three levels deep"),
        _ => Some(
            "the top-level paths are `/access`, `/mapping`, `/nodes`, `/pool`, `/sdn`, `/storage` and `/vms`",
        ),
    }
}

fn is_guest(text: &str) -> bool {
    text.len() >= 3 && text.chars().all(|c| c.is_ascii_digit()) && !text.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::{is_below, normalise_path, refused_path, steps};

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

    #[test]
    fn a_path_is_below_another_by_whole_steps() {
        assert!(is_below("/vms/100", "/vms") && is_below("/vms", "/"));
        assert!(!is_below("/vms", "/vms") && !is_below("/vmsx", "/vms") && !is_below("/", "/"));
    }

    #[test]
    fn the_steps_to_a_path_begin_at_the_root() {
        assert_eq!(steps("/").collect::<Vec<_>>(), ["/"]);
        assert_eq!(
            steps("/access/groups/a").collect::<Vec<_>>(),
            ["/", "/access", "/access/groups", "/access/groups/a"]
        );
    }

    #[test]
    fn a_path_that_servers_accept_is_not_refused() {
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
            assert_eq!(refused_path(path), None, "{path}");
        }
    }

    #[test]
    fn an_refused_path_is_explained_by_the_tree() {
        for (path, expected) in [
            ("/nonsense", "/vms"),
            ("/vm/100", "/vms"),
            ("/vms/99", "100 or higher"),
            ("/vms/web", "guest ids"),
            ("/vms/100/disks", "guest ids"),
            ("/access/users/demo", "/access/groups"),
            ("/nodes/pve1/qemu", "node names"),
            ("/storage/local/iso", "storage names"),
            ("/mapping/pci/gpu/0", "mapping names"),
            ("/pool/a/b/c/d", "three levels"),
            ("/vms/*", "letters"),
            ("/storage/ä", "ASCII"),
            ("/sdn/zones/ö", "ASCII"),
        ] {
            let reason = refused_path(path).unwrap_or_default();
            assert!(reason.contains(expected), "{path}: {reason:?}");
        }
    }
}
