//! The provider itself: what a configuration can say, and what happens then.
//!
//! One file (or folder) for each resource, data source and set of functions, named after it,
//! written against the typed traits of `tf-provider`; [`catalog`] lists them. What they share
//! stands beside them: how settings are resolved (`config`, `address`, `credentials`, `tls`,
//! `transport`, `given`, `environment`), the connection they lead to (`connection`, `twins`), how errors
//! are told (`explain`), how ephemeral tokens are named (`ephemeral_name`), and how secrets enter
//! the state (`secret`). [`commands`] are what the binary does
//! for a person in a shell, with the same settings.

mod address;
mod api_token;
pub mod commands;
mod config;
mod connection;
mod credentials;
mod data;
mod duration;
mod environment;
mod ephemeral_name;
mod explain;
mod facts;
mod functions;
mod given;
mod host;
mod instant;
mod misspelt;
mod outcome;
mod remarks;
mod secret;
mod timeouts;
mod tls;
mod transport;
mod twins;

use std::collections::BTreeMap;

use async_trait::async_trait;
use tf_provider::{Diagnostics, Provider, schema::Schema};

use self::{
    api_token::ApiTokenResource,
    config::{Config, Defaults},
    connection::Connections,
    data::{
        ApiTokenData, ApiTokensData, ConnectionData, HostData, PermissionsData, TokenActivityData,
    },
    environment::Environment,
    functions::{AuthorizationHeader, FormatTokenId, ParseTokenId},
    given::Given,
    host::HostResource,
};
use crate::framework::{Catalog, ResourceAdapter};

/// Everything this provider offers: one line for each.
pub fn catalog() -> Catalog {
    let connections = Connections::default();
    let each = || connections.clone();
    let host = ResourceAdapter::new(HostResource::new(each())).with_write_only(host::WRITE_ONLY);
    Catalog::new(ProxmoxProvider {
        connections: each(),
    })
    .resource("proxmox_api_token", ApiTokenResource::new(each()))
    .resource("proxmox_host", host)
    .data_source("proxmox_api_token", ApiTokenData::new(each()))
    .data_source("proxmox_api_tokens", ApiTokensData::new(each()))
    .data_source("proxmox_connection", ConnectionData::new(each()))
    .data_source("proxmox_host", HostData::new(each()))
    .data_source("proxmox_permissions", PermissionsData::new(each()))
    .data_source("proxmox_token_activity", TokenActivityData::new(each()))
    .function("parse_token_id", ParseTokenId)
    .function("format_token_id", FormatTokenId)
    .function("authorization_header", AuthorizationHeader)
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
        Some(config::schema())
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: Config) -> Option<()> {
        let (own, clusters) = config.given();
        own.check(diags);
        if let Given::Known(clusters, _) = clusters {
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
        misspelt::warn(&environment, diags);
        let environment = Defaults::from_environment(&environment, diags);
        let (own, clusters) = config.given();
        let own = own.or_environment(environment, diags);
        own.check(diags);
        let clusters: Given<BTreeMap<String, Defaults>> = clusters.map(|clusters| {
            let inherited = clusters
                .into_iter()
                .map(|(name, cluster)| (name, cluster.or_block(&own)));
            inherited.collect()
        });
        remarks::warn(&own, &clusters, diags);
        self.connections.configure(own, clusters);
        Some(())
    }
}
