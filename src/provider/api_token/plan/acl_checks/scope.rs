//! The grants under check, and the words that the checks share.

use std::fmt;

use tf_provider::AttributePath;

use crate::framework::Problem;
use crate::provider::api_token::acl::{Grant, Grants};
use crate::pve::TokenId;

/// The grants that a configuration declares for one token.
pub struct Scope {
    /// The token, once its owner and name are known.
    pub token: Option<TokenId>,
    pub declared: Grants,
    /// Whether every entry is known.
    pub is_known: bool,
}

impl Scope {
    /// The name of an entry in messages.
    pub fn entry(&self, grant: &Grant) -> String {
        format!("acl entry {} {} of {self}", grant.path(), grant.role())
    }
}

/// The token in messages.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.token {
            Some(token) => token.fmt(f),
            None => f.write_str("the token"),
        }
    }
}

/// One warning about all findings of one kind: of warnings with the same summary the command lines
/// show only one. The remedy is the same for all.
pub fn warning_about(summary: &'static str, findings: &[String], remedy: &str) -> Option<Problem> {
    let findings = match findings {
        [] => return None,
        [finding] => format!("{finding} "),
        many => many
            .iter()
            .map(|finding| format!("- {finding}\n"))
            .collect(),
    };
    let detail = format!("{findings}{remedy}");
    Some(Problem::new(summary, detail, AttributePath::new("acl")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::pve::Roles;

    pub(crate) fn grant(path: &str, role: &str, propagates: bool) -> Grant {
        Grant::new(path, role, propagates)
    }

    pub(crate) fn scope(declared: impl IntoIterator<Item = Grant>) -> Scope {
        Scope {
            token: "demo@pve!ci".parse().ok(),
            declared: declared.into_iter().collect(),
            is_known: true,
        }
    }

    pub(crate) fn roles() -> Roles {
        let role = |name: &str, privileges: &[&str]| {
            let privileges = privileges.iter().map(|&name| name.to_owned());
            (name.to_owned(), privileges.collect())
        };
        [
            role("Admin", &["VM.Allocate", "VM.Audit", "VM.Console"]),
            role("Auditor", &["VM.Audit"]),
            role("User", &["VM.Audit", "VM.Console"]),
            role("NoAccess", &[]),
            role("Empty", &[]),
        ]
        .into()
    }

    #[test]
    fn all_findings_of_one_kind_are_one_warning() {
        let detail = |findings: &[&str]| {
            let findings: Vec<String> = findings.iter().map(|&text| text.to_owned()).collect();
            warning_about("Odd", &findings, "Change it.").map(|warning| warning.detail.into_owned())
        };
        assert_eq!(detail(&[]), None);
        assert_eq!(detail(&["A is odd."]).unwrap(), "A is odd. Change it.");
        assert_eq!(
            detail(&["A is odd.", "B is odd."]).unwrap(),
            "- A is odd.\n- B is odd.\nChange it."
        );
    }
}
