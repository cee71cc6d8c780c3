//! The layer between the plugin protocol and typed Rust.
//!
//! A resource, data source, function or provider is written against the typed traits of the
//! `tf-provider` crate: methods that take and return serde structs. Terraform sends encoded values.
//! The adapters here check a value against its schema, decode it, call the typed method, and encode
//! its result. Everything that the protocol has and the crate lacks is a trait of its own in a file
//! of its own: [`upgrade`], [`identity`], [`list`], [`moved`] and [`deferral`], which a method of
//! [`ResourceAdapter`] adds to a resource, and [`ephemeral`] and [`action`], which stand alone.
//!
//! This layer does not know gRPC: the server in [`crate::plugin`] turns messages into calls of the
//! object-safe traits ([`ErasedProvider`], [`ErasedResource`], [`ErasedDataSource`],
//! [`ErasedFunction`]) in a [`Catalog`].

pub mod action;
pub mod context;
pub mod deferral;
pub mod diagnostics;
pub mod ephemeral;
pub mod identity;
pub mod list;
pub mod moved;
pub mod schema;
pub mod upgrade;

mod catalog;
mod client;
mod conform;
mod data_source;
mod encoded;
mod function;
mod kept;
mod open_objects;
mod pointing;
mod provider;
mod read_only;
mod resource;
mod sink;
mod write_only;

pub use action::{Action, ErasedAction, PlanActionRequest};
pub use catalog::Catalog;
pub use client::ClientCapabilities;
pub use context::Context;
pub use data_source::{DataSourceAdapter, ErasedDataSource, ReadDataRequest, ReadDataResponse};
pub use deferral::{Deferral, Deferred};
pub use diagnostics::{Problem, Report};
pub use encoded::Encoded;
pub use ephemeral::{
    EphemeralResource, ErasedEphemeralResource, OpenRequest, OpenResponse, Opened, Renewed,
};
pub use function::{ErasedFunction, FunctionAdapter};
pub use identity::Identity;
pub use kept::keep;
pub use list::{List, ListEvent, ListRequest, Listed, Results};
pub use moved::{Move, MoveRequest, MovedState};
pub use pointing::Pointing;
pub use provider::{ConfigureRequest, ErasedProvider, ProviderAdapter};
pub use resource::{
    ApplyRequest, ErasedResource, ImportBy, ImportRequest, ImportResponse, Instance, PlanRequest,
    PlanResponse, PrivateOf, ReadRequest, ReadResponse, ResourceAdapter, StateOf, ValidateRequest,
};
pub use sink::Sink;
pub use upgrade::Upgrade;
pub use write_only::{EACH, WriteOnly};
