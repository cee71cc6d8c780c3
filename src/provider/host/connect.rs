//! The client for a registered host.

use std::sync::Arc;

use tf_provider::AttributePath;
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::clients::{Connections, client, log_connection};
use crate::provider::host::facts::required_privileges;
use crate::provider::host::model::State;
use crate::provider::settings::address::{Nodes, parse_endpoint};
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::setting::{SettingError, Source};
use crate::pve::diagnosis::Requirements;
use crate::pve::{CachedClient, Credentials};

/// The client that automation uses for the host, and the privileges that it requires.
pub fn target(
    connections: &Connections,
    state: &State,
) -> Result<(CachedClient, Requirements), SettingError> {
    let requirements = required_privileges(&state.required_privileges)?;
    if state.has_no_settings() {
        return Ok((connections.client(&state.cluster)?, requirements));
    }
    let settings = connections.settings(&state.cluster)?;
    let (credentials, source) = match state.credentials().resolve()? {
        Credentials::None => {
            if let Some(problem) = needs_own_credential(connections, state) {
                return Err(problem.into());
            }
            (settings.credentials()?, settings.credentials.source())
        }
        own => (own, state.credentials().source()),
    };
    log_connection(&settings, &nodes(state, &settings)?, &credentials, source);
    let client = client_of(state, &settings, credentials)?;
    Ok((client, requirements))
}

/// Refuses an address that the provider block is not about without a credential of its own: the
/// provider's credential goes to the provider's addresses only. Another port of the same host is
/// another address, because it may be a tunnel to another host.
fn needs_own_credential(connections: &Connections, state: &State) -> Option<Problem> {
    if !state.has_own_address() || state.credentials().source().is_some() {
        return None;
    }
    let settings = connections.settings(&state.cluster).ok()?;
    let own = settings.nodes().ok()?;
    let address = nodes(state, &settings).ok()?.first;
    if own.all().any(|node| node.is_same_server(&address)) {
        return None;
    }
    let attribute = if state.hostname().is_set() {
        "hostname"
    } else {
        "port"
    };
    let addresses: Vec<String> = own.all().map(ToString::to_string).collect();
    Some(Problem::new(
        "Host without a credential",
        format!(
            "`{attribute}` leads to {address}, which is not an address of the provider block ({}). \
             The provider sends the credential of the block to its own addresses only. Set a \
             credential for this host: `api_token`, or `api_token_id` and `api_token_secret`, or \
             `username` and `password`. If {address} is a node of the same cluster, add it to \
             `endpoints` in the provider block instead.",
            addresses.join(", ")
        ),
        AttributePath::new(attribute),
    ))
}

/// A client for the host that sends no credential.
pub fn without_credentials(
    connections: &Connections,
    state: &State,
) -> Result<CachedClient, SettingError> {
    let settings = connections.settings(&state.cluster)?;
    client_of(state, &settings, Credentials::None)
}

/// The client of the provider's own connection that looks up why the host's credential fails:
/// another credential for the same server, which can log in without a one-time code that apply
/// needs.
pub fn lookup_client(
    connections: &Connections,
    state: &State,
    client: &CachedClient,
) -> Option<CachedClient> {
    let settings = connections.settings(&state.cluster).ok()?;
    if !settings.includes(&client.settings().endpoint) {
        return None;
    }
    let own = connections.client(&state.cluster).ok()?;
    let same = own
        .settings()
        .credentials
        .is(&client.settings().credentials);
    let can_log_in = own.settings().credentials.user().is_some() && !own.would_spend_a_code();
    (can_log_in && !same).then_some(own)
}

/// A client for the host's own address and TLS settings, or those of the provider.
fn client_of(
    state: &State,
    settings: &Arc<ConnectionSettings>,
    credentials: Credentials,
) -> Result<CachedClient, SettingError> {
    let nodes = nodes(state, settings)?;
    // The provider's TLS settings belong to its own address and do not apply to another.
    let tls = if settings.includes(&nodes.first) {
        state.tls().or(&settings.tls)
    } else {
        state.tls()
    };
    client(settings, nodes, credentials, tls.resolve()?)
}

/// The host's own address, or the nodes of the provider's connection.
fn nodes(state: &State, settings: &ConnectionSettings) -> Result<Nodes, SettingError> {
    let hostname = state.hostname();
    let nodes = match hostname.known()? {
        Some((hostname, source)) => parse_endpoint(hostname, source)?.into(),
        None => settings.nodes()?,
    };
    Ok(match own_port(state)? {
        Some(port) => nodes.first.with_port(port).into(),
        None => nodes,
    })
}

/// The host's own port.
pub fn own_port(state: &State) -> Result<Option<u16>, SettingError> {
    match state.port {
        Value::Null => Ok(None),
        Value::Unknown => Err(SettingError::Unknown(Source::Attribute("port"))),
        Value::Value(port) => match u16::try_from(port) {
            Ok(port) if port != 0 => Ok(Some(port)),
            _ => Err(Problem::new(
                "Invalid address",
                "`port` must be between 1 and 65535.",
                AttributePath::new("port"),
            )
            .into()),
        },
    }
}
