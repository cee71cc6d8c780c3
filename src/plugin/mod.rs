//! The plugin server: how Terraform or OpenTofu and this process find and trust each other, and
//! the service through which they talk.
//!
//! Terraform starts the binary with a certificate in the environment; the binary opens a private
//! socket, prints one line that says where, and answers gRPC over mutual TLS until it is told to
//! shut down ([`serve`]). [`serve_for_debugging`] does the same for a process that a person
//! started, say under a debugger. [`Service`] is the provider's part of it alone.
//!
//! Why not `tf-provider`'s own server: it makes the client certificate optional, so any local
//! process could drive a configured provider; it speaks an older protocol; and it ends calls
//! whose answers carry secrets that exist nowhere else.

mod calls;
mod connections;
mod convert;
mod error;
mod handshake;
mod listener;
mod logging;
mod p521;
mod panics;
pub mod proto;
mod server;
mod service;
mod side_services;
mod signals;
mod tls;

use std::{
    env,
    io::{self, Write},
    process,
};

use serde_json::json;

use self::{
    error::SOURCE,
    handshake::{Parent, Place},
    listener::Listener,
    server::PluginServer,
    signals::OnInterrupt,
};
use crate::framework::Catalog;

pub use self::error::ServeError;
pub use self::service::Service;

/// Serves a catalog to the Terraform that started this process, until it says `Shutdown`.
///
/// Reads the environment and writes one line to stdout, as go-plugin wants it. The catalog is
/// made after that line, so that it does not delay the start.
///
/// # Errors
///
/// When the process was not started by Terraform, the two have no protocol version in common, the
/// parent does not prove itself by a certificate, or the system refuses a socket.
pub fn serve(catalog: impl FnOnce() -> Catalog) -> Result<(), ServeError> {
    logging::start(variable);
    panics::silence();
    let parent = Parent::read(variable)?;
    let listener = Listener::open(&parent.place).map_err(ServeError::Listen)?;
    let identity = tls::Identity::generate()?;
    let certificate = identity.certificate.clone();
    let server = PluginServer {
        tls: Some(tls::config(identity, parent.certificate)?),
        on_interrupt: OnInterrupt::Ignore,
    };
    server.run(&listener, |network, address| {
        handshake::announce(io::stdout().lock(), network, address, &certificate)?;
        Ok(catalog())
    })
}

/// Serves a catalog to any Terraform that is pointed here by `TF_REATTACH_PROVIDERS`, whose value
/// is printed, until it is interrupted.
///
/// go-plugin has no TLS for this, so what keeps others out is the directory of the socket, which
/// only its owner can enter.
///
/// # Errors
///
/// When the system refuses a socket, or has none that is private.
pub fn serve_for_debugging(catalog: impl FnOnce() -> Catalog) -> Result<(), ServeError> {
    logging::start(variable);
    panics::silence();
    let place = Place {
        directory: None,
        ..Place::read(variable)
    };
    let listener = Listener::open(&place).map_err(ServeError::Listen)?;
    if !listener.is_private() {
        return Err(ServeError::NoPrivateSocket);
    }
    let server = PluginServer {
        tls: None,
        on_interrupt: OnInterrupt::End,
    };
    server.run(&listener, |network, address| {
        let reattach = reattach(network, address);
        writeln!(
            io::stdout().lock(),
            "Serving until interrupted. Run Terraform or OpenTofu with:\n\n\
             \texport TF_REATTACH_PROVIDERS='{reattach}'\n"
        )?;
        Ok(catalog())
    })
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// The value of `TF_REATTACH_PROVIDERS` for this process. `Test` tells Terraform not to end it.
fn reattach(network: &str, address: &str) -> serde_json::Value {
    json!({
        SOURCE: {
            "Protocol": "grpc",
            "ProtocolVersion": handshake::PROTOCOL,
            "Pid": process::id(),
            "Test": true,
            "Addr": { "Network": network, "String": address },
        }
    })
}
