//! What a refresh notes for the plan, in the private state.
//!
//! Whether a rotation is due depends on the time, and the plan that apply makes again must come to
//! the same answer. So a plan knows no clock but the one that the latest refresh saw.

use serde::{Deserialize, Serialize};

/// What the latest refresh, or the latest change, saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    /// When that was, in epoch seconds on the server's clock.
    pub observed_at: i64,
    /// Whether the token in use was gone while the previous one was still there.
    #[serde(default)]
    pub live_is_gone: bool,
}

impl Notes {
    /// Nothing but the time.
    pub fn at(observed_at: i64) -> Self {
        Self {
            observed_at,
            ..Self::default()
        }
    }
}
