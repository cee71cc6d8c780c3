//! What the provider block and the environment say together.

pub(crate) mod address;
pub(crate) mod block;
pub(crate) mod connection;
pub(crate) mod credentials;
pub(crate) mod environment;
pub(crate) mod schema;
pub(crate) mod setting;
pub(crate) mod tls;
pub(crate) mod transport;
pub(crate) mod unknown_variables;
pub(crate) mod warnings;
