//! The one place where a secret enters or leaves Terraform's values.
//!
//! [`Secret`] cannot be printed or serialised. Configurations and states must carry secrets all
//! the same, so [`StoredSecret`] is the one type that may; its attributes are marked sensitive
//! in every schema that has one.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tf_provider::value::Value;

use crate::pve::Secret;

/// A secret as it stands in a configuration or a state.
#[derive(Clone, Debug)]
pub struct StoredSecret(Secret);

impl StoredSecret {
    /// The secret, for use with the server.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

impl From<Secret> for StoredSecret {
    fn from(secret: Secret) -> Self {
        Self(secret)
    }
}

impl From<Secret> for Value<StoredSecret> {
    fn from(secret: Secret) -> Self {
        Self::Value(StoredSecret(secret))
    }
}

impl PartialEq for StoredSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Serialize for StoredSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for StoredSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_secret_is_written_to_the_state_but_not_to_a_log() {
        let secret = StoredSecret::from(Secret::new("hunter2"));
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"hunter2\"");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
