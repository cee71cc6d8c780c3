//! The provider as Terraform calls it: every call of the protocol, in one table.
//!
//! A handler turns a request into a call of the [`Catalog`], and the result into a response. What
//! this provider does not have is answered with a diagnostic: a caller that knows a newer protocol
//! must not see a broken connection.

mod actions;
mod data_sources;
mod ephemeral_resources;
mod from_diagnostics;
mod functions;
mod list_resources;
mod lookup;
mod provider;
mod resources;
mod schemas;
mod unimplemented;

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use super::calls::{EventStream, RunningCalls};
use super::proto;
use crate::framework::Catalog;

/// The provider service of one process.
#[derive(Clone)]
pub struct Service {
    catalog: Arc<Catalog>,
    calls: RunningCalls,
}

impl Service {
    /// The service of a catalog. Its calls need a tokio runtime.
    pub fn new(catalog: Catalog) -> Self {
        Self::with_calls(Arc::new(catalog), RunningCalls::default())
    }

    pub(super) fn with_calls(catalog: Arc<Catalog>, calls: RunningCalls) -> Self {
        Self { catalog, calls }
    }
}

/// Implements the protocol's service from two tables of calls and their handlers: calls with one
/// message each way, and calls that respond with a stream. The items in braces are as they stand.
macro_rules! protocol {
    (
        $($rpc:literal $call:ident => $handler:path;)*
        streams {
            $($stream_rpc:literal $stream_call:ident $stream:ident<$event:ident>
                => $stream_handler:path;)*
        }
        { $($item:tt)* }
    ) => {
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
            $(
                type $stream = EventStream<proto::$stream_call::$event>;

                async fn $stream_call(
                    &self,
                    request: Request<proto::$stream_call::Request>,
                ) -> Result<Response<Self::$stream>, Status> {
                    let (catalog, request) = (self.catalog.clone(), request.into_inner());
                    let events = self.calls.stream($stream_rpc, |events| {
                        $stream_handler(catalog, request, events)
                    });
                    Ok(Response::new(events))
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
    "UpgradeResourceIdentity" upgrade_resource_identity => resources::upgrade_identity;
    "MoveResourceState" move_resource_state => resources::move_state;
    "GenerateResourceConfig" generate_resource_config => unimplemented::generate_config;

    "ValidateDataResourceConfig" validate_data_resource_config => data_sources::validate;
    "ReadDataSource" read_data_source => data_sources::read;

    "CallFunction" call_function => functions::call;

    "ValidateEphemeralResourceConfig" validate_ephemeral_resource_config => ephemeral_resources::validate;
    "OpenEphemeralResource" open_ephemeral_resource => ephemeral_resources::open;
    "RenewEphemeralResource" renew_ephemeral_resource => ephemeral_resources::renew;
    "CloseEphemeralResource" close_ephemeral_resource => ephemeral_resources::close;

    "ValidateListResourceConfig" validate_list_resource_config => list_resources::validate;

    "ValidateActionConfig" validate_action_config => actions::validate;
    "PlanAction" plan_action => actions::plan;

    "ValidateStateStoreConfig" validate_state_store_config => unimplemented::validate_store;
    "ConfigureStateStore" configure_state_store => unimplemented::configure_store;
    "LockState" lock_state => unimplemented::lock_state;
    "UnlockState" unlock_state => unimplemented::unlock_state;
    "GetStates" get_states => unimplemented::states;
    "DeleteState" delete_state => unimplemented::delete_state;

    streams {
        "ListResource" list_resource ListResourceStream<Event> => list_resources::list;
        "InvokeAction" invoke_action InvokeActionStream<Event> => actions::invoke;
        "ReadStateBytes" read_state_bytes ReadStateBytesStream<ResponseChunk>
            => unimplemented::read_state;
    }

    {
        async fn write_state_bytes(
            &self,
            _: Request<Streaming<proto::write_state_bytes::RequestChunk>>,
        ) -> Result<Response<proto::write_state_bytes::Response>, Status> {
            let work = unimplemented::write_state();
            Ok(Response::new(self.calls.run("WriteStateBytes", work).await))
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
