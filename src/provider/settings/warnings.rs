//! What is allowed and yet worth a word, once for each provider block and each host.

use std::collections::BTreeMap;

use tf_provider::Diagnostics;

use crate::framework::Report;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::setting::{Setting, Source};
use crate::provider::settings::tls::TlsSettings;

/// Warns of settings that leave a connection open to anybody, and of those without effect.
pub fn warn(
    own: &ConnectionSettings,
    clusters: &Setting<BTreeMap<String, ConnectionSettings>>,
    diags: &mut Diagnostics,
) {
    let named = match clusters {
        Setting::Known(clusters, _) => Some(clusters.values()),
        Setting::Absent | Setting::Unknown(_) => None,
    };
    let connections = std::iter::once(own).chain(named.into_iter().flatten());
    let tls: Vec<&TlsSettings> = connections.map(|connection| &connection.tls).collect();
    warn_of_tls(&tls, diags);
}

/// The same of some TLS settings.
pub fn warn_of_tls(tls: &[&TlsSettings], diags: &mut Diagnostics) {
    let unverified = tls.iter().filter_map(|tls| match &tls.verify_ssl {
        Setting::Known(false, source) => Some(source.clone()),
        _ => None,
    });
    if let Some((first, all)) = told(unverified) {
        diags.warn(
            "Certificates are not verified",
            format!(
                "Checking is off by {all}: whoever answers gets the credentials. Set \
                 `ca_certificate` to the authority of the cluster, /etc/pve/pve-root-ca.pem on any \
                 node, or `certificate_fingerprints`, and remove it."
            ),
            first.path(),
        );
    }
    let useless = tls.iter().filter_map(|tls| tls.useless_server_name());
    if let Some((first, all)) = told(useless) {
        diags.warn(
            "Setting without effect",
            format!(
                "{all} names whom the certificate must be valid for, but with pinned \
                 fingerprints, or without verification, no name is compared. Remove it, or use \
                 `ca_certificate`."
            ),
            first.path(),
        );
    }
}

/// The first of some sources, and all of them in words, each once: what clusters inherit has one.
fn told(sources: impl Iterator<Item = Source>) -> Option<(Source, String)> {
    let mut all: Vec<Source> = Vec::new();
    for source in sources {
        if !all.contains(&source) {
            all.push(source);
        }
    }
    let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    Some((all.into_iter().next()?, texts.join(" and ")))
}
