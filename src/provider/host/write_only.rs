//! The write-only attributes of `proxmox_host`.
//!
//! Each secret of a host can be set in an attribute that is stored in the state, or in a write-only
//! one, whose name ends in `_wo`. The provider sees a write-only value in the configuration only,
//! so a refresh works without it. A version beside it, which is stored, shows that it changed.

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;

use crate::framework::schema;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::settings::credentials::{
    API_TOKEN, API_TOKEN_SECRET, AUTH_TICKET, CSRF_PREVENTION_TOKEN, CredentialSettings, OTP,
    PASSWORD, TOTP_SECRET,
};
use crate::provider::settings::definition::Definition;
use crate::provider::settings::setting::Setting;
use crate::provider::settings::tls::CLIENT_KEY;

/// The values of the write-only attributes. In a plan and in a state, all are null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WriteOnlySecrets {
    pub api_token_wo: Value<StoredSecret>,
    pub api_token_secret_wo: Value<StoredSecret>,
    pub password_wo: Value<StoredSecret>,
    pub totp_secret_wo: Value<StoredSecret>,
    pub otp_wo: Value<StoredSecret>,
    pub auth_ticket_wo: Value<StoredSecret>,
    pub csrf_prevention_token_wo: Value<StoredSecret>,
    pub client_key_wo: Value<StoredSecret>,
}

/// The versions of the write-only attributes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    pub api_token_wo_version: Value<i64>,
    pub api_token_secret_wo_version: Value<i64>,
    pub password_wo_version: Value<i64>,
    pub totp_secret_wo_version: Value<i64>,
    pub otp_wo_version: Value<i64>,
    pub auth_ticket_wo_version: Value<i64>,
    pub csrf_prevention_token_wo_version: Value<i64>,
    pub client_key_wo_version: Value<i64>,
}

/// A write-only attribute.
#[derive(Debug)]
pub struct WriteOnly {
    /// Name of the attribute.
    pub name: &'static str,
    version: &'static str,
    /// The attribute of the same secret that is stored in the state.
    pub stored: &'static Definition,
    /// The beginning of its description.
    noun: &'static str,
    /// What else a configuration must set.
    requires: &'static str,
}

/// The write-only attributes.
pub const WRITE_ONLY: [WriteOnly; 8] = [
    WriteOnly {
        name: "api_token_wo",
        version: "api_token_wo_version",
        stored: &API_TOKEN,
        noun: "API token ID and secret in one string (`user@realm!name=secret`)",
        requires: " Requires `api_token_wo_version`.",
    },
    WriteOnly {
        name: "api_token_secret_wo",
        version: "api_token_secret_wo_version",
        stored: &API_TOKEN_SECRET,
        noun: "Secret of the API token `api_token_id`",
        requires: "",
    },
    WriteOnly {
        name: "password_wo",
        version: "password_wo_version",
        stored: &PASSWORD,
        noun: "Password of `username`",
        requires: "",
    },
    WriteOnly {
        name: "totp_secret_wo",
        version: "totp_secret_wo_version",
        stored: &TOTP_SECRET,
        noun: "Base32-encoded TOTP secret of `username`",
        requires: " Requires `password_wo`.",
    },
    WriteOnly {
        name: "otp_wo",
        version: "otp_wo_version",
        stored: &OTP,
        noun: "One-time code for the second factor of `username`",
        requires: " Requires `password_wo`.",
    },
    WriteOnly {
        name: "auth_ticket_wo",
        version: "auth_ticket_wo_version",
        stored: &AUTH_TICKET,
        noun: "Ticket of an existing login",
        requires: " Requires `auth_ticket_wo_version` and `csrf_prevention_token_wo`.",
    },
    WriteOnly {
        name: "csrf_prevention_token_wo",
        version: "csrf_prevention_token_wo_version",
        stored: &CSRF_PREVENTION_TOKEN,
        noun: "CSRF prevention token that the server issued together with `auth_ticket_wo`",
        requires: " Requires `auth_ticket_wo`.",
    },
    WriteOnly {
        name: "client_key_wo",
        version: "client_key_wo_version",
        stored: &CLIENT_KEY,
        noun: "Private key of `client_certificate`, as PEM text or the path of a PEM file",
        requires: "",
    },
];

/// The names of the write-only attributes.
pub const NAMES: [&str; WRITE_ONLY.len()] = {
    let mut names = [""; WRITE_ONLY.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = WRITE_ONLY[index].name;
        index += 1;
    }
    names
};

/// The write-only attributes and their versions, for the schema.
pub fn attributes() -> impl Iterator<Item = (&'static str, Attribute)> {
    WRITE_ONLY.iter().flat_map(|one| {
        let value = format!(
            "{}, in place of `{}`. Write-only: the value is never stored in the state, so a \
             refresh checks only what needs no credential.{} Requires Terraform or OpenTofu 1.11 \
             or later.",
            one.noun, one.stored.name, one.requires
        );
        let version = format!(
            "Version of `{}`. Change it together with the value to check the connection again.",
            one.name
        );
        [
            (
                one.name,
                schema::sensitive(schema::optional(AttributeType::String, &value)),
            ),
            (
                one.version,
                schema::optional(AttributeType::Number, &version),
            ),
        ]
    })
}

fn setting(name: &'static str, value: &Value<StoredSecret>) -> Setting<StoredSecret> {
    Setting::attribute(name, value.clone()).unless_blank()
}

impl WriteOnlySecrets {
    /// The settings of the credential that these attributes hold.
    pub fn credentials(&self) -> CredentialSettings {
        CredentialSettings {
            api_token: setting("api_token_wo", &self.api_token_wo),
            api_token_secret: setting("api_token_secret_wo", &self.api_token_secret_wo),
            password: setting("password_wo", &self.password_wo),
            totp_secret: setting("totp_secret_wo", &self.totp_secret_wo),
            otp: setting("otp_wo", &self.otp_wo),
            auth_ticket: setting("auth_ticket_wo", &self.auth_ticket_wo),
            csrf_prevention_token: setting(
                "csrf_prevention_token_wo",
                &self.csrf_prevention_token_wo,
            ),
            ..CredentialSettings::default()
        }
    }

    /// The private key of the client's certificate.
    pub fn client_key(&self) -> Setting<StoredSecret> {
        setting("client_key_wo", &self.client_key_wo)
    }

    /// The values in the order of [`WRITE_ONLY`].
    pub fn values(&self) -> [&Value<StoredSecret>; WRITE_ONLY.len()] {
        [
            &self.api_token_wo,
            &self.api_token_secret_wo,
            &self.password_wo,
            &self.totp_secret_wo,
            &self.otp_wo,
            &self.auth_ticket_wo,
            &self.csrf_prevention_token_wo,
            &self.client_key_wo,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::Secret;

    #[test]
    fn each_write_only_attribute_has_a_field_and_a_version() {
        let fields = |value| match value {
            serde_json::Value::Object(fields) => fields.into_iter().map(|(name, _)| name).collect(),
            _ => Vec::new(),
        };
        let mut secrets = fields(serde_json::to_value(WriteOnlySecrets::default()).unwrap());
        let mut versions = fields(serde_json::to_value(Versions::default()).unwrap());
        let mut names = NAMES.to_vec();
        let mut named: Vec<_> = WRITE_ONLY.iter().map(|one| one.version).collect();
        for list in [&mut secrets, &mut versions] {
            list.sort();
        }
        names.sort_unstable();
        named.sort_unstable();
        assert_eq!(secrets, names);
        assert_eq!(versions, named);
        for one in &WRITE_ONLY {
            assert_eq!(one.name, format!("{}_wo", one.stored.name));
            assert_eq!(one.version, format!("{}_version", one.name));
        }
    }

    #[test]
    fn values_are_in_the_order_of_the_table() {
        let secret = |text: &str| Value::Value(StoredSecret::from(Secret::new(text)));
        for name in NAMES {
            let json = serde_json::json!({ name: "s3cr3t" });
            let mut fields = serde_json::to_value(WriteOnlySecrets::default()).unwrap();
            fields[name] = json[name].clone();
            let secrets: WriteOnlySecrets = serde_json::from_value(fields).unwrap();
            let position = NAMES.iter().position(|one| *one == name).unwrap();
            assert_eq!(*secrets.values()[position], secret("s3cr3t"), "{name}");
        }
    }
}
