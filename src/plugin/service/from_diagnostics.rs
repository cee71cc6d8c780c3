//! The response to each call that holds diagnostics alone.

use tf_provider::Diagnostics;

use crate::plugin::calls::FromDiagnostics;
use crate::plugin::{convert, proto};

/// Implements the conversion for responses with a list of diagnostics under the usual name.
macro_rules! responses {
    ($($call:ident)*) => {
        $(
            #[allow(clippy::needless_update, reason = "some have no other field")]
            impl FromDiagnostics for proto::$call::Response {
                fn from_diagnostics(diags: Diagnostics) -> Self {
                    Self {
                        diagnostics: convert::diagnostics(diags),
                        ..Default::default()
                    }
                }
            }
        )*
    };
}

responses! {
    get_metadata get_provider_schema get_resource_identity_schemas get_functions
    configure_provider
    validate_resource_config upgrade_resource_state upgrade_resource_identity read_resource
    plan_resource_change apply_resource_change import_resource_state move_resource_state
    generate_resource_config
    validate_data_resource_config read_data_source
    validate_ephemeral_resource_config open_ephemeral_resource renew_ephemeral_resource
    close_ephemeral_resource
    validate_list_resource_config
    validate_action_config plan_action
    validate_state_store_config configure_state_store lock_state unlock_state get_states
    delete_state write_state_bytes
    validate_provider_config
}

impl FromDiagnostics for proto::call_function::Response {
    fn from_diagnostics(diags: Diagnostics) -> Self {
        Self {
            result: None,
            error: convert::function_error(&diags),
        }
    }
}

impl FromDiagnostics for proto::list_resource::Event {
    fn from_diagnostics(diags: Diagnostics) -> Self {
        Self {
            diagnostic: convert::diagnostics(diags),
            ..Default::default()
        }
    }
}

impl FromDiagnostics for proto::invoke_action::Event {
    fn from_diagnostics(diags: Diagnostics) -> Self {
        use proto::invoke_action::event::{Completed, Type};
        Self {
            r#type: Some(Type::Completed(Completed {
                diagnostics: convert::diagnostics(diags),
            })),
        }
    }
}

impl FromDiagnostics for proto::read_state_bytes::ResponseChunk {
    fn from_diagnostics(diags: Diagnostics) -> Self {
        Self {
            diagnostics: convert::diagnostics(diags),
            ..Default::default()
        }
    }
}
