//! Calls for things that this provider does not have.
//!
//! Terraform makes none of them after it has seen the schema; whoever does gets an error that
//! names what is missing.

use std::sync::Arc;

use tf_provider::{AttributePath, Diagnostics};

use super::super::{calls::Answer, proto};
use crate::framework::{Catalog, Report};

/// An answer that says that there is no such thing.
pub(super) fn unknown<A: Answer>(summary: &'static str, kind: &str, name: &str) -> A {
    refuse(summary, format!("This provider has no {kind} \"{name}\"."))
}

fn refuse<A: Answer>(summary: &'static str, detail: String) -> A {
    let mut diags = Diagnostics::default();
    diags.fail(summary, detail, AttributePath::root());
    A::refused(diags)
}

fn no_ephemeral<A: Answer>(name: &str) -> A {
    unknown(
        "Unknown ephemeral resource type",
        "ephemeral resource type",
        name,
    )
}

fn no_list<A: Answer>(name: &str) -> A {
    unknown("Unknown list resource type", "list resource type", name)
}

fn no_action<A: Answer>(name: &str) -> A {
    unknown("Unknown action type", "action type", name)
}

fn no_store<A: Answer>(name: &str) -> A {
    unknown("Unknown state store type", "state store type", name)
}

/// Handlers that look at nothing but the name of a type.
macro_rules! handlers {
    ($($handler:ident($call:ident.$name:ident) => $answer:ident;)*) => {
        $(
            pub(super) async fn $handler(
                _: Arc<Catalog>,
                request: proto::$call::Request,
            ) -> proto::$call::Response {
                $answer(&request.$name)
            }
        )*
    };
}

handlers! {
    validate_ephemeral(validate_ephemeral_resource_config.type_name) => no_ephemeral;
    open_ephemeral(open_ephemeral_resource.type_name) => no_ephemeral;
    renew_ephemeral(renew_ephemeral_resource.type_name) => no_ephemeral;
    close_ephemeral(close_ephemeral_resource.type_name) => no_ephemeral;
    validate_list(validate_list_resource_config.type_name) => no_list;
    validate_action(validate_action_config.action_type) => no_action;
    plan_action(plan_action.action_type) => no_action;
    validate_store(validate_state_store_config.type_name) => no_store;
    configure_store(configure_state_store.type_name) => no_store;
    lock_state(lock_state.type_name) => no_store;
    unlock_state(unlock_state.type_name) => no_store;
    states(get_states.type_name) => no_store;
    delete_state(delete_state.type_name) => no_store;
    upgrade_identity(upgrade_resource_identity.type_name) => no_identity;
    move_state(move_resource_state.target_type_name) => no_move;
    generate_config(generate_resource_config.type_name) => no_generation;
}

fn no_identity<A: Answer>(name: &str) -> A {
    let detail = format!("The resource type \"{name}\" has no identity in this provider.");
    refuse("No resource identity", detail)
}

fn no_move<A: Answer>(name: &str) -> A {
    let detail = format!(
        "This provider cannot move other objects to the resource type \"{name}\". Import the \
         object instead, and drop the old one with a removed block."
    );
    refuse("Move not supported", detail)
}

fn no_generation<A: Answer>(name: &str) -> A {
    let detail = format!("This provider cannot write configuration for \"{name}\".");
    refuse("Generating configuration not supported", detail)
}

pub(super) fn list(request: &proto::list_resource::Request) -> proto::list_resource::Event {
    no_list(&request.type_name)
}

pub(super) fn invoke_action(
    request: &proto::invoke_action::Request,
) -> proto::invoke_action::Event {
    no_action(&request.action_type)
}

pub(super) fn read_state(
    request: &proto::read_state_bytes::Request,
) -> proto::read_state_bytes::ResponseChunk {
    no_store(&request.type_name)
}

/// The name of the type would come with the first part; nothing is read to learn it.
pub(super) fn write_state() -> proto::write_state_bytes::Response {
    let detail = "This provider has no state stores.".to_owned();
    refuse("Unknown state store type", detail)
}
