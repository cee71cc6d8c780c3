//! The identity of a token: cluster, owner and name.
//!
//! It has the name of the configuration, which stays through every rotation, and not that of the
//! token in use.

use serde::{Deserialize, Serialize};
use tf_provider::AttributePath;
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;

use crate::framework::{Identity, Problem, schema};
use crate::provider::api_token::ApiTokenResource;
use crate::provider::api_token::model::State;
use crate::pve::{TokenId, TokenName, UserId};

/// The identity of one token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiTokenIdentity {
    cluster: Value<String>,
    user_id: Value<String>,
    token_name: Value<String>,
}

impl ApiTokenIdentity {
    /// The identity of the token with this state. `None` while the state is not known.
    pub fn of(state: &State) -> Option<Self> {
        let identity = Self {
            cluster: state.cluster.clone(),
            user_id: state.user_id.clone(),
            token_name: state.token_name.clone(),
        };
        let is_known = !identity.cluster.is_unknown()
            && identity.user_id.is_value()
            && identity.token_name.is_value();
        is_known.then_some(identity)
    }

    /// The token with its base name.
    fn token(&self) -> Result<TokenId, Problem> {
        let user: UserId = parsed("user_id", &self.user_id)?;
        let name: TokenName = parsed("token_name", &self.token_name)?;
        Ok(TokenId::new(user, name))
    }
}

impl Identity for ApiTokenResource {
    type Identity = ApiTokenIdentity;

    fn identity_schema(&self) -> Schema {
        use AttributeType::String;
        use schema::{optional, required};

        schema::schema(
            "",
            [
                (
                    "cluster",
                    optional(
                        String,
                        "Key of the provider's `clusters`. Without it, the provider's own \
                         connection.",
                    ),
                ),
                (
                    "user_id",
                    required(String, "Owner of the token, with realm."),
                ),
                ("token_name", required(String, "Name of the token.")),
            ],
        )
    }

    fn identity(&self, state: &State) -> Option<ApiTokenIdentity> {
        ApiTokenIdentity::of(state)
    }

    fn import_id(&self, identity: ApiTokenIdentity) -> Result<String, Problem> {
        let token = identity.token()?;
        Ok(match identity.cluster.as_ref_option() {
            Some(cluster) => format!("{cluster}/{token}"),
            None => token.to_string(),
        })
    }
}

fn parsed<T>(attribute: &'static str, value: &Value<String>) -> Result<T, Problem>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text = value.as_ref_option().map(String::as_str);
    text.unwrap_or_default().parse().map_err(|error| {
        Problem::new(
            "Invalid identity",
            format!("`{attribute}` of the identity is invalid: {error}."),
            AttributePath::new(attribute),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::clients::Connections;

    fn import_id(cluster: Option<&str>, user: &str, name: &str) -> Result<String, Problem> {
        let resource = ApiTokenResource::new(Connections::default());
        resource.import_id(ApiTokenIdentity {
            cluster: cluster.map(str::to_owned).into(),
            user_id: user.to_owned().into(),
            token_name: name.to_owned().into(),
        })
    }

    #[test]
    fn an_identity_is_an_import_id() {
        let id = import_id(None, "demo@pve", "ci");
        assert_eq!(id.unwrap(), "demo@pve!ci");
        let id = import_id(Some("eu/berlin"), "demo@pve", "ci");
        assert_eq!(id.unwrap(), "eu/berlin/demo@pve!ci");
        let missing = import_id(None, "", "ci").unwrap_err();
        assert_eq!(missing.attribute, AttributePath::new("user_id"));
        let wrong = import_id(None, "demo@pve", "1").unwrap_err();
        assert_eq!(wrong.attribute, AttributePath::new("token_name"));
    }
}
