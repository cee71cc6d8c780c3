//! The catalog: everything that one provider binary offers.
//!
//! ```ignore
//! Catalog::new(Provider)
//!     .resource("example_user", UserResource)
//!     .resource("example_key", ResourceAdapter::new(KeyResource).with_identity())
//!     .data_source("example_user", UserDataSource)
//! ```

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use tf_provider::{AttributePath, DataSource, Diagnostics, Function, Provider};

use super::action::{Action, ActionAdapter, ErasedAction};
use super::data_source::{DataSourceAdapter, ErasedDataSource};
use super::diagnostics::Report;
use super::ephemeral::{EphemeralAdapter, EphemeralResource, ErasedEphemeralResource};
use super::function::{ErasedFunction, FunctionAdapter};
use super::provider::{ErasedProvider, ProviderAdapter};
use super::resource::{ErasedResource, ResourceAdapter};

/// Everything one provider binary offers, by the names that a configuration uses.
pub struct Catalog {
    /// The provider block.
    pub provider: Box<dyn ErasedProvider>,
    /// Managed resources, by type name.
    pub resources: BTreeMap<String, Box<dyn ErasedResource>>,
    /// Data sources, by type name.
    pub data_sources: BTreeMap<String, Box<dyn ErasedDataSource>>,
    /// Functions, by name.
    pub functions: BTreeMap<String, Box<dyn ErasedFunction>>,
    /// Ephemeral resources, by type name.
    pub ephemeral_resources: BTreeMap<String, Box<dyn ErasedEphemeralResource>>,
    /// Actions, by type name.
    pub actions: BTreeMap<String, Box<dyn ErasedAction>>,
    /// Mistakes in the definitions above. Terraform shows them when it loads the schema.
    pub diagnostics: Diagnostics,
}

impl Catalog {
    /// A catalog of a provider that offers nothing else yet.
    pub fn new<T>(provider: T) -> Self
    where
        T: Provider,
        T::Config<'static>: DeserializeOwned,
    {
        let mut diagnostics = Diagnostics::default();
        let provider = ProviderAdapter::new(provider, &mut diagnostics);
        Self {
            provider: Box::new(provider),
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            functions: BTreeMap::new(),
            ephemeral_resources: BTreeMap::new(),
            actions: BTreeMap::new(),
            diagnostics,
        }
    }

    /// Adds a managed resource: as it is, or in a [`ResourceAdapter`] with optional capabilities.
    #[must_use]
    pub fn resource<T>(mut self, name: &str, resource: impl Into<ResourceAdapter<T>>) -> Self
    where
        ResourceAdapter<T>: ErasedResource,
        T: tf_provider::Resource,
    {
        let mut resource = resource.into();
        self.merge(resource.take_diagnostics());
        let replaced = self.resources.insert(name.to_owned(), Box::new(resource));
        self.refuse_duplicate(name, replaced.is_some());
        self
    }

    /// Adds a data source.
    #[must_use]
    pub fn data_source<T>(
        mut self,
        name: &str,
        data_source: impl Into<DataSourceAdapter<T>>,
    ) -> Self
    where
        DataSourceAdapter<T>: ErasedDataSource,
        T: DataSource,
    {
        let mut data_source = data_source.into();
        self.merge(data_source.take_diagnostics());
        let data_source = Box::new(data_source);
        let replaced = self.data_sources.insert(name.to_owned(), data_source);
        self.refuse_duplicate(name, replaced.is_some());
        self
    }

    /// Adds a function.
    #[must_use]
    pub fn function<T>(mut self, name: &str, function: T) -> Self
    where
        T: Function + 'static,
        T::Input<'static>: DeserializeOwned,
    {
        let function = FunctionAdapter::new(function, &mut self.diagnostics);
        let replaced = self.functions.insert(name.to_owned(), Box::new(function));
        self.refuse_duplicate(name, replaced.is_some());
        self
    }

    /// Adds an ephemeral resource.
    #[must_use]
    pub fn ephemeral_resource(mut self, name: &str, ephemeral: impl EphemeralResource) -> Self {
        let ephemeral = Box::new(EphemeralAdapter::new(ephemeral));
        let replaced = self.ephemeral_resources.insert(name.to_owned(), ephemeral);
        self.refuse_duplicate(name, replaced.is_some());
        self
    }

    /// Adds an action.
    #[must_use]
    pub fn action(mut self, name: &str, action: impl Action) -> Self {
        let action = Box::new(ActionAdapter::new(action));
        let replaced = self.actions.insert(name.to_owned(), action);
        self.refuse_duplicate(name, replaced.is_some());
        self
    }

    /// Closes the ephemeral objects that the caller has left open.
    pub async fn close_ephemeral_objects(&self) {
        let resources = self.ephemeral_resources.values();
        join_all(resources.map(|ephemeral| ephemeral.close_all())).await;
    }

    fn merge(&mut self, diagnostics: Diagnostics) {
        self.diagnostics.errors.extend(diagnostics.errors);
        self.diagnostics.warnings.extend(diagnostics.warnings);
    }

    fn refuse_duplicate(&mut self, name: &str, duplicate: bool) {
        if duplicate {
            self.diagnostics.fail(
                "Duplicate name in the provider's catalog",
                format!("`{name}` is defined twice. This is a bug in the provider."),
                AttributePath::root(),
            );
        }
    }
}
