//! Which certificates are trusted, and how a TLS connection is made.

pub mod certificate;
pub mod failure;
pub mod handshake;
pub mod policy;
