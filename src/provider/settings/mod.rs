//! The settings of a connection: from the provider block, the environment and the command line to
//! the values that a client is made from.
//!
//! Each group of attributes is one file, which defines its attributes, the settings that they hold
//! and the values that these resolve to: [`address`], [`credentials`], [`tls`] and [`transport`].
//! A [`connection`] is one of each group.

pub(crate) mod address;
pub(crate) mod block;
pub(crate) mod client_identity;
pub(crate) mod connection;
pub(crate) mod credentials;
pub(crate) mod definition;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod setting;
pub(crate) mod tls;
pub(crate) mod transport;
pub(crate) mod unknown_variables;
pub(crate) mod warnings;
