//! The plugin protocol, as Terraform sees it.
//!
//! Most tests start the real binary as go-plugin does, and speak gRPC to it with a client
//! certificate of their own. Tests that need a misbehaving resource call the library's service in
//! this process, over the same kind of connection.

mod support;

mod certificate;
mod command_line;
mod ending;
mod ephemeral;
mod every_call;
mod handshake;
mod isolation;
mod logs;
mod messages;
mod side_services;
