//! The permission model of Proxmox VE: which privileges an access control list gives whom, where.
//!
//! Entries give roles, and roles hold privileges. An entry holds at its path and, if it propagates,
//! below it, until a deeper entry replaces it. The module only computes: it makes no request and
//! names no type of the API, so the audit of all tokens, the checks of a plan and the connection
//! check share one model.

pub mod entry;
pub mod inheritance;
pub mod masking;
pub mod path;
pub mod privileges;
pub mod roles;
pub mod root;
#[cfg(test)]
mod sample;
