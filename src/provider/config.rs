//! The provider block: its schema, and what it and the environment say together.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tf_provider::{
    AttributePath, Diagnostics,
    schema::{Attribute, AttributeType, Schema},
    value::Value,
};

use super::{
    credentials::{CredentialFields, Unresolved},
    environment::{Environment, Variables},
    given::{Given, Source},
    secret::StoredSecret,
    tls::TlsFields,
};
use crate::{
    framework::{Report, schema},
    pve::{Credentials, Endpoint},
};

/// How long one request may take unless `request_timeout` says otherwise.
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The provider block as written: a connection, and further ones by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    connection: ConnectionConfig,
    clusters: Value<BTreeMap<String, Value<ConnectionConfig>>>,
}

/// One connection as written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ConnectionConfig {
    endpoint: Value<String>,
    api_token: Value<StoredSecret>,
    api_token_id: Value<String>,
    api_token_secret: Value<StoredSecret>,
    username: Value<String>,
    password: Value<StoredSecret>,
    totp_secret: Value<StoredSecret>,
    otp: Value<StoredSecret>,
    auth_ticket: Value<StoredSecret>,
    csrf_prevention_token: Value<StoredSecret>,
    verify_ssl: Value<bool>,
    ca_certificate: Value<String>,
    certificate_fingerprints: Value<Vec<Value<String>>>,
    request_timeout: Value<String>,
}

/// The schema of the provider block.
pub fn schema() -> Schema {
    let clusters = (
        "clusters",
        schema::optional(
            AttributeType::AttributeMap(schema::named(attributes())),
            "Further clusters by a name of your choice (a single host is a cluster of one), each \
             with the attributes of this block, so that one provider block serves a fleet: \
             resources and data sources choose one by `cluster`. TLS settings and time limits \
             are inherited from the block where a cluster has none of its own; addresses and \
             credentials never are.",
        ),
    );
    schema::schema(
        "Credentials of Proxmox VE as code: mints, scopes, checks and revokes API tokens, and \
         proves that a connection works before anything depends on it.\n\n\
         Every setting can also come from the environment, as `PROXMOX_VE_` and its name in \
         capitals (`PROXMOX_VE_ENDPOINT`). The block beats the environment, and a credential is \
         never put together from both. Nothing connects until something needs to.",
        attributes().into_iter().chain([clusters]),
    )
}

/// The attributes of one connection.
fn attributes() -> [(&'static str, Attribute); 14] {
    use AttributeType::{Bool, String};
    use schema::{optional, sensitive};

    [
        (
            "endpoint",
            optional(
                String,
                "Address of a Proxmox VE node: a URL (`https://pve1.example.com:8006/`), \
                     `host`, `host:port` or an IP address. https and port 8006 are assumed. \
                     Environment: `PROXMOX_VE_ENDPOINT`, else `PM_API_URL`.",
            ),
        ),
        (
            "api_token",
            sensitive(optional(
                String,
                "API token in one string, `user@realm!name=secret`. \
                     Environment: `PROXMOX_VE_API_TOKEN`.",
            )),
        ),
        (
            "api_token_id",
            optional(
                String,
                "Token id for `api_token_secret`: in full, `user@realm!name`, or `name` alone \
                     beside `username`. \
                     Environment: `PROXMOX_VE_API_TOKEN_ID`, else `PM_API_TOKEN_ID`.",
            ),
        ),
        (
            "api_token_secret",
            sensitive(optional(
                String,
                "Secret of the token that `api_token_id` names (a UUID). \
                     Environment: `PROXMOX_VE_API_TOKEN_SECRET`, else `PM_API_TOKEN_SECRET`.",
            )),
        ),
        (
            "username",
            optional(
                String,
                "User with realm, such as `root@pam`: for `password`, or for a short \
                     `api_token_id`. Environment: `PROXMOX_VE_USERNAME`, else `PM_USER`.",
            ),
        ),
        (
            "password",
            sensitive(optional(
                String,
                "Password of `username`. \
                     Environment: `PROXMOX_VE_PASSWORD`, else `PM_PASS`.",
            )),
        ),
        (
            "totp_secret",
            sensitive(optional(
                String,
                "Base32 seed of the time-based codes of `username`, where the account has a \
                     second factor. Password and seed side by side are one factor, not two: \
                     prefer a token once there is one. \
                     Environment: `PROXMOX_VE_TOTP_SECRET`.",
            )),
        ),
        (
            "otp",
            sensitive(optional(
                String,
                "One code of the second factor of `username`, in place of `totp_secret`: \
                 `123456` from an app, or `recovery:` and a recovery key. It is good for one \
                 login, which is kept for apply: a plan does not look at what is there, \
                 unless it reads data sources or imports, which use the code up. \
                 Environment: `PROXMOX_VE_OTP`.",
            )),
        ),
        (
            "auth_ticket",
            sensitive(optional(
                String,
                "Ticket of a login that was made before, `PVE:user@realm:...`, beside \
                 `csrf_prevention_token`: for accounts whose second factor needs a person. \
                 The command `terraform-provider-proxmox login` logs in and prints both. A \
                 ticket lives for two hours, is not renewed and cannot be revoked. \
                 Environment: `PROXMOX_VE_AUTH_TICKET`.",
            )),
        ),
        (
            "csrf_prevention_token",
            sensitive(optional(
                String,
                "What the server gave together with `auth_ticket`; every change needs it. \
                 Environment: `PROXMOX_VE_CSRF_PREVENTION_TOKEN`.",
            )),
        ),
        (
            "verify_ssl",
            optional(
                Bool,
                "Whether the server's certificate is checked. True unless set; before setting \
                     it to false, use `ca_certificate` or `certificate_fingerprints`. \
                     Environment: `PROXMOX_VE_VERIFY_SSL`, or `PROXMOX_VE_INSECURE` and \
                     `PM_TLS_INSECURE` with the opposite meaning.",
            ),
        ),
        (
            "ca_certificate",
            optional(
                String,
                "Certificate authorities to trust instead of the system's, as PEM text or as \
                     the path of a PEM file. The authority of a cluster is \
                     `/etc/pve/pve-root-ca.pem` on each of its nodes. \
                     Environment: `PROXMOX_VE_CA_CERTIFICATE`.",
            ),
        ),
        (
            "certificate_fingerprints",
            optional(
                schema::list_of_strings(),
                "SHA-256 fingerprints of certificates to accept, one for each node, in place \
                     of checking chain and name. The web interface shows a node's under \
                     Node > System > Certificates. \
                     Environment: `PROXMOX_VE_CERTIFICATE_FINGERPRINTS`, separated by commas.",
            ),
        ),
        (
            "request_timeout",
            optional(
                String,
                "Longest time one request may take, as a duration such as `30s`, which is \
                     also the default. \
                     Environment: `PROXMOX_VE_REQUEST_TIMEOUT`, else `PM_TIMEOUT`.",
            ),
        ),
    ]
}

/// What block and environment say together. Each part is looked at when something needs it, so
/// that a value that is still unknown harms nothing that does not use it.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Where Proxmox VE is.
    pub endpoint: Given<String>,
    /// The credential to work with.
    pub credentials: CredentialFields,
    /// How certificates are judged.
    pub tls: TlsFields,
    /// The longest time one request may take.
    pub request_timeout: Given<String>,
}

impl Config {
    /// The values of the block alone: its own connection, and those of its named clusters.
    pub fn given(self) -> (Defaults, Given<BTreeMap<String, Defaults>>) {
        let own = self.connection.given(Source::Attribute);
        let clusters = self.clusters.map(|clusters| {
            let given = clusters.into_iter().map(|(name, cluster)| {
                let key: Arc<str> = name.as_str().into();
                let at = |attribute| Source::ClusterAttribute(Arc::clone(&key), attribute);
                let given = match cluster {
                    Value::Value(cluster) => cluster.given(at),
                    Value::Null => Defaults::default(),
                    Value::Unknown => Defaults {
                        endpoint: Given::Unknown(at("endpoint")),
                        ..Defaults::default()
                    },
                };
                (name, given)
            });
            given.collect()
        });
        (own, Given::attribute("clusters", clusters))
    }
}

impl ConnectionConfig {
    /// The values as given, `at` their places.
    fn given(self, at: impl Fn(&'static str) -> Source) -> Defaults {
        let text = |name, value| Given::from(at(name), value);
        let secret = |name, value| Given::from(at(name), value);
        Defaults {
            endpoint: text("endpoint", self.endpoint),
            credentials: CredentialFields {
                api_token: secret("api_token", self.api_token),
                api_token_id: text("api_token_id", self.api_token_id),
                api_token_secret: secret("api_token_secret", self.api_token_secret),
                username: text("username", self.username),
                password: secret("password", self.password),
                totp_secret: secret("totp_secret", self.totp_secret),
                otp: secret("otp", self.otp),
                auth_ticket: secret("auth_ticket", self.auth_ticket),
                csrf_prevention_token: secret("csrf_prevention_token", self.csrf_prevention_token),
            },
            tls: TlsFields {
                verify_ssl: Given::from(at("verify_ssl"), self.verify_ssl),
                ca_certificate: text("ca_certificate", self.ca_certificate),
                certificate_fingerprints: Given::from(
                    at("certificate_fingerprints"),
                    strings(self.certificate_fingerprints),
                ),
            },
            request_timeout: text("request_timeout", self.request_timeout),
        }
    }
}

/// A list of strings; unknown as a whole while any item is.
pub fn strings(list: Value<Vec<Value<String>>>) -> Value<Vec<String>> {
    match list {
        Value::Value(items) if items.iter().any(Value::is_unknown) => Value::Unknown,
        Value::Value(items) => {
            Value::Value(items.into_iter().filter_map(Value::as_option).collect())
        }
        Value::Null => Value::Null,
        Value::Unknown => Value::Unknown,
    }
}

impl Defaults {
    /// The values of the environment alone. Booleans that are neither are reported.
    pub fn from_environment(environment: &Environment, diags: &mut Diagnostics) -> Self {
        let first = |own, fallback| environment.first(&Variables { own, fallback });
        let fingerprints = match first("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", None) {
            Given::Known(list, source) => Given::Known(
                list.split(',').map(|item| item.trim().to_owned()).collect(),
                source,
            ),
            _ => Given::Absent,
        };
        Self {
            endpoint: first("PROXMOX_VE_ENDPOINT", Some("PM_API_URL")),
            credentials: CredentialFields::from_environment(environment),
            tls: TlsFields {
                verify_ssl: verify_from_environment(environment, diags),
                ca_certificate: first("PROXMOX_VE_CA_CERTIFICATE", None),
                certificate_fingerprints: fingerprints,
            },
            request_timeout: first("PROXMOX_VE_REQUEST_TIMEOUT", Some("PM_TIMEOUT")),
        }
    }

    /// The block's values, and the environment's where the block has none. The credential is
    /// taken from one of them as a whole, and a warning says so when both have one.
    pub fn or_environment(self, environment: Self, diags: &mut Diagnostics) -> Self {
        let here = self.credentials.first_given();
        let there = environment.credentials.first_given();
        if let (Some(used), Some(ignored)) = (&here, there) {
            diags.warn(
                "Credential in the environment ignored",
                format!(
                    "The credential of the provider block ({used}) is used; the one from \
                     {ignored} is not."
                ),
                used.path(),
            );
        }
        Self {
            endpoint: self.endpoint.or(environment.endpoint),
            credentials: if here.is_some() {
                self.credentials
            } else {
                environment.credentials
            },
            tls: self.tls.or(&environment.tls),
            request_timeout: self.request_timeout.or(environment.request_timeout),
        }
    }

    /// A named cluster's values, and the block's for TLS and time limits where it has none. An
    /// address or a credential is never inherited.
    pub fn or_block(self, block: &Self) -> Self {
        Self {
            tls: self.tls.or(&block.tls),
            request_timeout: self.request_timeout.or(block.request_timeout.clone()),
            ..self
        }
    }

    /// Reports everything that is wrong with the values that are known, without any connection.
    pub fn check(&self, diags: &mut Diagnostics) {
        if self.endpoint.is_given() {
            let _ = self.endpoint(diags);
        }
        let _ = self.credentials.resolve(diags);
        let _ = self.tls.resolve(diags);
        let _ = self.request_timeout(diags);
    }

    /// The address, which must be there by the time it is asked for.
    pub fn endpoint(&self, diags: &mut Diagnostics) -> Result<Endpoint, Unresolved> {
        match &self.endpoint {
            Given::Known(text, source) => parse_endpoint(text, source, diags),
            Given::Unknown(source) => Err(Unresolved::Unknown(source.clone())),
            Given::Absent => {
                diags.fail(
                    "No address of Proxmox VE",
                    "Set `endpoint` in the provider block, or PROXMOX_VE_ENDPOINT in the \
                     environment, to the address of a node, such as \
                     \"https://pve1.example.com:8006\". If the block has `clusters`, choose one \
                     of them by `cluster`.",
                    AttributePath::root(),
                );
                Err(Unresolved::Invalid)
            }
        }
    }

    /// The credential, which must be there by the time it is asked for.
    pub fn credentials(&self, diags: &mut Diagnostics) -> Result<Credentials, Unresolved> {
        match self.credentials.resolve(diags)? {
            Credentials::None => {
                diags.fail(
                    "No credentials for Proxmox VE",
                    "Set `api_token` (or `api_token_id` and `api_token_secret`, or `username` and \
                     `password`) in the provider block, or PROXMOX_VE_API_TOKEN (or \
                     PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD) in the environment.",
                    AttributePath::root(),
                );
                Err(Unresolved::Invalid)
            }
            credentials => Ok(credentials),
        }
    }

    /// The longest time one request may take.
    pub fn request_timeout(&self, diags: &mut Diagnostics) -> Result<Duration, Unresolved> {
        match &self.request_timeout {
            Given::Absent => Ok(DEFAULT_REQUEST_TIMEOUT),
            Given::Unknown(source) => Err(Unresolved::Unknown(source.clone())),
            Given::Known(text, source) => duration(text, source).ok_or_else(|| {
                diags.fail(
                    "Malformed duration",
                    format!("{source} must be a duration of at least one second, such as \"30s\"."),
                    source.path(),
                );
                Unresolved::Invalid
            }),
        }
    }
}

/// Reads an address and reports what is wrong with it.
pub fn parse_endpoint(
    text: &str,
    source: &Source,
    diags: &mut Diagnostics,
) -> Result<Endpoint, Unresolved> {
    text.parse().map_err(|error| {
        diags.fail(
            "Malformed address",
            format!("The address from {source} cannot be used: {error}."),
            source.path(),
        );
        Unresolved::Invalid
    })
}

/// A duration; `PM_TIMEOUT` counts seconds, as other tools have it.
fn duration(text: &str, source: &Source) -> Option<Duration> {
    let duration = match (source, text.parse()) {
        (Source::Variable(_), Ok(seconds)) => Duration::from_secs(seconds),
        _ => humantime::parse_duration(text).ok()?,
    };
    (duration >= Duration::from_secs(1)).then_some(duration)
}

fn verify_from_environment(environment: &Environment, diags: &mut Diagnostics) -> Given<bool> {
    let verify = switch(environment.get("PROXMOX_VE_VERIFY_SSL"), false, diags);
    let insecure = Variables {
        own: "PROXMOX_VE_INSECURE",
        fallback: Some("PM_TLS_INSECURE"),
    };
    verify.or(switch(environment.first(&insecure), true, diags))
}

/// Reads a switch, turned round for variables that mean the opposite.
fn switch(text: Given<String>, opposite: bool, diags: &mut Diagnostics) -> Given<bool> {
    let Given::Known(text, source) = text else {
        return Given::Absent;
    };
    let on = match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => true,
        "0" | "false" | "no" | "off" => false,
        _ => {
            diags.fail(
                "Malformed switch",
                format!("{source} must be \"true\" or \"false\"."),
                source.path(),
            );
            return Given::Absent;
        }
    };
    Given::Known(on != opposite, source)
}
