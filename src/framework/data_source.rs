//! Data sources.
//!
//! [`ErasedDataSource`] is what the server calls, in encoded values. A [`DataSourceAdapter`] makes
//! one of a typed [`tf_provider::DataSource`].

use async_trait::async_trait;
use rmpv::Value;
use serde::de::DeserializeOwned;
use tf_provider::schema::Schema;
use tf_provider::{DataSource, Diagnostics};

use super::client::ClientCapabilities;
use super::conform::conform;
use super::deferral::{self, Deferral, DeferralMethods, Deferred};
use super::diagnostics::Report;
use super::encoded::{Encoded, decode, encode};
use super::read_only::conform_config;

/// Data to read.
pub struct ReadDataRequest {
    /// The configuration of the data block.
    pub config: Encoded,
    /// The capabilities of the caller.
    pub client: ClientCapabilities,
}

/// The response to a [`ReadDataRequest`].
pub struct ReadDataResponse {
    /// The data.
    pub state: Encoded,
    /// Why the data was not read.
    pub deferred: Option<Deferred>,
}

/// A data source, as the server calls it. The diagnostics that a call fills are empty at its start.
#[async_trait]
pub trait ErasedDataSource: Send + Sync + 'static {
    /// The schema of the data block.
    fn schema(&self) -> &Schema;

    /// Validates a configuration, without any connection.
    async fn validate(&self, config: Encoded, diags: &mut Diagnostics);

    /// Reads the data. `None` after an error.
    async fn read(
        &self,
        request: ReadDataRequest,
        diags: &mut Diagnostics,
    ) -> Option<ReadDataResponse>;
}

/// The state of a typed data source.
type StateOf<T> = <T as DataSource>::State<'static>;

/// A typed data source with its optional capabilities.
pub struct DataSourceAdapter<T: DataSource> {
    data_source: T,
    schema: Schema,
    deferral: Option<DeferralMethods<T, StateOf<T>>>,
    diagnostics: Diagnostics,
}

impl<T: DataSource> From<T> for DataSourceAdapter<T> {
    /// A data source without optional capabilities.
    fn from(data_source: T) -> Self {
        Self::new(data_source)
    }
}

impl<T: DataSource> DataSourceAdapter<T> {
    /// A data source without optional capabilities.
    pub fn new(data_source: T) -> Self {
        let mut diagnostics = Diagnostics::default();
        let schema = data_source.schema(&mut diagnostics);
        Self {
            data_source,
            schema: schema.unwrap_or_else(|| super::schema::schema("", [])),
            deferral: None,
            diagnostics,
        }
    }

    /// The same data source with deferred reads.
    #[must_use]
    pub fn with_deferral(mut self) -> Self
    where
        T: Deferral<StateOf<T>>,
    {
        self.deferral = Some(DeferralMethods::new());
        self
    }

    /// The mistakes in the definition of the data source.
    pub(super) fn take_diagnostics(&mut self) -> Diagnostics {
        std::mem::take(&mut self.diagnostics)
    }
}

#[async_trait]
impl<T> ErasedDataSource for DataSourceAdapter<T>
where
    T: DataSource + 'static,
    StateOf<T>: DeserializeOwned,
    T::ProviderMetaState<'static>: DeserializeOwned,
{
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, config: Encoded, diags: &mut Diagnostics) {
        let Some(tree) = conform_config(&config, &self.schema, diags) else {
            return;
        };
        let Some(config) = decode(tree, diags) else {
            return;
        };
        if self.data_source.validate(diags, config).await.is_none() {
            diags.fail_if_silent("Validation stopped without a reason");
        }
    }

    async fn read(
        &self,
        request: ReadDataRequest,
        diags: &mut Diagnostics,
    ) -> Option<ReadDataResponse> {
        let config = decode(conform(&request.config, &self.schema, diags)?, diags)?;
        if request.client.deferral_allowed
            && let Some(deferral) = &self.deferral
            && let Some(deferred) = deferral.deferred(&self.data_source, &config)
        {
            return Some(ReadDataResponse {
                state: Encoded::of_tree(&deferral::unknown()),
                deferred: Some(deferred),
            });
        }
        let meta = decode(Value::Nil, diags)?;
        let Some(state) = self.data_source.read(diags, config, meta).await else {
            diags.fail_if_silent("A data source returned nothing");
            return None;
        };
        Some(ReadDataResponse {
            state: encode(&state, diags)?,
            deferred: None,
        })
    }
}
