//! The data sources.

mod api_token;
mod api_tokens;
mod audited;
mod completeness;
mod connection;
mod host;
mod permissions;
mod token_activity;
mod token_id;

pub use api_token::ApiTokenData;
pub use api_tokens::ApiTokensData;
pub use connection::ConnectionData;
pub use host::HostData;
pub use permissions::PermissionsData;
pub use token_activity::TokenActivityData;
