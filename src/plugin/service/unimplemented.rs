//! Refusals of everything that this provider does not have.
//!
//! Terraform does not make these calls once it has read the schema. Any other caller gets an error
//! that names what is missing.

use std::sync::Arc;

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Catalog, Report};
use crate::plugin::calls::{Events, Refusal};
use crate::plugin::proto;

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

fn no_store(name: &str) -> Refusal {
    unknown("Unknown state store type", "state store type", name)
}

fn no_generation(name: &str) -> Refusal {
    let detail = format!("This provider cannot write configuration for \"{name}\".");
    refuse("Generating configuration not supported", detail)
}

/// Handlers that read only the name of a type.
macro_rules! handlers {
    ($($handler:ident($call:ident) => $refusal:ident;)*) => {
        $(
            pub(super) async fn $handler(
                _: Arc<Catalog>,
                request: proto::$call::Request,
            ) -> Result<proto::$call::Response, Refusal> {
                Err($refusal(&request.type_name))
            }
        )*
    };
}

handlers! {
    validate_store(validate_state_store_config) => no_store;
    configure_store(configure_state_store) => no_store;
    lock_state(lock_state) => no_store;
    unlock_state(unlock_state) => no_store;
    states(get_states) => no_store;
    delete_state(delete_state) => no_store;
    generate_config(generate_resource_config) => no_generation;
}

pub(super) async fn read_state(
    _: Arc<Catalog>,
    request: proto::read_state_bytes::Request,
    _: Events<proto::read_state_bytes::ResponseChunk>,
) -> Result<(), Refusal> {
    Err(no_store(&request.type_name))
}

/// The first part would hold the name of the type. It is not read.
pub(super) async fn write_state() -> Result<proto::write_state_bytes::Response, Refusal> {
    let detail = "This provider has no state stores.".to_owned();
    Err(refuse("Unknown state store type", detail))
}
