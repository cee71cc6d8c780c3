//! Responses for everything that this provider does not have.
//!
//! Terraform does not make these calls once it has read the schema. Any other caller gets an error
//! that names what is missing.

use std::sync::Arc;

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Catalog, Report};
use crate::plugin::calls::{Events, FromDiagnostics};
use crate::plugin::proto;

/// The response that a name is not in the catalog.
pub(super) fn unknown<R: FromDiagnostics>(summary: &'static str, kind: &str, name: &str) -> R {
    refuse(summary, format!("This provider has no {kind} \"{name}\"."))
}

/// The response that consists of one error.
pub(super) fn refuse<R: FromDiagnostics>(summary: &'static str, detail: String) -> R {
    let mut diags = Diagnostics::default();
    diags.fail(summary, detail, AttributePath::root());
    R::from_diagnostics(diags)
}

fn no_store<R: FromDiagnostics>(name: &str) -> R {
    unknown("Unknown state store type", "state store type", name)
}

fn no_generation<R: FromDiagnostics>(name: &str) -> R {
    let detail = format!("This provider cannot write configuration for \"{name}\".");
    refuse("Generating configuration not supported", detail)
}

/// Handlers that read only the name of a type.
macro_rules! handlers {
    ($($handler:ident($call:ident) => $response:ident;)*) => {
        $(
            pub(super) async fn $handler(
                _: Arc<Catalog>,
                request: proto::$call::Request,
            ) -> proto::$call::Response {
                $response(&request.type_name)
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
    events: Events<proto::read_state_bytes::ResponseChunk>,
) {
    events.send(no_store(&request.type_name)).await;
}

/// The first part would hold the name of the type. It is not read.
pub(super) async fn write_state() -> proto::write_state_bytes::Response {
    let detail = "This provider has no state stores.".to_owned();
    refuse("Unknown state store type", detail)
}
