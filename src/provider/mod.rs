//! The provider itself: what a configuration can say, and what happens then.
//!
//! One file or folder for each resource, data source and set of functions, named after it and
//! written against the typed traits of `tf-provider`; [`catalog`] lists them. What they share
//! stands in folders of its own: `settings` of a connection, the `clients` that they lead to,
//! `attributes` that mean the same everywhere, and `diagnostics`.

mod api_token;
pub(crate) mod attributes;
pub(crate) mod clients;
mod data_sources;
pub(crate) mod diagnostics;
mod functions;
pub(crate) mod host;
mod nearest;
pub(crate) mod settings;

use std::collections::BTreeMap;

use async_trait::async_trait;
use tf_provider::schema::Schema;
use tf_provider::{Diagnostics, Provider};

use crate::framework::upgrade::NeverChanged;
use crate::framework::{
    Catalog, DataSourceAdapter, ErasedDataSource, ErasedFunction, ErasedResource, FunctionAdapter,
    ProviderAdapter, ResourceAdapter,
};
use crate::provider::api_token::ApiTokenResource;
use crate::provider::clients::Connections;
use crate::provider::data_sources::{
    ApiTokenData, ApiTokensData, ConnectionData, HostData, PermissionsData, TokenActivityData,
};
use crate::provider::functions::{AuthorizationHeader, FormatTokenId, ParseTokenId};
use crate::provider::host::resource::HostResource;
use crate::provider::settings::block::Config;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::Setting;

/// Everything this provider offers.
pub fn catalog() -> Catalog {
    let connections = Connections::default();
    let resources: [(&str, Box<dyn ErasedResource>); 2] = [
        (
            "proxmox_api_token",
            Box::new(ResourceAdapter::new(
                ApiTokenResource::new(connections.clone()),
                NeverChanged,
            )),
        ),
        (
            "proxmox_host",
            Box::new(
                ResourceAdapter::new(HostResource::new(connections.clone()), NeverChanged)
                    .with_write_only(host::resource::WRITE_ONLY),
            ),
        ),
    ];
    let data_sources: [(&str, Box<dyn ErasedDataSource>); 6] = [
        (
            "proxmox_api_token",
            Box::new(DataSourceAdapter::new(ApiTokenData::new(
                connections.clone(),
            ))),
        ),
        (
            "proxmox_api_tokens",
            Box::new(DataSourceAdapter::new(ApiTokensData::new(
                connections.clone(),
            ))),
        ),
        (
            "proxmox_connection",
            Box::new(DataSourceAdapter::new(ConnectionData::new(
                connections.clone(),
            ))),
        ),
        (
            "proxmox_host",
            Box::new(DataSourceAdapter::new(HostData::new(connections.clone()))),
        ),
        (
            "proxmox_permissions",
            Box::new(DataSourceAdapter::new(PermissionsData::new(
                connections.clone(),
            ))),
        ),
        (
            "proxmox_token_activity",
            Box::new(DataSourceAdapter::new(TokenActivityData::new(
                connections.clone(),
            ))),
        ),
    ];
    let functions: [(&str, Box<dyn ErasedFunction>); 3] = [
        (
            "parse_token_id",
            Box::new(FunctionAdapter::new(ParseTokenId)),
        ),
        (
            "format_token_id",
            Box::new(FunctionAdapter::new(FormatTokenId)),
        ),
        (
            "authorization_header",
            Box::new(FunctionAdapter::new(AuthorizationHeader)),
        ),
    ];
    Catalog {
        provider: Box::new(ProviderAdapter::new(ProxmoxProvider { connections })),
        resources: named(resources),
        data_sources: named(data_sources),
        functions: named(functions),
    }
}

fn named<T, const N: usize>(items: [(&str, T); N]) -> BTreeMap<String, T> {
    items.map(|(name, item)| (name.to_owned(), item)).into()
}

/// The provider block.
struct ProxmoxProvider {
    connections: Connections,
}

#[async_trait]
impl Provider for ProxmoxProvider {
    type Config<'a> = Config;
    type MetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        Some(settings::schema::schema())
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: Config) -> Option<()> {
        let (own, clusters) = config.given();
        own.check(diags);
        if let Setting::Known(clusters, _) = clusters {
            clusters.values().for_each(|cluster| cluster.check(diags));
        }
        Some(())
    }

    async fn configure<'a>(
        &self,
        diags: &mut Diagnostics,
        _terraform_version: String,
        config: Config,
    ) -> Option<()> {
        let environment = Environment::of_this_process();
        settings::unknown_variables::warn(&environment, diags);
        let environment = ConnectionSettings::from_environment(&environment, diags);
        let (own, clusters) = config.given();
        let own = own.or_environment(environment, diags);
        own.check(diags);
        let clusters: Setting<BTreeMap<String, ConnectionSettings>> = clusters.map(|clusters| {
            let inherited = clusters
                .into_iter()
                .map(|(name, cluster)| (name, cluster.or_block(&own)));
            inherited.collect()
        });
        settings::warnings::warn(&own, &clusters, diags);
        self.connections.configure(own, clusters);
        Some(())
    }
}
