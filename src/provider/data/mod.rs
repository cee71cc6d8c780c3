//! The data sources.

mod connection;
mod host;
mod permissions;

pub use connection::ConnectionData;
pub use host::HostData;
pub use permissions::PermissionsData;
