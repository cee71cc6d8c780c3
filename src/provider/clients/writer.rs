//! The one way to a client that writes.
//!
//! Whatever changes the server takes its client from `Connections::writer`, so that no resource
//! can bypass the guards: connections to one cluster share a write lock, a token is managed through
//! one of them, and the credential that the provider authenticates with is not revoked.

use tf_provider::value::Value;

use crate::provider::clients::lockout::Revocation;
use crate::provider::clients::same_cluster::Writers;
use crate::pve::{CachedClient, TokenId};

/// The kind of a write.
pub enum Write {
    /// Creates a token or changes it.
    Change,
    /// Revokes tokens.
    Revoke(Revocation),
}

/// A client that has passed the guards of a writer.
pub struct Writer {
    pub(super) client: CachedClient,
    pub(super) writers: Writers,
    pub(super) cluster: Value<String>,
}

impl Writer {
    /// The client.
    pub fn client(&self) -> &CachedClient {
        &self.client
    }

    /// Records that a token was revoked, after which another connection may create it again.
    pub fn revoked(&self, token: &TokenId) {
        self.writers.forget(&self.cluster, token);
    }
}
