//! How much of the whole an audit saw, as attributes, and what is said where it was not all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Report, schema};
use crate::pve::Audit;

/// How much of the whole was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Completeness {
    pub complete: Value<bool>,
    pub missing_privileges: Value<BTreeMap<String, Vec<String>>>,
    pub tasks_visible: Value<bool>,
}

/// The attributes for [`Completeness`].
pub fn attributes() -> [(&'static str, Attribute); 3] {
    use AttributeType::Bool;
    use schema::computed;

    [
        (
            "complete",
            computed(
                Bool,
                "Whether the server left nothing out. Where this is false, users, tokens or \
                 grants may be missing, and what is not listed proves nothing: check it in a \
                 precondition.",
            ),
        ),
        (
            "missing_privileges",
            computed(
                schema::map_of_string_sets(),
                "What the provider's credential lacks for a complete answer, by path; empty when \
                 nothing. `Sys.Audit` on `/access`, propagating, is enough.",
            ),
        ),
        (
            "tasks_visible",
            computed(
                Bool,
                "Whether the recent tasks of all tokens were shown, which needs `Sys.Audit` on \
                 `/`. It does not count towards `complete`.",
            ),
        ),
    ]
}

impl Completeness {
    /// How much an audit saw.
    pub fn of(audit: &Audit) -> Self {
        Self {
            complete: audit.is_complete().into(),
            missing_privileges: Value::Value(audit.missing_privileges()),
            tasks_visible: audit.shows_tasks().into(),
        }
    }
}

/// Warns of an answer from the past.
pub fn warn_of_isolation(audit: &Audit, endpoint: &str, diags: &mut Diagnostics) {
    if !audit.quorate {
        diags.warn(
            "Audit of a node without its cluster",
            format!(
                "{endpoint} sees no majority of its cluster online, so that it answers from what \
                 it last knew, and `complete` is false. Set `endpoint` to a node that is with the \
                 majority."
            ),
            AttributePath::root(),
        );
    }
}
