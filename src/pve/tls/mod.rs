//! Trust in certificates, and the configuration of TLS connections.

pub mod bundle;
pub mod certificate;
pub mod client_identity;
pub mod failure;
pub mod handshake;
mod key;
pub mod policy;
mod sessions;
mod verifier;
