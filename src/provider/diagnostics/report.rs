//! What a connection check found, and what to change.

use crate::provider::diagnostics::explanation::Explanation;
use crate::provider::diagnostics::quorum::restore_quorum;
use crate::provider::diagnostics::words::Words;
use crate::provider::diagnostics::{missing_privileges, rejection, request};
use crate::provider::settings::address::ENDPOINT;
use crate::pve::Quorum;
use crate::pve::diagnosis::{Cause, Report};

/// The explanation of a connection check, passed or failed.
pub fn explain(report: &Report, words: Words) -> Explanation {
    let mut explanation = match &report.cause {
        Some(cause) => explain_cause(cause, words),
        None => Explanation {
            message: passed(report),
            remedy: String::new(),
        },
    };
    let names_them = matches!(report.cause, Some(Cause::MissingPrivileges(_)));
    if report.no_privileges && !names_them {
        explanation.message.push(' ');
        explanation
            .message
            .push_str(missing_privileges::NO_PRIVILEGES);
    }
    explanation
}

fn explain_cause(cause: &Cause, words: Words) -> Explanation {
    let endpoint = words.name(&ENDPOINT);
    let (message, remedy) = match cause {
        Cause::Request(error) => return request::explain(error, words),
        Cause::Rejected(rejected) => return rejection::explain(rejected, words),
        Cause::MissingPrivileges(missing) => {
            return missing_privileges::explain(missing, words);
        }
        Cause::InvalidEndpoint(error) => (
            format!("{error}."),
            format!(
                "Set {endpoint} to a host name, an IP address or a URL such as \
                 https://pve1.example.com:8006."
            ),
        ),
        Cause::UnsupportedVersion { version, oldest } => (
            format!("The host runs Proxmox VE {version}, which is not supported."),
            format!(
                "Upgrade the host to Proxmox VE {oldest} or later, or set {endpoint} to \
                 another host."
            ),
        ),
        Cause::NoQuorum => (
            "The node is cut off from the majority of its cluster. It is read-only, and its \
             data may be outdated."
                .to_owned(),
            restore_quorum(words),
        ),
        Cause::NodesOffline { nodes, quorum } => nodes_offline(nodes, *quorum),
    };
    Explanation { message, remedy }
}

fn nodes_offline(nodes: &[String], quorum: Quorum) -> (String, String) {
    let names = nodes.join(", ");
    let message = match quorum {
        Quorum::Present => format!("The cluster has quorum, but is without {names}."),
        Quorum::Likely => format!("Most nodes of the cluster are online, but not {names}."),
        Quorum::Doubtful | Quorum::Lost => format!(
            "Of the nodes of the cluster, {names} are offline, so the node may be cut off from the \
             majority. Whether it has quorum can be read only with Sys.Audit on /, which the \
             credential lacks."
        ),
    };
    let remedy = "Bring the offline nodes back. `pvecm status` on the host lists the nodes.";
    (message, remedy.to_owned())
}

fn passed(report: &Report) -> String {
    let endpoint = report.endpoint.as_ref().map(ToString::to_string);
    let endpoint = endpoint.unwrap_or_default();
    match (&report.version, &report.identity) {
        (Some(version), Some(identity)) => format!(
            "{endpoint} runs Proxmox VE {} and accepts {identity}.",
            version.version
        ),
        _ => format!(
            "{endpoint} is a Proxmox VE host. Without credentials, nothing else was checked."
        ),
    }
}
