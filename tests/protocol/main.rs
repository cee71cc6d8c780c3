//! The plugin protocol, seen from Terraform's side.
//!
//! Most tests start the real binary the way go-plugin does and speak gRPC to it with a client
//! certificate of their own. What needs a resource that misbehaves on purpose is asked of the
//! library's service, in this process, over the same kind of connection.

mod support;

mod certificate;
mod command_line;
mod ending;
mod every_call;
mod handshake;
mod isolation;
mod logs;
mod messages;
mod side_services;
