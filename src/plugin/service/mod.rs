//! The provider as Terraform calls it: every call of the protocol, in one table.
//!
//! A handler turns a request into a call of the [`Catalog`] and the outcome into an answer. What
//! this provider does not have is answered as well, with a diagnostic that says so: a caller that
//! knows a newer protocol must not see a broken connection.

mod absent;
mod answers;
mod data_sources;
mod functions;
mod provider;
mod resources;
mod schemas;

use std::sync::Arc;

use futures_util::stream::{self, Iter};
use tonic::{Request, Response, Status, Streaming};

use super::{calls::Calls, proto};
use crate::framework::Catalog;

/// The provider service of one process.
#[derive(Clone)]
pub struct Service {
    catalog: Arc<Catalog>,
    calls: Calls,
}

impl Service {
    /// Serves what a catalog offers. Calls need a tokio runtime.
    pub fn new(catalog: Catalog) -> Self {
        Self::with_calls(catalog, Calls::default())
    }

    pub(super) fn with_calls(catalog: Catalog, calls: Calls) -> Self {
        Self {
            catalog: Arc::new(catalog),
            calls,
        }
    }
}

/// The type in question, noted on the log lines of the running call.
fn note_type(name: &str) {
    tracing::Span::current().record("tf_type", name);
}

/// A stream of one event.
type Once<T> = Iter<std::option::IntoIter<Result<T, Status>>>;

fn once<T>(event: T) -> Response<Once<T>> {
    Response::new(stream::iter(Some(Ok(event))))
}

/// Implements the protocol's service from a table of calls and their handlers. The calls of
/// the table take one message and give one; the items in braces are as they stand.
macro_rules! protocol {
    ($($rpc:literal $call:ident => $handler:path;)* { $($item:tt)* }) => {
        #[tonic::async_trait]
        impl proto::provider_server::Provider for Service {
            $(
                async fn $call(
                    &self,
                    request: Request<proto::$call::Request>,
                ) -> Result<Response<proto::$call::Response>, Status> {
                    let work = $handler(self.catalog.clone(), request.into_inner());
                    Ok(Response::new(self.calls.run($rpc, work).await))
                }
            )*
            $($item)*
        }
    };
}

protocol! {
    "GetMetadata" get_metadata => schemas::metadata;
    "GetProviderSchema" get_provider_schema => schemas::provider_schema;
    "GetResourceIdentitySchemas" get_resource_identity_schemas => schemas::identities;
    "GetFunctions" get_functions => schemas::functions;

    "ValidateProviderConfig" validate_provider_config => provider::validate;
    "ConfigureProvider" configure_provider => provider::configure;

    "ValidateResourceConfig" validate_resource_config => resources::validate;
    "UpgradeResourceState" upgrade_resource_state => resources::upgrade;
    "ReadResource" read_resource => resources::read;
    "PlanResourceChange" plan_resource_change => resources::plan;
    "ApplyResourceChange" apply_resource_change => resources::apply;
    "ImportResourceState" import_resource_state => resources::import;
    "UpgradeResourceIdentity" upgrade_resource_identity => absent::upgrade_identity;
    "MoveResourceState" move_resource_state => absent::move_state;
    "GenerateResourceConfig" generate_resource_config => absent::generate_config;

    "ValidateDataResourceConfig" validate_data_resource_config => data_sources::validate;
    "ReadDataSource" read_data_source => data_sources::read;

    "CallFunction" call_function => functions::call;

    "ValidateEphemeralResourceConfig" validate_ephemeral_resource_config => absent::validate_ephemeral;
    "OpenEphemeralResource" open_ephemeral_resource => absent::open_ephemeral;
    "RenewEphemeralResource" renew_ephemeral_resource => absent::renew_ephemeral;
    "CloseEphemeralResource" close_ephemeral_resource => absent::close_ephemeral;

    "ValidateListResourceConfig" validate_list_resource_config => absent::validate_list;

    "ValidateActionConfig" validate_action_config => absent::validate_action;
    "PlanAction" plan_action => absent::plan_action;

    "ValidateStateStoreConfig" validate_state_store_config => absent::validate_store;
    "ConfigureStateStore" configure_state_store => absent::configure_store;
    "LockState" lock_state => absent::lock_state;
    "UnlockState" unlock_state => absent::unlock_state;
    "GetStates" get_states => absent::states;
    "DeleteState" delete_state => absent::delete_state;

    {
        type ListResourceStream = Once<proto::list_resource::Event>;

        async fn list_resource(
            &self,
            request: Request<proto::list_resource::Request>,
        ) -> Result<Response<Self::ListResourceStream>, Status> {
            Ok(once(absent::list(request.get_ref())))
        }

        type InvokeActionStream = Once<proto::invoke_action::Event>;

        async fn invoke_action(
            &self,
            request: Request<proto::invoke_action::Request>,
        ) -> Result<Response<Self::InvokeActionStream>, Status> {
            Ok(once(absent::invoke_action(request.get_ref())))
        }

        type ReadStateBytesStream = Once<proto::read_state_bytes::ResponseChunk>;

        async fn read_state_bytes(
            &self,
            request: Request<proto::read_state_bytes::Request>,
        ) -> Result<Response<Self::ReadStateBytesStream>, Status> {
            Ok(once(absent::read_state(request.get_ref())))
        }

        async fn write_state_bytes(
            &self,
            _: Request<Streaming<proto::write_state_bytes::RequestChunk>>,
        ) -> Result<Response<proto::write_state_bytes::Response>, Status> {
            Ok(Response::new(absent::write_state()))
        }

        async fn stop_provider(
            &self,
            _: Request<proto::stop_provider::Request>,
        ) -> Result<Response<proto::stop_provider::Response>, Status> {
            self.calls.stop();
            Ok(Response::new(proto::stop_provider::Response::default()))
        }
    }
}
