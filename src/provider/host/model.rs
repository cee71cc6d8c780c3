//! The shape of `proxmox_host`: its schema, and the state that goes with it.

use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;

use crate::framework::schema;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::attributes::timeouts;
use crate::provider::attributes::timeouts::Timeouts;
use crate::provider::clients::cluster_attribute;
use crate::provider::host::facts;
use crate::provider::host::facts::{Facts, PrivilegeMap};
use crate::provider::settings::block::strings;
use crate::provider::settings::credentials::CredentialSettings;
use crate::provider::settings::setting::Setting;
use crate::provider::settings::tls::TlsSettings;

/// One `proxmox_host`, as configured, planned or stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub cluster: Value<String>,
    pub id: Value<String>,
    pub name: Value<String>,
    pub hostname: Value<String>,
    pub port: Value<i64>,
    pub username: Value<String>,
    pub api_token: Value<StoredSecret>,
    pub api_token_id: Value<String>,
    pub api_token_secret: Value<StoredSecret>,
    pub api_token_secret_wo: Value<StoredSecret>,
    pub api_token_secret_wo_version: Value<i64>,
    pub password: Value<StoredSecret>,
    pub password_wo: Value<StoredSecret>,
    pub password_wo_version: Value<i64>,
    pub totp_secret: Value<StoredSecret>,
    pub totp_secret_wo: Value<StoredSecret>,
    pub otp: Value<StoredSecret>,
    pub auth_ticket: Value<StoredSecret>,
    pub csrf_prevention_token: Value<StoredSecret>,
    pub verify_ssl: Value<bool>,
    pub ca_certificate: Value<String>,
    pub certificate_fingerprints: Value<Vec<Value<String>>>,
    pub tls_server_name: Value<String>,
    pub min_tls_version: Value<String>,
    pub required_privileges: PrivilegeMap,
    pub enabled: Value<bool>,
    pub notes: Value<String>,
    pub timeouts: Value<Timeouts>,
    #[serde(flatten)]
    pub facts: Facts,
}

/// The attributes that are never kept in the state.
pub const WRITE_ONLY: &[&str] = &["api_token_secret_wo", "password_wo", "totp_secret_wo"];

impl State {
    /// The same registration with the write-only secrets of its configuration.
    pub fn with_secrets_of(self, config: &Self) -> Self {
        Self {
            api_token_secret_wo: config.api_token_secret_wo.clone(),
            password_wo: config.password_wo.clone(),
            totp_secret_wo: config.totp_secret_wo.clone(),
            ..self
        }
    }

    /// Whether it was proven with a secret that is not kept, or with a code that is used up, so that
    /// it cannot be proven again without its configuration.
    pub fn cannot_be_proven_again(&self) -> bool {
        let in_one = !self.api_token.is_null() || !self.auth_ticket.is_null();
        let token = !self.api_token_id.is_null();
        let secret = if token {
            &self.api_token_secret
        } else {
            &self.password
        };
        let unkept = (token || !self.username.is_null()) && secret.is_null();
        (unkept && !in_one) || !self.otp.is_null()
    }

    /// The credential of the host's own, as given.
    pub fn credentials(&self) -> CredentialSettings {
        CredentialSettings {
            api_token: Setting::attribute("api_token", self.api_token.clone()),
            api_token_id: Setting::attribute("api_token_id", self.api_token_id.clone()),
            api_token_secret: Setting::attribute("api_token_secret", self.api_token_secret.clone())
                .or(Setting::attribute(
                    "api_token_secret_wo",
                    self.api_token_secret_wo.clone(),
                )),
            username: Setting::attribute("username", self.username.clone()),
            password: Setting::attribute("password", self.password.clone())
                .or(Setting::attribute("password_wo", self.password_wo.clone())),
            totp_secret: Setting::attribute("totp_secret", self.totp_secret.clone()).or(
                Setting::attribute("totp_secret_wo", self.totp_secret_wo.clone()),
            ),
            otp: Setting::attribute("otp", self.otp.clone()),
            auth_ticket: Setting::attribute("auth_ticket", self.auth_ticket.clone()),
            csrf_prevention_token: Setting::attribute(
                "csrf_prevention_token",
                self.csrf_prevention_token.clone(),
            ),
        }
    }

    /// The TLS settings of the host's own, as given.
    pub fn tls(&self) -> TlsSettings {
        TlsSettings {
            verify_ssl: Setting::attribute("verify_ssl", self.verify_ssl),
            ca_certificate: Setting::attribute("ca_certificate", self.ca_certificate.clone()),
            certificate_fingerprints: Setting::attribute(
                "certificate_fingerprints",
                strings(self.certificate_fingerprints.clone()),
            ),
            tls_server_name: Setting::attribute("tls_server_name", self.tls_server_name.clone()),
            min_tls_version: Setting::attribute("min_tls_version", self.min_tls_version.clone()),
        }
    }

    /// Whether this is the provider's own connection in every respect.
    pub fn has_nothing_of_its_own(&self) -> bool {
        self.hostname.is_null()
            && self.port.is_null()
            && self.credentials().first_given().is_none()
            && self.tls().is_absent()
    }

    /// Whether the host is to be connected to. True unless set.
    pub fn is_enabled(&self) -> bool {
        self.enabled != Value::Value(false)
    }

    /// Whether two registrations ask for the same check.
    pub fn same_check(&self, other: &Self) -> bool {
        let asked = |state: &Self| Self {
            api_token_secret_wo: Value::Null,
            password_wo: Value::Null,
            totp_secret_wo: Value::Null,
            id: Value::Null,
            name: Value::Null,
            notes: Value::Null,
            timeouts: Value::Null,
            facts: Facts::default(),
            ..state.clone()
        };
        asked(self) == asked(other)
    }
}

/// The schema of `proxmox_host`.
pub fn schema() -> Schema {
    use AttributeType::{Bool, Number, String};
    use schema::{computed, defaulted, optional, required, sensitive};

    let registration = [
        cluster_attribute(
            "Key of the provider's `clusters` that stands in here for the provider's own address, \
             credential and TLS settings. Changing it registers the host anew.",
        ),
        ("id", computed(String, "The name.")),
        ("name", required(String, "A name for the host, for people.")),
        (
            "hostname",
            optional(
                String,
                "Address of the host: a name, an IP address or a URL. The provider's \
                     `endpoint` unless set.",
            ),
        ),
        (
            "port",
            optional(
                Number,
                "Port of the API, for a `hostname` without one. 8006 unless set.",
            ),
        ),
        (
            "username",
            optional(
                String,
                "User with realm, for `password`, or for a short `api_token_id`.",
            ),
        ),
        (
            "api_token",
            sensitive(optional(
                String,
                "Token that automation will use, with its secret: `user@realm!name=secret`, as \
                 `proxmox_api_token` gives it. Kept in the state.",
            )),
        ),
        (
            "api_token_id",
            optional(
                String,
                "Id of the token that automation will use: in full, `user@realm!name`, or \
                     `name` alone beside `username`.",
            ),
        ),
        (
            "api_token_secret",
            sensitive(optional(String, "Secret of that token. Kept in the state.")),
        ),
        (
            "api_token_secret_wo",
            sensitive(optional(
                String,
                "Secret of that token, used and never kept: in place of `api_token_secret`, from \
                 Terraform or OpenTofu 1.11 on. A refresh can then look only at what needs no \
                 credentials.",
            )),
        ),
        (
            "api_token_secret_wo_version",
            optional(
                Number,
                "A number to change whenever `api_token_secret_wo` changes, so that the host is \
                 proven again.",
            ),
        ),
        (
            "password",
            sensitive(optional(
                String,
                "Password of `username`. Kept in the state.",
            )),
        ),
        (
            "password_wo",
            sensitive(optional(
                String,
                "Password of `username`, used and never kept: in place of `password`, from \
                 Terraform or OpenTofu 1.11 on.",
            )),
        ),
        (
            "password_wo_version",
            optional(
                Number,
                "A number to change whenever `password_wo` changes, so that the host is proven \
                 again.",
            ),
        ),
        (
            "totp_secret",
            sensitive(optional(
                String,
                "Base32 seed of the time-based codes of `username`. Kept in the state.",
            )),
        ),
        (
            "totp_secret_wo",
            sensitive(optional(
                String,
                "The same seed, used and never kept: beside `password_wo`, from Terraform or \
                 OpenTofu 1.11 on.",
            )),
        ),
        (
            "otp",
            sensitive(optional(
                String,
                "One code of the second factor of `username`, in place of `totp_secret`. It is \
                 good for one login, so a refresh looks only at what needs no credentials.",
            )),
        ),
        (
            "auth_ticket",
            sensitive(optional(
                String,
                "Ticket of a login that was made before, as `terraform-provider-proxmox login` \
                 prints it: good for two hours. Kept in the state.",
            )),
        ),
        (
            "csrf_prevention_token",
            sensitive(optional(
                String,
                "What belongs to `auth_ticket`. Kept in the state.",
            )),
        ),
        (
            "verify_ssl",
            optional(
                Bool,
                "Whether the host's certificate is checked. For the provider's own address, \
                     the provider's setting unless set here; true otherwise.",
            ),
        ),
        (
            "ca_certificate",
            optional(
                String,
                "Certificate authorities to trust instead of the system's, as PEM text or as \
                     the path of a PEM file. For the provider's own address, the provider's \
                     unless set here.",
            ),
        ),
        (
            "certificate_fingerprints",
            optional(
                schema::list_of_strings(),
                "SHA-256 fingerprints of certificates to accept in place of checking chain \
                     and name. For the provider's own address, the provider's unless set here.",
            ),
        ),
        (
            "tls_server_name",
            optional(
                String,
                "Name that the host's certificate must be valid for, where that is not its \
                     address. For the provider's own address, the provider's unless set here.",
            ),
        ),
        (
            "min_tls_version",
            optional(
                String,
                "Oldest version of TLS to speak, `1.2` or `1.3`. For the provider's own address, \
                     the provider's unless set here; `1.2` otherwise.",
            ),
        ),
        (
            "required_privileges",
            optional(
                schema::map_of_string_sets(),
                "Privileges the credential must have, by path: \
                     `{ \"/vms\" = [\"VM.Allocate\"] }`. The check fails and names what is \
                     missing.",
            ),
        ),
        (
            "enabled",
            defaulted(
                Bool,
                "Whether to connect at all. With false the host is registered unproven, and \
                     its facts are null. True unless set.",
            ),
        ),
        (
            "notes",
            optional(String, "Free text, kept in the state only."),
        ),
        timeouts::attribute(&["create", "read", "update"]),
    ];
    schema::schema(
        "Creates nothing on the server: it registers a Proxmox VE host with the credential that \
         automation will use. Creating it **is** the connection check, from the address to the \
         privileges, and fails with what is wrong and what to change. What depends on it starts \
         only once the connection has been proven.\n\n\
         Without credentials of its own it proves the provider's. A refresh reads its facts \
         again; a host that cannot be reached then is a warning and stays in the state.",
        registration.into_iter().chain(facts::attributes()),
    )
}
