//! The provider block.
//!
//! [`ErasedProvider`] is what the server calls, in encoded values. A [`ProviderAdapter`] makes one
//! of a typed [`tf_provider::Provider`].

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tf_provider::schema::Schema;
use tf_provider::{Diagnostics, Provider};

use super::diagnostics::Report;
use super::encoded::{Encoded, decode};
use super::read_only::conform_config;

/// A provider block to use for the calls that follow.
pub struct ConfigureRequest {
    /// Version of the calling Terraform or OpenTofu.
    pub terraform_version: String,
    /// The provider block. Some of its values may be unknown in a plan.
    pub config: Encoded,
}

/// A provider, as the server calls it.
#[async_trait]
pub trait ErasedProvider: Send + Sync + 'static {
    /// The schema of the provider block.
    fn schema(&self) -> &Schema;

    /// Validates a provider block, without any connection.
    async fn validate(&self, config: Encoded, diags: &mut Diagnostics);

    /// Uses a provider block for the calls that follow.
    async fn configure(&self, request: ConfigureRequest, diags: &mut Diagnostics);
}

/// A typed provider. Without a schema, its block is empty.
pub struct ProviderAdapter<T> {
    provider: T,
    schema: Schema,
}

impl<T: Provider> ProviderAdapter<T> {
    /// Adapts a provider, and reports the mistakes in its definition.
    pub fn new(provider: T, diags: &mut Diagnostics) -> Self {
        let schema = provider.schema(diags);
        let schema = schema.unwrap_or_else(|| super::schema::schema("", []));
        Self { provider, schema }
    }
}

#[async_trait]
impl<T> ErasedProvider for ProviderAdapter<T>
where
    T: Provider,
    T::Config<'static>: DeserializeOwned,
{
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, config: Encoded, diags: &mut Diagnostics) {
        let Some(config) = self.config(&config, diags) else {
            return;
        };
        if self.provider.validate(diags, config).await.is_none() {
            diags.fail_if_silent("Validation stopped without a reason");
        }
    }

    async fn configure(&self, request: ConfigureRequest, diags: &mut Diagnostics) {
        let Some(config) = self.config(&request.config, diags) else {
            return;
        };
        let version = request.terraform_version;
        let configured = self.provider.configure(diags, version, config).await;
        if configured.is_none() {
            diags.fail_if_silent("Configuration stopped without a reason");
        }
    }
}

impl<T> ProviderAdapter<T>
where
    T: Provider,
    T::Config<'static>: DeserializeOwned,
{
    fn config(&self, config: &Encoded, diags: &mut Diagnostics) -> Option<T::Config<'static>> {
        decode(conform_config(config, &self.schema, diags)?, diags)
    }
}
