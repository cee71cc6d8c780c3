//! The provider block, over [`tf_provider::Provider`].

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tf_provider::{Diagnostics, Provider, schema::Schema};

use super::{Encoded, diagnostics::Report, encoded::decode, walk::walk};

/// What Terraform says when it configures the provider.
pub struct ConfigureRequest {
    /// Version of the calling Terraform or OpenTofu.
    pub terraform_version: String,
    /// The provider block; may hold unknown values while planning.
    pub config: Encoded,
}

/// A provider, as the server calls it.
#[async_trait]
pub trait ErasedProvider: Send + Sync + 'static {
    /// The schema of the provider block.
    fn schema(&self) -> &Schema;
    /// Checks a provider block, without any connection.
    async fn validate(&self, config: Encoded, diags: &mut Diagnostics);
    /// Takes a provider block into use for the calls that follow.
    async fn configure(&self, request: ConfigureRequest, diags: &mut Diagnostics);
}

/// Makes an [`ErasedProvider`] of a typed provider.
pub struct ProviderAdapter<T> {
    provider: T,
    schema: Schema,
}

impl<T: Provider> ProviderAdapter<T> {
    /// Wraps a provider. A provider without a schema has an empty one.
    pub fn new(provider: T) -> Self {
        let schema = provider.schema(&mut Diagnostics::default());
        let schema = schema.unwrap_or_else(|| super::schema::schema("", []));
        Self { provider, schema }
    }
}

#[async_trait]
impl<T> ErasedProvider for ProviderAdapter<T>
where
    T: Provider,
    for<'a> T::Config<'a>: DeserializeOwned,
{
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, config: Encoded, diags: &mut Diagnostics) {
        let Some(tree) = walk(&config, &self.schema, diags) else {
            return;
        };
        let Some(config) = decode(&tree, diags) else {
            return;
        };
        if self.provider.validate(diags, config).await.is_none() {
            diags.fail_if_silent("Validation stopped without a reason");
        }
    }

    async fn configure(&self, request: ConfigureRequest, diags: &mut Diagnostics) {
        let Some(tree) = walk(&request.config, &self.schema, diags) else {
            return;
        };
        let Some(config) = decode(&tree, diags) else {
            return;
        };
        let version = request.terraform_version;
        if self
            .provider
            .configure(diags, version, config)
            .await
            .is_none()
        {
            diags.fail_if_silent("Configuration stopped without a reason");
        }
    }
}
