//! The action `proxmox_api_token_revoke`: revokes one token now, whether a resource manages it or not.

use async_trait::async_trait;
use serde::Deserialize;
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Action, Deferred, Problem, Sink, schema};
use crate::provider::api_token::apply::messages;
use crate::provider::clients::{
    Connections, Revocation, Write, Writer, cluster_attribute, context,
};
use crate::pve::{CachedClient, Deletion, TokenId};

const NAME: &str = "proxmox_api_token_revoke";

/// The revocation of one token.
pub struct RevokeAction {
    connections: Connections,
}

impl RevokeAction {
    /// An action that uses the provider's connections.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }

    /// The client for the revocation, if a destroy could revoke the token as well.
    async fn writer(&self, config: &Config, token: &TokenId) -> Result<Writer, Problem> {
        let revocation = Revocation {
            tokens: vec![(token.clone(), None)],
            allow_self_lockout: config.allow_self_lockout == Value::Value(true),
        };
        let write = Write::Revoke(revocation);
        let writer = self.connections.writer(&config.cluster, token, write);
        Ok(writer.await?)
    }
}

/// The configuration of the action.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    cluster: Value<String>,
    token_id: Value<String>,
    allow_self_lockout: Value<bool>,
}

impl Config {
    /// The token. `None` while it is unknown.
    fn token(&self) -> Result<Option<TokenId>, Problem> {
        let Some(id) = self.token_id.as_ref_option() else {
            return Ok(None);
        };
        let parsed = TokenId::parse(id, None).map_err(|error| {
            Problem::new(
                "Invalid token_id",
                format!("`token_id` is invalid: {error}."),
                AttributePath::new("token_id"),
            )
        });
        parsed.map(Some)
    }
}

#[async_trait]
impl Action for RevokeAction {
    type Config = Config;

    fn schema(&self) -> Schema {
        use AttributeType::{Bool, String};
        use schema::{optional, required};

        schema::schema(
            "Revokes an API token at once, whether a resource manages it or not, for instance \
             because its secret has leaked. A resource that manages the token plans to create it \
             again.",
            [
                cluster_attribute(
                    "Key of the provider's `clusters` on which the token is revoked. Defaults to \
                     the provider's own connection.",
                ),
                (
                    "token_id",
                    required(String, "Id of the token: `user@realm!name`."),
                ),
                (
                    "allow_self_lockout",
                    optional(
                        Bool,
                        "Whether the token with which the provider itself logs in may be revoked. \
                         Defaults to `false`.",
                    ),
                ),
            ],
        )
    }

    fn validate(&self, config: Config) -> Result<(), Problem> {
        config.token().map(drop)
    }

    fn deferred(&self, config: &Config) -> Option<Deferred> {
        self.connections.deferred(&config.cluster)
    }

    /// Refuses what would fail: a connection that is not there, and the provider's own token.
    async fn plan(&self, config: Config, _diags: &mut Diagnostics) -> Result<(), Problem> {
        match config.token()? {
            Some(token) => self.writer(&config, &token).await.map(drop),
            None => Ok(()),
        }
    }

    async fn invoke(
        &self,
        config: Config,
        progress: &dyn Sink<String>,
        _diags: &mut Diagnostics,
    ) -> Result<(), Problem> {
        let Some(token) = config.token()? else {
            return Ok(());
        };
        self.connections
            .refuse_one_time_code(&config.cluster, NAME)?;
        let writer = self.writer(&config, &token).await?;
        progress.send(format!("Revoking {token}")).await;
        revoke(writer.client(), &token).await?;
        writer.revoked(&token);
        progress.send(format!("Revoked {token}")).await;
        Ok(())
    }
}

async fn revoke(client: &CachedClient, token: &TokenId) -> Result<(), Problem> {
    match client.delete_token(token, &context()).await {
        Ok(Deletion::Deleted) => Ok(()),
        Ok(Deletion::AlreadyGone) => Err(Problem::new(
            "No such API token",
            format!(
                "{token} does not exist, so nothing was revoked. Correct `token_id`. If the token \
                 was revoked before, nothing else needs to be done."
            ),
            AttributePath::new("token_id"),
        )),
        Err(error) => Err(messages::not_revoked(token, &error)),
    }
}
