//! The typed calls, one file for each part of the API.

pub mod access;
pub mod acl;
pub mod nodes;
pub mod rights;
pub mod tasks;
pub mod tokens;
pub mod version;
