//! The resource `proxmox_host`, and the facts about a host, which data sources use as well.

pub(crate) mod check_result;
mod connect;
pub(crate) mod facts;
mod identity;
pub(crate) mod model;
pub(crate) mod resource;
mod validate;
mod write_only;
