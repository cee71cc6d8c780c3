//! The provider.

pub mod pve;
