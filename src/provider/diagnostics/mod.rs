//! How an error of the client is told to a person: what failed, on which object, why, and what
//! to change.

pub(crate) mod check_result;

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report as _;
use crate::provider::settings::setting::Source;
use crate::pve::diagnosis::{Report, Verdict};
use crate::pve::{Error, ErrorKind};

/// Reports an error of the client: `summary` is what failed (constant), `object` on what.
pub fn explain(summary: &'static str, object: &str, error: &Error, diags: &mut Diagnostics) {
    let Verdict {
        message, remedy, ..
    } = Verdict::from(error);
    let doubt = if error.may_have_taken_effect() {
        " The server may have done it all the same."
    } else {
        ""
    };
    diags.fail(
        summary,
        format!("{object}: {message}{doubt} {remedy}"),
        attribute_of(error),
    );
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

/// Reports a connection check that did not hold.
pub fn unproven(object: &str, report: &Report, diags: &mut Diagnostics) {
    diags.fail(
        "Connection check failed",
        format!(
            "{object} ({}, at the stage {}): {} {}",
            report.status.as_str(),
            report.stage.as_str(),
            report.message,
            report.remedy.as_deref().unwrap_or_default()
        ),
        AttributePath::root(),
    );
}

/// Reports that something must be done now with a setting that is known only after apply.
pub fn not_known_yet(source: &Source, diags: &mut Diagnostics) {
    diags.fail(
        "Provider not configured yet",
        format!(
            "{source} is known only after apply, but it is needed now. Apply what it comes from \
             first, for instance with `-target`, or keep it in a configuration of its own; a data \
             source can wait for it with `depends_on`."
        ),
        AttributePath::root(),
    );
}

/// Warns that a refresh was left out, so that a one-time code is there for the apply.
pub fn code_kept(
    summary: &'static str,
    object: &str,
    one_time_code: &Source,
    diags: &mut Diagnostics,
) {
    diags.warn(
        summary,
        format!(
            "{one_time_code} is good for one login, which is kept for the apply: {object} was not \
             looked at, and what is known of it was kept."
        ),
        AttributePath::root(),
    );
}

/// Reports that something would use up a one-time code during a plan.
pub fn code_would_be_spent(what: &str, one_time_code: &Source, diags: &mut Diagnostics) {
    diags.fail(
        "One-time code kept for the apply",
        format!(
            "{one_time_code} is good for one login, and reading {what} would use it up: that is \
             part of a plan as a rule, and the apply would have none. Set `totp_secret` in its \
             place, or log in once with the command `terraform-provider-proxmox login`, whose ticket serves plan and apply."
        ),
        AttributePath::root(),
    );
}

/// Reports that a data source cannot be read yet, for the same reason.
pub fn unreadable(data_source: &str, source: &Source, diags: &mut Diagnostics) {
    diags.fail(
        "Data source cannot be read yet",
        format!(
            "{source} is known only after apply, so `{data_source}` cannot be read during this \
             plan. Add `depends_on` with what the value comes from to the data block, so that it \
             is read after that has been applied."
        ),
        AttributePath::root(),
    );
}
