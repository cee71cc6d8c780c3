//! The provider block: its schema, and what it and the environment say together.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::provider::attributes::secret::StoredSecret;
use crate::provider::settings::address::AddressSettings;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::credentials::CredentialSettings;
use crate::provider::settings::setting::{Setting, Source};
use crate::provider::settings::tls::TlsSettings;
use crate::provider::settings::transport::{ProxySetting, TransportSettings};

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
    endpoints: Value<Vec<Value<String>>>,
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
    tls_server_name: Value<String>,
    min_tls_version: Value<String>,
    proxy_url: Value<StoredSecret>,
    http_headers: Value<BTreeMap<String, Value<StoredSecret>>>,
    request_timeout: Value<String>,
    max_retries: Value<i64>,
}

impl Config {
    /// The values of the block alone: its own connection, and those of its named clusters.
    pub fn given(
        self,
    ) -> (
        ConnectionSettings,
        Setting<BTreeMap<String, ConnectionSettings>>,
    ) {
        let own = self.connection.given(Source::Attribute);
        let clusters = self.clusters.map(|clusters| {
            let given = clusters.into_iter().map(|(name, cluster)| {
                let key: Arc<str> = name.as_str().into();
                let at = |attribute| Source::ClusterAttribute(Arc::clone(&key), attribute);
                let given = match cluster {
                    Value::Value(cluster) => cluster.given(at),
                    Value::Null => ConnectionSettings::default(),
                    Value::Unknown => ConnectionSettings {
                        address: AddressSettings {
                            endpoint: Setting::Unknown(at("endpoint")),
                            ..AddressSettings::default()
                        },
                        ..ConnectionSettings::default()
                    },
                };
                (name, given)
            });
            given.collect()
        });
        (own, Setting::attribute("clusters", clusters))
    }
}

impl ConnectionConfig {
    /// The values as given, `at` their places.
    fn given(self, at: impl Fn(&'static str) -> Source) -> ConnectionSettings {
        let text = |name, value| Setting::from(at(name), value);
        let secret = |name, value| Setting::from(at(name), value);
        ConnectionSettings {
            address: AddressSettings {
                endpoint: text("endpoint", self.endpoint),
                endpoints: Setting::from(at("endpoints"), strings(self.endpoints)),
            },
            credentials: CredentialSettings {
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
            tls: TlsSettings {
                verify_ssl: Setting::from(at("verify_ssl"), self.verify_ssl),
                ca_certificate: text("ca_certificate", self.ca_certificate),
                certificate_fingerprints: Setting::from(
                    at("certificate_fingerprints"),
                    strings(self.certificate_fingerprints),
                ),
                tls_server_name: text("tls_server_name", self.tls_server_name),
                min_tls_version: text("min_tls_version", self.min_tls_version),
            },
            transport: TransportSettings {
                proxy: secret("proxy_url", self.proxy_url).map(ProxySetting::explicit),
                http_headers: Setting::from(at("http_headers"), map(self.http_headers)),
                request_timeout: text("request_timeout", self.request_timeout),
                max_retries: Setting::from(at("max_retries"), self.max_retries),
            },
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

/// A map of secrets; unknown as a whole while any of them is.
fn map(map: Value<BTreeMap<String, Value<StoredSecret>>>) -> Value<BTreeMap<String, StoredSecret>> {
    match map {
        Value::Value(map) if map.values().any(Value::is_unknown) => Value::Unknown,
        Value::Value(map) => {
            let known = map.into_iter();
            Value::Value(
                known
                    .filter_map(|(name, value)| Some((name, value.as_option()?)))
                    .collect(),
            )
        }
        Value::Null => Value::Null,
        Value::Unknown => Value::Unknown,
    }
}
