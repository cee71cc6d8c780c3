//! The plugin server: the connection between Terraform or OpenTofu and this process, and the
//! service that it carries.
//!
//! Terraform starts the binary with a certificate in the environment. The binary opens a private
//! socket, prints its address on one line, and serves gRPC over mutual TLS until it is told to shut
//! down ([`serve`]). [`serve_for_debugging`] does the same for a process that a developer started,
//! for example under a debugger. [`Service`] is the provider's gRPC service alone.
//!
//! The server of `tf-provider` does not serve here: its client certificate is optional, so any
//! local process could use a configured provider. It also has an older protocol, and it ends calls
//! whose responses carry secrets that exist nowhere else.

mod calls;
mod connections;
mod convert;
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
    handshake::{Parent, Place},
    listener::Listener,
    server::PluginServer,
    signals::OnInterrupt,
};
use crate::framework::Catalog;

pub use self::service::Service;

/// The source address of the provider in `TF_REATTACH_PROVIDERS`.
const SOURCE: &str = "depl0y/proxmox";

/// The reason why a process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Terraform did not start the binary.
    #[error(
        "This is a Terraform provider. Terraform and OpenTofu start it when a configuration names \
         {SOURCE} under required_providers. --help lists its own commands."
    )]
    NotStartedByTerraform,
    /// The parent is too old or too new.
    #[error(
        "This provider requires version 6 of Terraform's plugin protocol. The program that started \
         it offers only \"{offered}\". Use Terraform 1.0 or later, or OpenTofu."
    )]
    ProtocolVersion {
        /// The versions that the parent offers.
        offered: String,
    },
    /// The parent sent no certificate.
    #[error(
        "The program that started this provider sent no client certificate (PLUGIN_CLIENT_CERT). \
         Without it, any local program could use the provider's credentials. Use Terraform or \
         OpenTofu, or --debug to attach to a process that is started by hand."
    )]
    NoClientCertificate,
    /// The parent's certificate cannot be read.
    #[error("PLUGIN_CLIENT_CERT does not hold a certificate in PEM format.")]
    UnreadableClientCertificate,
    /// The certificate of this process could not be generated.
    #[error("Unable to generate a certificate for this process: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("Unable to set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// No socket could be opened.
    #[error(
        "Unable to open a socket for Terraform: {0}. The directory for temporary files must be \
         writable, and its path short."
    )]
    Listen(#[source] io::Error),
    /// Without TLS, other users could connect to the process.
    #[error(
        "Debugging requires a unix socket, which this system does not have. Through a port, any \
         local program could use the provider's credentials."
    )]
    NoPrivateSocket,
    /// Standard output or the runtime failed.
    #[error("Unable to serve: {0}")]
    Io(#[from] io::Error),
    /// The gRPC server failed.
    #[error("Unable to serve: {0}")]
    Grpc(#[from] tonic::transport::Error),
}

/// Serves a catalog to the Terraform that started this process, until it says `Shutdown`.
///
/// Reads the environment and writes one line to stdout, as go-plugin requires. The catalog is built
/// after that line, so that it does not delay the start.
///
/// # Errors
///
/// When Terraform did not start the process, when the two have no protocol version in common, when
/// the parent sent no certificate, and when the system refuses a socket.
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
