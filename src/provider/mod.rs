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
pub mod documentation;
mod functions;
pub(crate) mod host;
pub(crate) mod mocked;
mod nearest;
pub(crate) mod settings;
mod ticket;

use async_trait::async_trait;
use tf_provider::schema::Schema;
use tf_provider::{Diagnostics, Provider};

use crate::framework::{Catalog, Report, ResourceAdapter};
use crate::provider::api_token::ApiTokenResource;
use crate::provider::api_token::ephemeral::EphemeralApiToken;
use crate::provider::api_token::revoke_action::RevokeAction;
use crate::provider::clients::Connections;
use crate::provider::functions::{AuthorizationHeader, FormatTokenId, ParseTokenId};
use crate::provider::host::resource::HostResource;
use crate::provider::settings::block::Config;
use crate::provider::settings::environment::Environment;
use crate::provider::ticket::EphemeralTicket;

/// Everything this provider offers: one line for each.
pub fn catalog() -> Catalog {
    let connections = Connections::default();
    let each = || connections.clone();
    let token = ResourceAdapter::new(ApiTokenResource::new(each()))
        .with_list()
        .with_moves();
    let host = ResourceAdapter::new(HostResource::new(each()))
        .with_write_only(&host::resource::WRITE_ONLY)
        .with_identity();
    Catalog::new(ProxmoxProvider {
        connections: each(),
    })
    .resource("proxmox_api_token", token)
    .resource("proxmox_host", host)
    .data_source(
        "proxmox_api_token",
        data_sources::api_token::ApiTokenData::new(each()),
    )
    .data_source(
        "proxmox_api_tokens",
        data_sources::api_tokens::ApiTokensData::new(each()),
    )
    .data_source(
        "proxmox_connection",
        data_sources::connection::ConnectionData::new(each()),
    )
    .data_source("proxmox_host", data_sources::host::HostData::new(each()))
    .data_source(
        "proxmox_permissions",
        data_sources::permissions::PermissionsData::new(each()),
    )
    .data_source(
        "proxmox_token_activity",
        data_sources::token_activity::TokenActivityData::new(each()),
    )
    .ephemeral_resource("proxmox_api_token", EphemeralApiToken::new(each()))
    .ephemeral_resource("proxmox_ticket", EphemeralTicket::new(each()))
    .action("proxmox_api_token_revoke", RevokeAction::new(each()))
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
        Some(settings::block::schema())
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: Config) -> Option<()> {
        diags.problems(config.problems());
        Some(())
    }

    async fn configure<'a>(
        &self,
        diags: &mut Diagnostics,
        _terraform_version: String,
        config: Config,
    ) -> Option<()> {
        let environment = Environment::of_this_process();
        let mut warnings = settings::unknown_variables::warnings(&environment);
        let (settings, problems) = config.merge(&environment, &mut warnings);
        let tls = settings.all().map(|connection| &connection.tls);
        warnings.extend(settings::warnings::of_tls(tls));
        warnings.extend(settings::unknown_variables::of_other_tools(
            &environment,
            &settings.own,
        ));
        let credentials = settings.all().map(|connection| &connection.credentials);
        warnings.extend(credentials.filter_map(|one| one.misplaced_secret()));
        diags.warnings(warnings);
        diags.problems(problems);
        self.connections.configure(settings);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rmpv::Value;
    use tf_provider::AttributePath;
    use tf_provider::schema::{Attribute, AttributeConstraint, AttributeType};

    use super::*;
    use crate::framework::{ClientCapabilities, Encoded, Pointing, ValidateRequest};

    /// A configuration that sets this attribute, to a value that is known only after apply.
    fn configured(name: &str) -> Encoded {
        let unknown = Value::Ext(0, vec![0]);
        let mut bytes = Vec::new();
        let tree = Value::Map(vec![(name.into(), unknown)]);
        rmpv::encode::write_value(&mut bytes, &tree).unwrap();
        Encoded::MessagePack(bytes)
    }

    fn read_only(schema: &Schema) -> impl Iterator<Item = (&String, &Attribute)> {
        let attributes = schema.block.attributes.iter();
        attributes.filter(|(_, attribute)| attribute.constraint == AttributeConstraint::Computed)
    }

    fn refuses(diags: &Diagnostics, name: &str, attribute: &Attribute) {
        let refused = diags.errors.iter().find(|error| {
            error.summary == "Read-only attribute configured" && error.detail.contains(name)
        });
        let refused = refused.unwrap_or_else(|| panic!("{name} can be configured: {diags:?}"));
        // The command lines print the line that a diagnostic points at.
        assert_eq!(attribute.sensitive, refused.attribute.steps.is_empty());
    }

    #[tokio::test]
    async fn no_attribute_that_the_provider_sets_can_be_configured() {
        let catalog = catalog();
        let mut checked = 0;
        for resource in catalog.resources.values() {
            for (name, attribute) in read_only(resource.schema()) {
                let mut diags = Diagnostics::default();
                let request = ValidateRequest {
                    config: configured(name),
                    client: ClientCapabilities::default(),
                };
                resource.validate(request, &mut diags).await;
                refuses(&diags, name, attribute);
                checked += 1;
            }
        }
        for data_source in catalog.data_sources.values() {
            for (name, attribute) in read_only(data_source.schema()) {
                let mut diags = Diagnostics::default();
                data_source.validate(configured(name), &mut diags).await;
                refuses(&diags, name, attribute);
                checked += 1;
            }
        }
        assert!(checked > 40, "{checked}");
    }

    /// The paths of the sensitive attributes, at any depth.
    fn sensitive(
        attributes: &HashMap<String, Attribute>,
        above: &AttributePath,
    ) -> Vec<AttributePath> {
        use AttributeType as Type;
        let mut found = Vec::new();
        for (name, attribute) in attributes {
            let path = above.clone().attribute(name.clone());
            match &attribute.attr_type {
                Type::AttributeSingle(nested) => found.extend(sensitive(nested, &path)),
                Type::AttributeList(nested) | Type::AttributeSet(nested) => {
                    found.extend(sensitive(nested, &path.clone().index(0)));
                }
                Type::AttributeMap(nested) => {
                    found.extend(sensitive(nested, &path.clone().key("a")));
                }
                _ => {}
            }
            if attribute.sensitive {
                found.push(path);
            }
        }
        found
    }

    #[test]
    fn no_diagnostic_points_at_a_sensitive_attribute_of_any_schema() {
        let catalog = catalog();
        let resources = catalog.resources.values().map(|one| one.schema());
        let data_sources = catalog.data_sources.values().map(|one| one.schema());
        let schemas = resources
            .chain(data_sources)
            .chain([catalog.provider.schema()]);
        let mut seen = 0;
        for schema in schemas {
            for path in sensitive(&schema.block.attributes, &AttributePath::root()) {
                let mut diags = Diagnostics::default();
                diags.fail("Invalid credential", "Something is wrong.", path.clone());
                diags.warn("Credential ignored", "Something is wrong.", path.clone());
                let diags = diags.away_from_secrets(schema);
                let name = crate::framework::diagnostics::path_text(&path);
                for diagnostic in diags.errors.iter().chain(&diags.warnings) {
                    assert!(diagnostic.attribute.steps.is_empty(), "{name}");
                    assert!(diagnostic.detail.contains(&name), "{name}");
                }
                seen += 1;
            }
        }
        assert!(seen > 20, "only {seen} sensitive attributes");
    }
}
