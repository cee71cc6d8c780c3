//! Trust in certificates, and the configuration of TLS connections.

pub mod certificate;
pub mod failure;
pub mod handshake;
pub mod policy;
