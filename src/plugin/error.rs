//! Why a process cannot serve.

use std::io;

/// The source address of the provider, by which Terraform matches a process to attach to.
pub(super) const SOURCE: &str = "depl0y/proxmox";

/// Why a process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A person started the binary.
    #[error(
        "This is a Terraform provider: Terraform and OpenTofu start it by themselves when a \
         configuration names {SOURCE} under required_providers. There is nothing to start by hand; \
         --help lists what else it can do."
    )]
    NotStartedByTerraform,
    /// The parent is too old or too new.
    #[error(
        "This provider speaks version 6 of Terraform's plugin protocol, but the program that \
         started it offers only \"{offered}\". Use Terraform 1.0 or later, or OpenTofu."
    )]
    ProtocolVersion {
        /// The versions that the parent named.
        offered: String,
    },
    /// The parent does not prove who it is.
    #[error(
        "The program that started this provider gave no client certificate (PLUGIN_CLIENT_CERT), \
         without which any local program could use the provider's credentials. Use Terraform or \
         OpenTofu, or --debug to attach to a process started by hand."
    )]
    NoClientCertificate,
    /// The parent's certificate makes no sense.
    #[error("PLUGIN_CLIENT_CERT does not hold a certificate in PEM format.")]
    UnreadableClientCertificate,
    /// No certificate of our own could be made.
    #[error("Unable to make a certificate for this process: {0}")]
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
    /// There is no way to keep others out of a process without TLS.
    #[error(
        "Debugging needs a unix socket, which this system does not have: over a port, any local \
         program could use the provider's credentials."
    )]
    NoPrivateSocket,
    /// Standard output or the runtime failed.
    #[error("Unable to serve: {0}")]
    Io(#[from] io::Error),
    /// The gRPC server failed.
    #[error("Unable to serve: {0}")]
    Grpc(#[from] tonic::transport::Error),
}
