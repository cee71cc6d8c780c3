//! One-time codes, which a plan must not use up.

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Problem, Report as _};
use crate::provider::settings::setting::Source;

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
