//! A Terraform and OpenTofu provider for the credentials of Proxmox VE.
//!
//! Three layers, with arrows one way: the [`plugin`] server speaks the plugin protocol with
//! Terraform and calls [`framework`], which adapts typed traits to it; the provider
//! implements those traits for Proxmox VE's API tokens and hosts, over a client of its own.

pub mod framework;
pub mod plugin;
