//! Data sources, over [`tf_provider::DataSource`].

use async_trait::async_trait;
use rmpv::Value;
use serde::de::DeserializeOwned;
use tf_provider::{DataSource, Diagnostics, schema::Schema};

use super::{
    Encoded,
    diagnostics::Report,
    encoded::{decode, encode},
    walk::walk,
};

/// A data source, as the server calls it.
#[async_trait]
pub trait ErasedDataSource: Send + Sync + 'static {
    /// The schema of the data block.
    fn schema(&self) -> &Schema;
    /// Checks a configuration, without any connection.
    async fn validate(&self, config: Encoded, diags: &mut Diagnostics);
    /// Reads the data. `None` after an error.
    async fn read(&self, config: Encoded, diags: &mut Diagnostics) -> Option<Encoded>;
}

/// Makes an [`ErasedDataSource`] of a typed data source.
pub struct DataSourceAdapter<T> {
    data_source: T,
    schema: Schema,
}

impl<T: DataSource> DataSourceAdapter<T> {
    /// Wraps a data source.
    pub fn new(data_source: T) -> Self {
        let schema = data_source.schema(&mut Diagnostics::default());
        let schema = schema.unwrap_or_else(|| super::schema::schema("", []));
        Self {
            data_source,
            schema,
        }
    }
}

#[async_trait]
impl<T> ErasedDataSource for DataSourceAdapter<T>
where
    T: DataSource + 'static,
    for<'a> T::State<'a>: DeserializeOwned,
    for<'a> T::ProviderMetaState<'a>: DeserializeOwned,
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
        if self.data_source.validate(diags, config).await.is_none() {
            diags.fail_if_silent("Validation stopped without a reason");
        }
    }

    async fn read(&self, config: Encoded, diags: &mut Diagnostics) -> Option<Encoded> {
        let tree = walk(&config, &self.schema, diags)?;
        let config = decode(&tree, diags)?;
        let meta = decode(&Value::Nil, diags)?;
        match self.data_source.read(diags, config, meta).await {
            Some(state) => encode(&state, diags),
            None => {
                diags.fail_if_silent("A data source returned nothing");
                None
            }
        }
    }
}
