//! The reasons why a process cannot serve.

use std::io;

/// The source address of the provider, by which Terraform matches a process to attach to.
pub(super) const SOURCE: &str = "depl0y/proxmox";

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
        "Unable to open a socket for Terraform: {0}. Set TMPDIR to a writable directory whose path \
         has at most 80 bytes."
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
