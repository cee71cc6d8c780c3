//! Warnings about settings that are valid and probably not meant.

use crate::framework::Problem;
use crate::provider::settings::setting::{Setting, Source};
use crate::provider::settings::tls::TlsSettings;

/// Warnings about disabled certificate verification and about server names without effect, one of
/// each for all connections.
pub fn of_tls<'a>(settings: impl Iterator<Item = &'a TlsSettings> + Clone) -> Vec<Problem> {
    let unverified = settings.clone().filter_map(|tls| match &tls.verify_ssl {
        Setting::Known(false, source) => Some(source.clone()),
        _ => None,
    });
    let unverified = each_once(unverified).map(|(first, sources)| {
        Problem::new(
            "TLS certificate verification disabled",
            format!(
                "Verification is disabled by {sources}: the provider sends its credentials to any \
                 server that responds at the address. Set `ca_certificate` to the CA certificate \
                 of the cluster, /etc/pve/pve-root-ca.pem on any node, or set \
                 `certificate_fingerprints`, and enable verification again."
            ),
            first.path(),
        )
    });
    let unused = settings.filter_map(TlsSettings::unused_server_name);
    let unused = each_once(unused).map(|(first, sources)| {
        Problem::new(
            "Setting without effect",
            format!(
                "{sources} has no effect: the provider does not verify the host name of a \
                 certificate that is pinned by its fingerprint or not verified at all. Remove it, \
                 or use `ca_certificate` instead."
            ),
            first.path(),
        )
    });
    unverified.into_iter().chain(unused).collect()
}

/// The first of some sources, and a list of all of them. Clusters that inherit a setting share its
/// source, which is listed once.
fn each_once(sources: impl Iterator<Item = Source>) -> Option<(Source, String)> {
    let mut distinct: Vec<Source> = Vec::new();
    for source in sources {
        if !distinct.contains(&source) {
            distinct.push(source);
        }
    }
    let names: Vec<String> = distinct.iter().map(ToString::to_string).collect();
    Some((distinct.into_iter().next()?, names.join(" and ")))
}
