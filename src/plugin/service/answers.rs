//! How each answer says that something is wrong.

use tf_provider::Diagnostics;

use super::super::{calls::Answer, convert, proto};

/// Answers with a list of diagnostics under the usual name.
macro_rules! answers {
    ($($call:ident)*) => {
        $(
            #[allow(clippy::needless_update, reason = "some have no other field")]
            impl Answer for proto::$call::Response {
                fn refused(diags: Diagnostics) -> Self {
                    Self {
                        diagnostics: convert::diagnostics(diags),
                        ..Default::default()
                    }
                }
            }
        )*
    };
}

answers! {
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

impl Answer for proto::call_function::Response {
    fn refused(diags: Diagnostics) -> Self {
        Self {
            result: None,
            error: convert::function_error(&diags),
        }
    }
}

impl Answer for proto::list_resource::Event {
    fn refused(diags: Diagnostics) -> Self {
        Self {
            diagnostic: convert::diagnostics(diags),
            ..Default::default()
        }
    }
}

impl Answer for proto::invoke_action::Event {
    fn refused(diags: Diagnostics) -> Self {
        use proto::invoke_action::event::{Completed, Type};
        Self {
            r#type: Some(Type::Completed(Completed {
                diagnostics: convert::diagnostics(diags),
            })),
        }
    }
}

impl Answer for proto::read_state_bytes::ResponseChunk {
    fn refused(diags: Diagnostics) -> Self {
        Self {
            diagnostics: convert::diagnostics(diags),
            ..Default::default()
        }
    }
}
