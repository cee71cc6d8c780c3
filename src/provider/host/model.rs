//! The attributes of `proxmox_host`: its schema and its state.

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeType, Schema};
use tf_provider::value::Value;

use crate::framework::schema;
use crate::provider::attributes::timeouts;
use crate::provider::attributes::timeouts::Timeouts;
use crate::provider::clients::cluster_attribute;
use crate::provider::host::facts;
use crate::provider::host::facts::{Facts, PrivilegeMap};
use crate::provider::host::write_only::{self, Versions, WriteOnlySecrets};
use crate::provider::settings::credentials::{self, CredentialAttributes, CredentialSettings};
use crate::provider::settings::definition::Definition;
use crate::provider::settings::setting::{Setting, Source, is_given};
use crate::provider::settings::tls::{self, TlsAttributes, TlsSettings};

/// A `proxmox_host` as configured, planned or stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub cluster: Value<String>,
    pub id: Value<String>,
    pub name: Value<String>,
    pub hostname: Value<String>,
    pub port: Value<i64>,
    #[serde(flatten)]
    pub credentials: CredentialAttributes,
    #[serde(flatten)]
    pub secrets: WriteOnlySecrets,
    #[serde(flatten)]
    pub versions: Versions,
    #[serde(flatten)]
    pub tls: TlsAttributes,
    pub required_privileges: PrivilegeMap,
    pub enabled: Value<bool>,
    pub notes: Value<String>,
    pub timeouts: Value<Timeouts>,
    pub identity: Value<String>,
    #[serde(flatten)]
    pub facts: Facts,
}

impl State {
    /// The registration with the write-only secrets of its configuration.
    pub fn with_secrets_of(self, config: &Self) -> Self {
        Self {
            secrets: config.secrets.clone(),
            ..self
        }
    }

    /// Whether its credential, or the key of its client certificate, is not in the state or can be
    /// used only once, so that a refresh cannot log in.
    pub fn cannot_log_in_again(&self) -> bool {
        let (stored, versions) = (&self.credentials, &self.versions);
        if is_given(&stored.otp) || self.tls.has_certificate_without_key() {
            return true;
        }
        let is_stored = is_given(&stored.api_token)
            || is_given(&stored.api_token_secret)
            || is_given(&stored.password)
            || is_given(&stored.auth_ticket);
        let is_named = is_given(&stored.api_token_id) || is_given(&stored.username);
        // Of these, only the version is in the state.
        let is_nameless =
            is_given(&versions.api_token_wo_version) || is_given(&versions.auth_ticket_wo_version);
        !is_stored && (is_named || is_nameless)
    }

    /// The settings of the host's own credential.
    pub fn credentials(&self) -> CredentialSettings {
        let stored = self.credentials.clone().settings(Source::Attribute);
        stored.or(self.secrets.credentials())
    }

    /// The host's own TLS settings.
    pub fn tls(&self) -> TlsSettings {
        let mut settings = self.tls.clone().settings(Source::Attribute);
        settings.client.key = settings.client.key.or(self.secrets.client_key());
        settings
    }

    /// The host's own address. An empty text counts as not set.
    pub fn hostname(&self) -> Setting<String> {
        Setting::attribute("hostname", self.hostname.clone()).unless_blank()
    }

    /// Whether it has an address of its own.
    pub fn has_own_address(&self) -> bool {
        self.hostname().is_set() || !self.port.is_null()
    }

    /// Whether it has no connection settings and is the provider's own connection.
    pub fn has_no_settings(&self) -> bool {
        !self.has_own_address() && self.credentials().source().is_none() && self.tls().is_absent()
    }

    /// These facts from a check, and the identity that it authenticated.
    pub fn with_facts(self, (facts, identity): (Facts, Value<String>)) -> Self {
        Self {
            facts,
            identity,
            ..self
        }
    }

    /// Whether to connect to the host.
    pub fn is_enabled(&self) -> bool {
        self.enabled != Value::Value(false)
    }

    /// Whether two registrations require the same connection check.
    pub fn same_check(&self, other: &Self) -> bool {
        let required = |state: &Self| Self {
            secrets: WriteOnlySecrets::default(),
            id: Value::Null,
            name: Value::Null,
            notes: Value::Null,
            timeouts: Value::Null,
            identity: Value::Null,
            facts: Facts::default(),
            ..state.clone()
        };
        required(self) == required(other)
    }
}

/// The schema of `proxmox_host`.
pub fn schema() -> Schema {
    use AttributeType::{Bool, Number, String};
    use schema::{computed, defaulted, optional, required};

    let registration = [
        cluster_attribute(
            "Key in `clusters` of the provider block whose address, credential and TLS settings \
             replace those of the block for this host. Changing this forces a new registration to \
             be created.",
        ),
        ("id", computed(String, "Name of the host.")),
        (
            "name",
            required(
                String,
                "Name of the host, by which it is identified. Changing this registers the host \
                 again.",
            ),
        ),
        (
            "hostname",
            optional(
                String,
                "Address of the host: a host name, an IP address or a URL. Defaults to the \
                 `endpoint` of the provider.",
            ),
        ),
        (
            "port",
            optional(
                Number,
                "Port of the API if `hostname` does not contain one. Defaults to `8006`.",
            ),
        ),
        (
            "required_privileges",
            optional(
                schema::map_of_string_sets(),
                "Privileges that the credential must have, by path: \
                 `{ \"/vms\" = [\"VM.Allocate\"] }`. If any of them is missing, the connection \
                 check fails and names it.",
            ),
        ),
        (
            "enabled",
            defaulted(
                Bool,
                "Whether to connect to the host. If `false`, the host is registered without a \
                 connection check and its facts are null. Defaults to `true`.",
            ),
        ),
        (
            "notes",
            optional(String, "Free text. Stored in the state only."),
        ),
        timeouts::attribute(&["create", "read", "update"]),
        (
            "identity",
            computed(
                String,
                "Identity that the connection check authenticated, a user or token ID: that of the \
                 host's own credential or, without one, that of the provider's.",
            ),
        ),
    ];
    let stored = credentials::DEFINITIONS.into_iter().map(credential);
    let tls = tls::DEFINITIONS.into_iter().map(|definition| {
        let inherited = "For the provider's own address, defaults to the provider's setting.";
        match definition.kind.is_secret() {
            true => definition.attribute(&format!("{inherited} Stored in the state.")),
            false => definition.attribute(inherited),
        }
    });
    schema::schema(
        "Registers a Proxmox VE host together with the credential that automation uses for it. \
         Nothing is created on the server: creating this resource **is** the connection check, \
         from the address to the privileges, and fails with the cause and the required change. \
         Resources that depend on it start only after the connection has been verified.\n\n\
         A host without its own credential verifies the provider's, and `identity` says whose that is. A refresh reads the facts \
         again. A host that cannot be reached then stays in the state, with a warning.",
        registration
            .into_iter()
            .chain(stored)
            .chain(write_only::attributes())
            .chain(tls)
            .chain(facts::attributes()),
    )
}

/// An attribute of the host's own credential.
fn credential(definition: &Definition) -> (&'static str, Attribute) {
    let note = match definition.kind.is_secret() {
        true => "Stored in the state.",
        false => "",
    };
    definition.attribute(note)
}
