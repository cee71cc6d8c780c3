//! The private state: what a refresh observed for the plan, and what a plan decided for apply.
//!
//! Whether a rotation is due depends on the time, and the plan that apply makes again must come to
//! the same answer. So a plan knows no clock but the one that the latest refresh saw.

use serde::{Deserialize, Serialize};

use crate::provider::api_token::change::{Change, RotationCause};
use crate::pve::{CachedClient, Owner, Timestamp};

/// The private state of one token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrivateState {
    /// The time of the latest refresh or change, on the server's clock.
    pub observed_at: Timestamp,
    /// Whether the token in use was gone while the previous one still existed.
    #[serde(default)]
    pub live_is_gone: bool,
    /// Why the planned change rotates the secret, in the private state of a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationCause>,
}

impl PrivateState {
    /// A private state with the time alone.
    pub fn at(observed_at: Timestamp) -> Self {
        Self {
            observed_at,
            live_is_gone: false,
            rotation: None,
        }
    }

    /// The private state after a refresh.
    pub fn observed(owner: &Owner) -> Self {
        Self::at(owner.observed_at.into())
    }

    /// The private state of a plan.
    pub fn planned(observed: Option<Self>, change: &Change) -> Option<Self> {
        let rotation = change.rotation;
        match observed {
            None if rotation.is_none() => None,
            observed => Some(Self {
                rotation,
                ..observed.unwrap_or_else(|| Self::at(change.now))
            }),
        }
    }

    /// The private state after a change.
    pub fn after_change(client: &CachedClient) -> Self {
        Self::at(client.server_now().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_state_of_version_0_1_can_be_read() {
        let read = |json: &str| serde_json::from_str::<PrivateState>(json).unwrap();
        let observed_at = Timestamp::from_unix(1_790_000_000);
        let saved = r#"{"observed_at":1790000000,"live_is_gone":true}"#;
        let expected = PrivateState {
            live_is_gone: true,
            ..PrivateState::at(observed_at)
        };
        assert_eq!(read(saved), expected);
        assert_eq!(
            read(r#"{"observed_at":1790000000}"#),
            PrivateState::at(observed_at)
        );
    }
}
