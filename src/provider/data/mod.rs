//! The data sources.

mod connection;
mod permissions;

pub use connection::ConnectionData;
pub use permissions::PermissionsData;
