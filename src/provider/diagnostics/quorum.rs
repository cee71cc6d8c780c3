//! A node without quorum: what to change.

use crate::provider::diagnostics::words::Words;
use crate::provider::settings::address::ENDPOINT;

/// What to change when the node has no quorum.
pub fn restore_quorum(words: Words) -> String {
    format!(
        "Set {} to a node in the majority of the cluster, or restore the connection between the \
         nodes. `pvecm status` on the host lists them.",
        words.name(&ENDPOINT)
    )
}
