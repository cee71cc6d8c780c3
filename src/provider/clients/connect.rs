//! From the settings of a connection to its client.

use crate::provider::settings::address::Nodes;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::setting::{SettingError, Source};
use crate::pve::{CachedClient, Credentials, ExtraHeaders, Settings, TlsPolicy};

/// A client for a connection.
pub fn connect(settings: &ConnectionSettings) -> Result<CachedClient, SettingError> {
    let nodes = settings.nodes()?;
    let credentials = settings.credentials()?;
    let tls = settings.tls.resolve()?;
    log_connection(
        settings,
        &nodes,
        &credentials,
        settings.credentials.source(),
    );
    client(settings, nodes, credentials, tls)
}

/// Logs where a connection leads to, and where its credential came from.
pub fn log_connection(
    settings: &ConnectionSettings,
    nodes: &Nodes,
    credentials: &Credentials,
    source: Option<Source>,
) {
    tracing::debug!(
        cluster = settings.cluster.as_deref(),
        endpoint = %nodes.first,
        credential = %credentials,
        source = source.map(|source| source.to_string()),
        "Configured a connection"
    );
}

/// A client for these nodes that uses the transport settings of a connection. The headers of a
/// connection may be secret and are only sent to its own nodes.
pub fn client(
    settings: &ConnectionSettings,
    nodes: Nodes,
    credentials: Credentials,
    tls: TlsPolicy,
) -> Result<CachedClient, SettingError> {
    let transport = &settings.transport;
    let headers = match settings.includes(&nodes.first) {
        true => transport.headers()?,
        false => ExtraHeaders::default(),
    };
    Ok(CachedClient::new(Settings {
        tls,
        proxy: transport.proxy(&nodes)?,
        headers,
        retries: transport.retries()?,
        request_timeout: transport.request_timeout()?,
        other_endpoints: nodes.others,
        ..Settings::new(nodes.first, credentials)
    }))
}
