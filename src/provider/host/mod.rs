//! The resource `proxmox_host`, and the facts about a host that data sources share with it.

pub(crate) mod facts;
pub(crate) mod model;
pub(crate) mod resource;
