//! The completeness of an audit, as attributes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Report, schema};
use crate::pve::{Audit, Quorum};

/// The completeness of an audit.
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
                "Whether the server returned everything. If `false`, users, tokens or grants may be \
                 missing from the result. Check it in a precondition.",
            ),
        ),
        (
            "missing_privileges",
            computed(
                schema::map_of_string_sets(),
                "Privileges that the provider's credential lacks for a complete result, by path. \
                 Empty if it has all of them. `Sys.Audit` on `/access`, with propagation, is \
                 sufficient.",
            ),
        ),
        (
            "tasks_visible",
            computed(
                Bool,
                "Whether the recent tasks of all tokens are visible, which requires `Sys.Audit` on \
                 `/`. Does not affect `complete`.",
            ),
        ),
    ]
}

impl Completeness {
    /// The completeness of this audit.
    pub fn of(audit: &Audit) -> Self {
        Self {
            complete: audit.is_complete().into(),
            missing_privileges: Value::Value(audit.missing_privileges()),
            tasks_visible: audit.shows_tasks().into(),
        }
    }
}

/// Warns about an audit of a node without quorum, which may be out of date.
pub fn warn_without_quorum(audit: &Audit, endpoint: &str, diags: &mut Diagnostics) {
    const SUMMARY: &str = "Audit of a node without quorum";
    const UNCERTAIN: &str = "Audit of a node that may be without quorum";

    let (summary, cause, remedy) = match audit.quorum {
        Quorum::Present | Quorum::Likely => return,
        Quorum::Lost => (
            SUMMARY,
            "has no quorum",
            "Set `endpoint` to a node of the cluster's majority.",
        ),
        Quorum::Doubtful => (
            UNCERTAIN,
            "may have no quorum, since half of its nodes or more are offline",
            "Grant the provider's credential Sys.Audit on /, which shows whether the node has \
             quorum, or set `endpoint` to a node of the cluster's majority.",
        ),
    };
    diags.warn(
        summary,
        format!(
            "{endpoint} {cause}, so the result may be out of date and `complete` is `false`. \
             {remedy}"
        ),
        AttributePath::root(),
    );
}
