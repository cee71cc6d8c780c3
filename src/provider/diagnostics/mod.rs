//! How an error of the client is told to a person: what failed, on which object, why, and what
//! to change.

pub(crate) mod check_result;
pub(crate) mod listing;

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Problem, Report as _};
use crate::provider::settings::setting::Source;
use crate::pve::diagnosis::{Report, Verdict};
use crate::pve::{Error, ErrorKind};

/// The problem of an error of the client: `summary` is what failed (constant), `object` on what.
pub fn problem(summary: &'static str, object: &str, error: &Error) -> Problem {
    let Verdict {
        message, remedy, ..
    } = Verdict::from(error);
    let doubt = if error.may_have_taken_effect() {
        " The server may have done it all the same."
    } else {
        ""
    };
    Problem::new(
        summary,
        format!("{object}: {message}{doubt} {remedy}"),
        attribute_of(error),
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

/// The attribute that a refused parameter stands for.
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

/// The problem of a connection check that failed.
pub fn unproven(object: &str, report: &Report) -> Problem {
    Problem::new(
        "Connection check failed",
        format!(
            "{object} ({}, at the stage {}): {} {}",
            report.status.as_str(),
            report.stage.as_str(),
            report.message,
            report.remedy.as_deref().unwrap_or_default()
        ),
        AttributePath::root(),
    )
}

/// Warns that a refresh was skipped to reserve a one-time code for apply.
pub fn code_kept(
    summary: &'static str,
    object: &str,
    one_time_code: &Source,
    diags: &mut Diagnostics,
) {
    diags.warn(
        summary,
        format!(
            "{one_time_code} can be used only once and is reserved for apply, so {object} was not \
             refreshed. Its last known state was kept."
        ),
        AttributePath::root(),
    );
}

/// The problem of a read during a plan that would use up a one-time code.
pub fn code_would_be_spent(object: &str, one_time_code: &Source) -> Problem {
    Problem::new(
        "One-time code reserved for apply",
        format!(
            "{one_time_code} can be used for only one login and is reserved for apply. Reading \
             {object}, which usually happens during a plan, would use it up. Set `totp_secret` \
             instead, or log in once with the command `terraform-provider-proxmox login`, whose \
             ticket is valid for both plan and apply."
        ),
        AttributePath::root(),
    )
}
