//! The messages and services of `proto/`, as code made by the build script.
//!
//! The clients are here too: they are how the tests speak to a provider process.

#![allow(
    missing_docs,
    unused_qualifications,
    clippy::all,
    reason = "generated code; the definitions in proto/ carry the documentation"
)]

use std::fmt::{Debug, Formatter, Result};

tonic::include_proto!("tfplugin6");

/// What go-plugin asks for beside the provider.
pub mod plugin {
    tonic::include_proto!("plugin");
}

/// The gRPC health check.
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}

impl Debug for DynamicValue {
    /// Prints lengths only: values carry secrets.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (msgpack, json) = (self.msgpack.len(), self.json.len());
        write!(f, "DynamicValue({msgpack} + {json} bytes)")
    }
}

impl Debug for RawState {
    /// Prints lengths only: states carry secrets.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (json, flatmap) = (self.json.len(), self.flatmap.len());
        write!(f, "RawState({json} bytes, {flatmap} entries)")
    }
}
