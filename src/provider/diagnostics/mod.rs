//! The messages about failed requests and connection checks: the object, the cause, and what to
//! change.
//!
//! The client returns errors and structured causes. The files here hold their texts, for a
//! configuration or for a command line ([`Words`]).

mod explanation;
pub(crate) mod listing;
mod missing_privileges;
mod one_time_code;
mod quorum;
mod rejection;
mod report;
mod request;
mod tls;
mod words;

use tf_provider::{AttributePath, Diagnostics};

pub use self::explanation::Explanation;
pub use self::one_time_code::{code_kept, code_would_be_spent};
pub use self::report::explain as explain_check;
pub use self::request::explain as explain_error;
pub use self::words::Words;
use crate::framework::{Problem, Report as _};
use crate::pve::diagnosis::Report;
use crate::pve::{Error, ErrorKind};

/// The problem of a failed request: `summary` is what failed (constant), `object` on what.
pub fn problem(summary: &'static str, object: &str, error: &Error) -> Problem {
    let Explanation { message, remedy } = explain_error(error, Words::Attributes);
    let doubt = if error.may_have_taken_effect() {
        " The change may have been applied nevertheless: check the object on the server before \
         retrying."
    } else {
        ""
    };
    Problem::new(
        summary,
        format!("{object}: {message}{doubt} {remedy}"),
        attribute_of(error),
    )
}

/// The problem of a connection check that failed.
pub fn check_failed(object: &str, report: &Report) -> Problem {
    Problem::new(
        "Connection check failed",
        format!(
            "{object} ({}, at the stage {}): {}",
            report.status(),
            report.stage,
            explain_check(report, Words::Attributes).text()
        ),
        AttributePath::root(),
    )
}

/// The value of a result, or `None` after its problem was reported.
pub fn reported<T>(result: Result<T, Problem>, diags: &mut Diagnostics) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(problem) => {
            diags.problem(problem);
            None
        }
    }
}

/// The attribute of a parameter that the server refused.
fn attribute_of(error: &Error) -> AttributePath {
    let ErrorKind::ParameterErrors { refusal } = &error.kind else {
        return match error.kind {
            ErrorKind::NoSuchRole { .. } => AttributePath::new("acl"),
            ErrorKind::NoSuchUser { .. } => AttributePath::new("user_id"),
            _ => AttributePath::root(),
        };
    };
    let attribute = refusal
        .errors
        .keys()
        .find_map(|parameter| match parameter.as_str() {
            "userid" => Some("user_id"),
            "tokenid" => Some("token_name"),
            "comment" => Some("comment"),
            "expire" => Some("expiration_date"),
            "privsep" => Some("privilege_separation"),
            "path" | "roles" | "propagate" | "tokens" => Some("acl"),
            _ => None,
        });
    attribute.map(AttributePath::new).unwrap_or_default()
}
