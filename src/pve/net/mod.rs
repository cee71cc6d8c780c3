//! The way of a request to a node of the cluster and of its response back.

pub mod classify;
pub mod clock;
pub mod endpoint;
pub mod headers;
pub mod nodes;
pub mod proxy;
pub mod reachability;
pub mod request;
pub mod resolver;
pub mod response;
pub mod retry;
pub mod transport;
