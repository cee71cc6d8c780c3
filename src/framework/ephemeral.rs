//! Ephemeral resources: values that exist while Terraform runs and are never stored.
//!
//! Terraform opens one in each plan and in each apply, renews it while it is in use, and closes it
//! at the end, unless something that depends on it has failed: then the server closes it.
//! `tf-provider` has no trait for them, so [`EphemeralResource`] is one of this crate.

use std::time::SystemTime;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tf_provider::Diagnostics;
use tf_provider::schema::Schema;

use super::client::ClientCapabilities;
use super::deferral::Deferred;
use super::diagnostics::{Problem, Report};
use super::encoded::{Encoded, decode, decode_private, encode, encode_bytes};
use super::open_objects::OpenObjects;
use super::read_only::conform_config;

/// A typed ephemeral resource. Warnings go into `diags`.
#[async_trait]
pub trait EphemeralResource: Send + Sync + 'static {
    /// The configuration, and the result that completes it.
    type Model: Serialize + DeserializeOwned + Send;

    /// What [`renew`](Self::renew) and [`close`](Self::close) need to know of an open object.
    type Private: Serialize + DeserializeOwned + Send;

    /// The schema of the ephemeral block.
    fn schema(&self) -> Schema;

    /// Validates a configuration, without any connection.
    ///
    /// # Errors
    ///
    /// When the configuration is invalid.
    fn validate(&self, config: Self::Model) -> Result<(), Problem> {
        drop(config);
        Ok(())
    }

    /// Why an object with this configuration cannot be opened now, or `None` if it can. Called only
    /// if the caller allows a deferral.
    fn deferred(&self, config: &Self::Model) -> Option<Deferred> {
        let _ = config;
        None
    }

    /// Opens an object.
    ///
    /// # Errors
    ///
    /// When there is no object to close afterwards.
    async fn open(
        &self,
        config: Self::Model,
        diags: &mut Diagnostics,
    ) -> Result<Opened<Self::Model, Self::Private>, Problem>;

    /// Extends the life of an open object.
    ///
    /// # Errors
    ///
    /// When the object cannot be extended. Terraform still closes it.
    async fn renew(
        &self,
        private: Self::Private,
        diags: &mut Diagnostics,
    ) -> Result<Renewed<Self::Private>, Problem>;

    /// Closes an open object. Terraform passes the private state of [`open`](Self::open), OpenTofu
    /// that of the last [`renew`](Self::renew).
    ///
    /// # Errors
    ///
    /// When the object may still exist.
    async fn close(&self, private: Self::Private, diags: &mut Diagnostics) -> Result<(), Problem>;
}

/// An object that was opened.
pub struct Opened<M, P> {
    /// The values of the ephemeral block.
    pub result: M,
    /// The private state for renewals and for the end.
    pub private: P,
    /// When Terraform has to renew the object.
    pub renew_at: Option<SystemTime>,
}

/// An object that was renewed.
pub struct Renewed<P> {
    /// The private state for further renewals and for the end.
    pub private: P,
    /// When Terraform has to renew the object again.
    pub renew_at: Option<SystemTime>,
}

/// An ephemeral object to open.
pub struct OpenRequest {
    /// The configuration of the ephemeral block.
    pub config: Encoded,
    /// The capabilities of the caller.
    pub client: ClientCapabilities,
}

/// The response to an [`OpenRequest`].
pub enum OpenResponse {
    /// The object is open.
    Opened(Opened<Encoded, Vec<u8>>),
    /// The object was not opened.
    Deferred(Deferred),
}

/// An ephemeral resource, as the server calls it. The diagnostics that a call fills are empty at
/// its start.
#[async_trait]
pub trait ErasedEphemeralResource: Send + Sync + 'static {
    /// The schema of the ephemeral block.
    fn schema(&self) -> &Schema;

    /// Validates a configuration, without any connection.
    fn validate(&self, config: Encoded, diags: &mut Diagnostics);

    /// Opens an object. `None` after an error.
    async fn open(&self, request: OpenRequest, diags: &mut Diagnostics) -> Option<OpenResponse>;

    /// Renews an object. After an error, with its private state as it was.
    async fn renew(&self, private: Vec<u8>, diags: &mut Diagnostics) -> Renewed<Vec<u8>>;

    /// Closes an object.
    async fn close(&self, private: Vec<u8>, diags: &mut Diagnostics);

    /// Closes the objects that the caller has left open.
    async fn close_all(&self);
}

/// An [`ErasedEphemeralResource`] from a typed ephemeral resource.
pub(super) struct EphemeralAdapter<T> {
    ephemeral: T,
    schema: Schema,
    open: OpenObjects,
}

impl<T: EphemeralResource> EphemeralAdapter<T> {
    /// Adapts an ephemeral resource.
    pub fn new(ephemeral: T) -> Self {
        let schema = ephemeral.schema();
        Self {
            ephemeral,
            schema,
            open: OpenObjects::default(),
        }
    }

    fn config(&self, config: &Encoded, diags: &mut Diagnostics) -> Option<T::Model> {
        decode(conform_config(config, &self.schema, diags)?, diags)
    }
}

#[async_trait]
impl<T: EphemeralResource> ErasedEphemeralResource for EphemeralAdapter<T> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: Encoded, diags: &mut Diagnostics) {
        if let Some(config) = self.config(&config, diags)
            && let Err(problem) = self.ephemeral.validate(config)
        {
            diags.problem(problem);
        }
    }

    async fn open(&self, request: OpenRequest, diags: &mut Diagnostics) -> Option<OpenResponse> {
        let config = self.config(&request.config, diags)?;
        if request.client.deferral_allowed
            && let Some(deferred) = self.ephemeral.deferred(&config)
        {
            return Some(OpenResponse::Deferred(deferred));
        }
        let opened = self.ephemeral.open(config, diags).await;
        let opened = opened.map_err(|problem| diags.problem(problem)).ok()?;
        let private = encode_bytes(&opened.private, diags)?;
        self.open.opened(&private);
        Some(OpenResponse::Opened(Opened {
            result: encode(&opened.result, diags)?,
            private,
            renew_at: opened.renew_at,
        }))
    }

    async fn renew(&self, private: Vec<u8>, diags: &mut Diagnostics) -> Renewed<Vec<u8>> {
        let renewed = self.renew_typed(&private, diags).await;
        renewed.unwrap_or(Renewed {
            private,
            renew_at: None,
        })
    }

    async fn close(&self, private: Vec<u8>, diags: &mut Diagnostics) {
        self.open.closed(&private);
        let Some(private) = decode_private(&private, diags) else {
            return;
        };
        if let Err(problem) = self.ephemeral.close(private, diags).await {
            diags.problem(problem);
        }
    }

    async fn close_all(&self) {
        let closed = self.open.take().into_iter().map(|private| async {
            let mut diags = Diagnostics::default();
            self.close(private, &mut diags).await;
            for error in diags.errors {
                tracing::warn!(detail = %error.detail, "{}", error.summary);
            }
        });
        join_all(closed).await;
    }
}

impl<T: EphemeralResource> EphemeralAdapter<T> {
    async fn renew_typed(
        &self,
        private: &[u8],
        diags: &mut Diagnostics,
    ) -> Option<Renewed<Vec<u8>>> {
        let before = private;
        let private = decode_private(private, diags)?;
        let renewed = self.ephemeral.renew(private, diags).await;
        let renewed = renewed.map_err(|problem| diags.problem(problem)).ok()?;
        let private = encode_bytes(&renewed.private, diags)?;
        self.open.renewed(before, &private);
        Some(Renewed {
            private,
            renew_at: renewed.renew_at,
        })
    }
}
