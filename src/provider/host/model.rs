//! The attributes of `proxmox_host`: its schema and its state.

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeType, Schema};
use tf_provider::value::Value;

use crate::framework::schema;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::attributes::timeouts;
use crate::provider::attributes::timeouts::Timeouts;
use crate::provider::clients::cluster_attribute;
use crate::provider::host::facts;
use crate::provider::host::facts::{Facts, PrivilegeMap};
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
    pub api_token_secret_wo: Value<StoredSecret>,
    pub api_token_secret_wo_version: Value<i64>,
    pub password_wo: Value<StoredSecret>,
    pub password_wo_version: Value<i64>,
    pub totp_secret_wo: Value<StoredSecret>,
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

/// The attributes that are never stored in the state.
pub const WRITE_ONLY: &[&str] = &["api_token_secret_wo", "password_wo", "totp_secret_wo"];

impl State {
    /// The registration with the write-only secrets of its configuration.
    pub fn with_secrets_of(self, config: &Self) -> Self {
        Self {
            api_token_secret_wo: config.api_token_secret_wo.clone(),
            password_wo: config.password_wo.clone(),
            totp_secret_wo: config.totp_secret_wo.clone(),
            ..self
        }
    }

    /// Whether its credential is not in the state, or can be used only once, so that a refresh
    /// cannot log in.
    pub fn cannot_log_in_again(&self) -> bool {
        let stored = &self.credentials;
        let in_one = is_given(&stored.api_token) || is_given(&stored.auth_ticket);
        let token = is_given(&stored.api_token_id);
        let secret = if token {
            &stored.api_token_secret
        } else {
            &stored.password
        };
        let write_only = (token || is_given(&stored.username)) && !is_given(secret);
        (write_only && !in_one) || is_given(&stored.otp)
    }

    /// The settings of the host's own credential.
    pub fn credentials(&self) -> CredentialSettings {
        let settings = self.credentials.clone().settings(Source::Attribute);
        let write_only = |name, value: &Value<StoredSecret>| {
            Setting::attribute(name, value.clone()).unless_blank()
        };
        CredentialSettings {
            api_token_secret: settings
                .api_token_secret
                .or(write_only("api_token_secret_wo", &self.api_token_secret_wo)),
            password: settings
                .password
                .or(write_only("password_wo", &self.password_wo)),
            totp_secret: settings
                .totp_secret
                .or(write_only("totp_secret_wo", &self.totp_secret_wo)),
            ..settings
        }
    }

    /// The host's own TLS settings.
    pub fn tls(&self) -> TlsSettings {
        self.tls.clone().settings(Source::Attribute)
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
            api_token_secret_wo: Value::Null,
            password_wo: Value::Null,
            totp_secret_wo: Value::Null,
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
            .chain(write_only())
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

/// The attributes of secrets that are not stored.
fn write_only() -> [(&'static str, Attribute); 5] {
    use AttributeType::{Number, String};
    use schema::{optional, sensitive};

    [
        (
            "api_token_secret_wo",
            sensitive(optional(
                String,
                "Secret of the API token `api_token_id`, in place of `api_token_secret`. \
                 Write-only: it is never stored in the state, so a refresh checks only what needs \
                 no credential. Requires Terraform or OpenTofu 1.11 or later.",
            )),
        ),
        (
            "api_token_secret_wo_version",
            optional(
                Number,
                "Version of `api_token_secret_wo`. Change it together with the secret to check the \
                 connection again.",
            ),
        ),
        (
            "password_wo",
            sensitive(optional(
                String,
                "Password of `username`, in place of `password`. Write-only: it is never stored in \
                 the state, so a refresh checks only what needs no credential. Requires Terraform \
                 or OpenTofu 1.11 or later.",
            )),
        ),
        (
            "password_wo_version",
            optional(
                Number,
                "Version of `password_wo`. Change it together with the password to check the \
                 connection again.",
            ),
        ),
        (
            "totp_secret_wo",
            sensitive(optional(
                String,
                "Base32-encoded TOTP secret of `username`, in place of `totp_secret`. Write-only: \
                 it is never stored in the state. Requires `password_wo`, and Terraform or \
                 OpenTofu 1.11 or later.",
            )),
        ),
    ]
}
