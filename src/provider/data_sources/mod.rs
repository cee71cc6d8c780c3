//! The data sources.

pub mod api_token;
pub mod api_tokens;
mod audited;
mod completeness;
pub mod connection;
pub mod host;
pub mod permissions;
pub mod token_activity;
mod token_id;
