//! The plugin server: the connection between Terraform or OpenTofu and this process, and the
//! service that it carries.
//!
//! Terraform starts the binary with a certificate in the environment. The binary opens a private
//! socket, prints its address on one line, and serves gRPC over mutual TLS until it is asked to shut
//! down ([`serve`]). [`serve_for_debugging`] does the same for a process that a developer started,
//! for example under a debugger. [`Service`] is the provider's gRPC service alone.
//!
//! The server of `tf-provider` does not serve here: its client certificate is optional, so any
//! local process could use a configured provider. It also has an older protocol, and it ends calls
//! whose responses carry secrets that exist nowhere else.

mod calls;
mod connections;
mod convert;
mod error;
mod handshake;
mod listener;
mod logging;
mod panics;
mod parent;
pub mod proto;
mod server;
mod service;
mod side_services;
mod signals;
mod tls;
#[cfg(unix)]
mod unix_socket;

use std::io::{self, Write};
use std::{env, process};

use serde_json::json;

use self::error::SOURCE;
pub use self::error::ServeError;
use self::handshake::{Parent, Place};
use self::listener::Listener;
use self::parent::ParentProcess;
use self::server::PluginServer;
pub use self::service::Service;
use self::signals::OnInterrupt;
use crate::framework::Catalog;

/// Serves a catalog to the Terraform that started this process, until it says `Shutdown` or is gone.
///
/// Reads the environment and writes one line to stdout, as go-plugin requires. The catalog is built
/// after that line, so that it does not delay the start.
///
/// # Errors
///
/// When Terraform did not start the process, when the two have no protocol version in common, when
/// the parent sent no certificate, and when the system refuses a socket.
pub fn serve(catalog: impl FnOnce() -> Catalog) -> Result<(), ServeError> {
    let started_by = ParentProcess::current();
    logging::start(variable);
    panics::silence();
    let parent = Parent::read(variable)?;
    let listener = Listener::open(&parent.place).map_err(ServeError::Listen)?;
    let identity = tls::Identity::generate()?;
    let certificate = identity.certificate.clone();
    let server = PluginServer {
        tls: Some(tls::config(identity, parent.certificate)?),
        on_interrupt: OnInterrupt::Ignore,
        parent: Some(started_by),
    };
    server.run(&listener, |network, address| {
        handshake::announce(io::stdout().lock(), network, address, &certificate)?;
        Ok(catalog())
    })
}

/// Serves a catalog to any Terraform with the printed value of `TF_REATTACH_PROVIDERS`, until an
/// interrupt.
///
/// go-plugin has no TLS for this. The directory of the socket, which only its owner can enter,
/// protects the process.
///
/// # Errors
///
/// When the system refuses a socket, or has no private sockets.
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
        parent: None,
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
