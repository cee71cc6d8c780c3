//! How the server spells names: users, realms, tokens, groups, roles, paths.
//!
//! These are the server's regular expressions as functions. A trailing newline is tolerated
//! where Perl's `$` tolerates it (054-token-create-id-trailing-newline).

/// Perl's `$` matches before one final newline.
fn chomp(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// A realm or a token name: a letter, then at least one of `[A-Za-z0-9._-]`.
pub(crate) fn is_realm(text: &str) -> bool {
    let text = chomp(text);
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && text.len() >= 2
        && characters.all(is_word)
}

/// The part of a user id before the last `@`.
fn is_user_part(text: &str) -> bool {
    !text.is_empty()
        && !text
            .chars()
            .any(|c| c.is_whitespace() || matches!(c, ':' | '/'))
}

/// Splits `user@realm` at the last `@`.
pub(crate) fn split_user(userid: &str) -> Option<(&str, &str)> {
    let (user, realm) = chomp(userid).rsplit_once('@')?;
    (is_user_part(user) && is_realm(realm)).then_some((user, realm))
}

/// Splits `user@realm!name` into the user id and the token name.
pub(crate) fn split_token(id: &str) -> Option<(&str, &str)> {
    let (user, name) = chomp(id).rsplit_once('!')?;
    (split_user(user).is_some() && is_realm(name)).then_some((user, name))
}

/// Checks a user id as `verify_username` does; the error is the server's text.
pub(crate) fn verify_username(userid: &str) -> Result<(&str, &str), String> {
    let length = userid.chars().count();
    if length < 3 {
        return Err(format!("user name '{userid}' is too short\n"));
    }
    if length > 64 {
        return Err(format!(
            "user name '{userid}' is too long ({length} > 64)\n"
        ));
    }
    split_user(userid)
        .ok_or_else(|| format!("value '{userid}' does not look like a valid user name\n"))
}

/// A group or role name.
pub(crate) fn is_group(text: &str) -> bool {
    let text = chomp(text);
    !text.is_empty() && text.chars().all(is_word)
}

/// A property name as the `delete` parameter takes it.
pub(crate) fn is_config_id(text: &str) -> bool {
    let text = chomp(text);
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && text.len() >= 2
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// An e-mail address as the server accepts it.
pub(crate) fn is_email(text: &str) -> bool {
    let atom = |s: &str| {
        !s.is_empty()
            && s.chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '+' | '-' | '~'))
    };
    let label = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    chomp(text)
        .split_once('@')
        .is_some_and(|(local, host)| local.split('.').all(atom) && host.split('.').all(label))
}

/// Splits a list parameter at commas, semicolons, white space and NUL.
pub(crate) fn split_list(text: &str) -> Vec<&str> {
    text.split(|c: char| matches!(c, ',' | ';' | '\0') || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .collect()
}

/// Brings an ACL path into the form it is stored in, or `None` when it cannot be one.
pub(crate) fn normalize_path(path: &str) -> Option<String> {
    if path.is_empty() || path == "0" {
        return None;
    }
    let mut normal = String::from("/");
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if normal.len() > 1 {
            normal.push('/');
        }
        normal.push_str(part);
    }
    normal
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/'))
        .then_some(normal)
}

/// Whether a normalised path is one of those that may carry permissions.
pub(crate) fn is_acl_path(path: &str) -> bool {
    // Letters are those of any script here (527-acl-path-not-ascii).
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let word = |s: &&str| s.chars().all(is_letter);
    let plain = |s: &str| s.chars().all(char::is_alphanumeric);
    let number = |s: &str, least: usize, most: usize| {
        (least..=most).contains(&s.len())
            && s.chars().all(|c| c.is_ascii_digit())
            && !s.starts_with('0')
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => true,
        ["access" | "nodes" | "pool" | "sdn" | "storage" | "vms" | "mapping"] => true,
        ["access", "groups" | "realm"] => true,
        ["access", "groups" | "realm", name] | ["nodes" | "storage", name] => word(name),
        ["pool", rest @ ..] => rest.len() <= 3 && rest.iter().all(word),
        ["vms", id] => number(id, 3, usize::MAX),
        ["mapping", rest @ ..] => rest.len() <= 2 && rest.iter().all(word),
        [
            "sdn",
            "controllers" | "dns" | "fabrics" | "ipams" | "prefix-lists" | "route-maps" | "zones",
        ] => true,
        ["sdn", "controllers", name] => name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')),
        [
            "sdn",
            "dns" | "fabrics" | "ipams" | "prefix-lists" | "route-maps",
            name,
        ] => plain(name),
        ["sdn", "zones", rest @ ..] if rest.len() <= 2 => rest.iter().all(word),
        ["sdn", "zones", zone, bridge, vlan] => word(zone) && word(bridge) && number(vlan, 1, 4),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_id_is_split_from_the_right() {
        assert_eq!(split_token("a@b@pve!t1"), Some(("a@b@pve", "t1")));
        assert_eq!(split_token("we!rd@pve!t1"), Some(("we!rd@pve", "t1")));
        assert_eq!(split_token("demo@pve"), None);
        assert_eq!(split_token("demo!use0"), None);
    }

    #[test]
    fn names_are_two_characters_or_more_and_start_with_a_letter() {
        assert!(is_realm("ab") && is_realm("a.b-c_d") && is_realm("abn\n"));
        assert!(!is_realm("a") && !is_realm("1abc") && !is_realm("-abc") && !is_realm("ab!c"));
    }

    #[test]
    fn paths_are_normalised_before_they_are_compared() {
        assert_eq!(normalize_path("vms//100/").as_deref(), Some("/vms/100"));
        assert_eq!(normalize_path("/").as_deref(), Some("/"));
        assert_eq!(normalize_path("/vms/a b"), None);
        assert_eq!(normalize_path(""), None);
    }

    #[test]
    fn only_known_places_carry_permissions() {
        assert!(is_acl_path("/") && is_acl_path("/vms/100") && is_acl_path("/pool/a/b/c"));
        assert!(
            !is_acl_path("/nonsense") && !is_acl_path("/vms/99") && !is_acl_path("/pool/a/b/c/d")
        );
    }
}
