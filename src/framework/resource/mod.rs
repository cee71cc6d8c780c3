//! Managed resources.
//!
//! [`ErasedResource`] is what the server calls, in encoded values. A [`ResourceAdapter`] makes one
//! of a typed [`tf_provider::Resource`], and of the optional capabilities that are added to it.

mod adapter;
mod apply;
mod erased;
mod plan;
mod request;

pub use self::adapter::ResourceAdapter;
pub use self::erased::ErasedResource;
pub use self::request::{
    ApplyRequest, ImportBy, ImportRequest, ImportResponse, Instance, PlanRequest, PlanResponse,
    PrivateOf, ReadRequest, ReadResponse, StateOf, ValidateRequest,
};
