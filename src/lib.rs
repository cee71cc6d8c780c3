//! A Terraform and OpenTofu provider for the credentials of Proxmox VE.
//!
//! Four parts, with arrows one way: the [`plugin`] server implements the plugin protocol for
//! Terraform and calls [`framework`], which adapts typed traits to it; [`provider`] implements
//! those traits for API tokens and hosts, over the client in [`pve`].

pub mod cli;
mod ecdsa_p521;
pub mod framework;
pub mod plugin;
mod printable;
pub mod provider;
pub mod pve;
