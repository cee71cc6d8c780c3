//! From a path to the method behind it.

use std::collections::BTreeMap;

use crate::api;
use crate::call::Method;
use crate::result::Format;

/// Splits `/api2/<format>/<path>`; the path is `/` when there is none.
pub(crate) fn split_format(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/api2")?;
    let name = rest.trim_start_matches('/');
    if name.len() == rest.len() {
        return None;
    }
    let (format, path) = match name.find('/') {
        Some(at) => name.split_at(at),
        None => (name, "/"),
    };
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let valid = format.len() >= 2
        && format.chars().all(word)
        && format.starts_with(|c: char| c.is_ascii_lowercase());
    valid.then_some((format, path))
}

/// The output format of that name.
pub(crate) fn format(name: &str) -> Option<Format> {
    match name {
        "json" => Some(Format::Json),
        "extjs" => Some(Format::ExtJs),
        _ => None,
    }
}

/// The method for a verb and path, and the parameters its path holds.
pub(crate) fn find(verb: &str, path: &str) -> Option<(&'static Method, BTreeMap<String, String>)> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    api::methods()
        .filter(|method| method.verb == verb)
        .find_map(|method| Some((method, match_path(method.path, &parts)?)))
}

fn match_path(template: &str, parts: &[&str]) -> Option<BTreeMap<String, String>> {
    let template: Vec<&str> = template
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    if template.len() != parts.len() {
        return None;
    }
    let mut found = BTreeMap::new();
    for (pattern, part) in template.iter().zip(parts) {
        let Some(name) = pattern
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        else {
            if pattern != part {
                return None;
            }
            continue;
        };
        // 054-token-create-id-trailing-newline: one final newline is dropped, no other space fits.
        let value = part.strip_suffix('\n').unwrap_or(part);
        if value.is_empty() || value.chars().any(char::is_whitespace) {
            return None;
        }
        found.insert(name.to_owned(), value.to_owned());
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_into_format_and_rest() {
        assert_eq!(
            split_format("/api2/json/version"),
            Some(("json", "/version"))
        );
        assert_eq!(split_format("/api2/json/"), Some(("json", "/")));
        assert_eq!(split_format("/api2//json"), Some(("json", "/")));
        assert_eq!(split_format("/api2"), None);
        assert_eq!(split_format("/api2json/x"), None);
    }

    #[test]
    fn a_method_is_found_by_verb_and_shape() {
        let (_, params) = find("GET", "/access/users/demo@pve/token/t1/").unwrap();
        assert_eq!(params["userid"], "demo@pve");
        assert_eq!(params["tokenid"], "t1");
        assert!(find("POST", "/access/users/demo@pve/token/").is_none());
        assert!(find("GET", "/access/users/a b@pve").is_none());
    }
}
