//! The private state: what a refresh decided for the plan, what a plan decided for apply, and what
//! an apply could not settle.
//!
//! Whether a rotation is due depends on the time, and the plan that apply makes again must come to
//! the same answer. So the refresh decides, and stores the decision rather than its time: what is
//! stored changes only when a decision does, and for most tokens nothing is stored at all.

use serde::{Deserialize, Serialize};

use crate::provider::api_token::acl::Grants;

/// The private state of one token. Absent from the state where it equals the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PrivateState {
    /// Why the secret was due for rotation at the latest refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<RotationCause>,
    /// Whether the previous token had expired at the latest refresh.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub previous_expired: bool,
    /// The write whose outcome the server has not shown yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<Unsettled>,
    /// The entries that `acl` declared before it was removed from the configuration. They are still
    /// on the server, and belong to the resource when it declares `acl` again.
    #[serde(skip_serializing_if = "Grants::is_empty")]
    pub released: Grants,
    /// Why the planned change rotates the secret, in the private state of a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationCause>,
}

/// Why a secret is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationCause {
    /// The token in use was removed outside of Terraform while its predecessor still exists.
    LiveTokenGone,
    /// The server refuses the stored secret after a rotation whose response was lost.
    SecretLost,
    /// `rotate_when_changed` changes.
    Keepers,
    /// `rotate_when_changed` is unknown. The plan that apply makes again decides.
    UnknownKeepers,
    /// The secret has reached the age of `rotation.every`.
    Age,
    /// The expiry is nearer than `rotation.before_expiry`.
    Expiry,
}

/// A write whose response was lost, and which the server may still carry out: a daemon that hangs
/// does what it was asked when it continues (recording `552-pvedaemon-hung-regenerate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsettled {
    /// The secret of the token in use may be replaced.
    Secret,
    /// A rotation of this resource may have created the next token, and did not remove it.
    NextToken,
}

impl PrivateState {
    /// The private state of a plan.
    pub fn planned(self, rotation: Option<RotationCause>) -> Self {
        Self { rotation, ..self }
    }

    /// This private state, or none where there is nothing to store.
    pub fn stored(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_state_of_version_0_1_can_be_read() {
        let saved = r#"{"observed_at":1790000000,"live_is_gone":true}"#;
        let read: PrivateState = serde_json::from_str(saved).unwrap();
        assert_eq!(read, PrivateState::default());
    }

    #[test]
    fn without_a_decision_nothing_is_stored() {
        assert_eq!(PrivateState::default().stored(), None);
        let due = PrivateState {
            due: Some(RotationCause::Age),
            ..PrivateState::default()
        };
        assert_eq!(due.clone().stored(), Some(due.clone()));
        let json = serde_json::to_string(&due).unwrap();
        assert_eq!(json, r#"{"due":"age"}"#);
    }

    #[test]
    fn released_grants_are_read_back_as_they_were() {
        let json = r#"{"released":[{"path":"/vms","role":"PVEAuditor","propagates":true}]}"#;
        let read: PrivateState = serde_json::from_str(json).unwrap();
        assert_eq!(read.released.iter().count(), 1);
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}
