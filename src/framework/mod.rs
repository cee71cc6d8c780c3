//! What lies between the wire and the typed traits of `tf-provider`.
//!
//! A resource, data source, function or provider is written against the typed traits of the
//! `tf-provider` crate: methods that take and return serde structs. Terraform speaks in encoded
//! values. The adapters here stand between the two: they check a value against its schema, decode
//! it, call the typed method, and encode what comes back. What the protocol has and the crate
//! lacks is one small file beside them, in the same style ([`upgrade`], `write_only`).
//!
//! Nothing here knows of Proxmox, and nothing here knows of gRPC: the server in
//! [`crate::plugin`] turns messages into calls of the object-safe traits
//! ([`ErasedProvider`], [`ErasedResource`], [`ErasedDataSource`], [`ErasedFunction`])
//! that a [`Catalog`] holds.

pub mod call;
pub mod diagnostics;
pub mod schema;
pub mod upgrade;

mod data_source;
mod encoded;
mod function;
mod provider;
mod resource;
mod walk;
mod write_only;

use std::collections::BTreeMap;

pub use call::CallContext;
pub use data_source::{DataSourceAdapter, ErasedDataSource};
pub use diagnostics::{Problem, Report};
pub use encoded::Encoded;
pub use function::{ErasedFunction, FunctionAdapter};
pub use provider::{ConfigureRequest, ErasedProvider, ProviderAdapter};
pub use resource::{ApplyRequest, ErasedResource, PlanRequest, Planned, Remote, ResourceAdapter};
pub use upgrade::Upgrade;

/// Everything one provider binary offers, by the names a configuration uses.
pub struct Catalog {
    /// The provider block.
    pub provider: Box<dyn ErasedProvider>,
    /// Managed resources, by type name.
    pub resources: BTreeMap<String, Box<dyn ErasedResource>>,
    /// Data sources, by type name.
    pub data_sources: BTreeMap<String, Box<dyn ErasedDataSource>>,
    /// Functions, by name.
    pub functions: BTreeMap<String, Box<dyn ErasedFunction>>,
}
