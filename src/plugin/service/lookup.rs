//! The lookup of a request's type in the catalog.

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::plugin::calls::Refusal;

/// Records the type that a call is about on the log lines of the call.
pub(super) fn record_type(name: &str) {
    tracing::Span::current().record("tf_type", name);
}

/// The refusal of a call for a name that is not in the catalog.
pub(super) fn unknown(summary: &'static str, kind: &str, name: &str) -> Refusal {
    refuse(summary, format!("This provider has no {kind} \"{name}\"."))
}

/// A refusal with one error.
pub(super) fn refuse(summary: &'static str, detail: String) -> Refusal {
    let mut diags = Diagnostics::default();
    diags.fail(summary, detail, AttributePath::root());
    Refusal(diags)
}
