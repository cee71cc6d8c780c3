//! The one way to a client that writes.
//!
//! Whatever changes the server takes its client from
//! [`Connections::writer`](crate::provider::clients::Connections::writer), so that no resource can
//! bypass the guards: connections to one cluster share a write lock, and a token is managed through
//! one of them.

use tf_provider::value::Value;

use crate::provider::clients::same_cluster::Writers;
use crate::provider::settings::error::SettingError;
use crate::pve::{Client, TokenId};

/// The kind of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Creates a token or changes it.
    Change,
    /// Revokes a token. A token that is managed through two connections may be revoked through
    /// either.
    Revoke,
}

/// A client that has passed the guards of a writer.
pub struct Writer {
    client: Client,
    writers: Writers,
    cluster: Value<String>,
}

impl Writer {
    /// Passes a client through the guards.
    pub(super) async fn admit(
        writers: &Writers,
        cluster: &Value<String>,
        client: Client,
        token: &TokenId,
        write: Write,
    ) -> Result<Self, SettingError> {
        let unique = writers.register(cluster, &client, token).await;
        if write == Write::Change {
            unique?;
        }
        Ok(Self {
            client,
            writers: writers.clone(),
            cluster: cluster.clone(),
        })
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Records that a token was revoked, after which another connection may create it again.
    pub fn revoked(&self, token: &TokenId) {
        self.writers.forget(&self.cluster, token);
    }
}
