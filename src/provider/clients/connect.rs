//! From the settings of a connection to its client.

use crate::provider::settings::address::Nodes;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::setting::SettingError;
use crate::pve::{CachedClient, Credentials, ExtraHeaders, Settings, TlsPolicy};

/// A client for a connection.
pub fn connect(settings: &ConnectionSettings) -> Result<CachedClient, SettingError> {
    let nodes = settings.nodes()?;
    let credentials = settings.credentials()?;
    let tls = settings.tls.resolve()?;
    client(settings, nodes, credentials, tls)
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
