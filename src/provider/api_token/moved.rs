//! Tokens of another provider that become a `proxmox_api_token`, by a `moved` block.
//!
//! Terraform moves without a configured provider, so nothing is looked up: the secret and all else
//! come from the other state, and the refresh that follows compares them with the server.

use serde::Deserialize;
use tf_provider::AttributePath;
use tf_provider::Diagnostics;
use tf_provider::value::Value;

use crate::framework::{Move, MoveRequest, MovedState, Problem, Report};
use crate::provider::api_token::ApiTokenResource;
use crate::provider::api_token::model::State;
use crate::provider::attributes::timestamp;
use crate::pve::{ApiToken, TokenId, TokenName, UserId};

/// The types that can be moved, and the provider that has them, at any registry.
const TYPES: [&str; 2] = [
    "proxmox_user_token",
    "proxmox_virtual_environment_user_token",
];
const PROVIDER: &str = "bpg/proxmox";

/// The version of their schema.
const VERSION: i64 = 0;

const UNABLE_TO_MOVE: &str = "Unable to move API token";

/// The state of a `proxmox_user_token`.
#[derive(Deserialize)]
struct UserToken {
    user_id: String,
    token_name: String,
    comment: Option<String>,
    expiration_date: Option<String>,
    privileges_separation: Option<bool>,
    /// `user@realm!name=secret`; null after an import.
    value: Option<String>,
}

impl Move for ApiTokenResource {
    fn move_state(
        &self,
        source: MoveRequest,
        diags: &mut Diagnostics,
    ) -> Result<MovedState<Self>, Problem> {
        let is_known = TYPES.contains(&source.type_name.as_str());
        if !is_known || !is_of(&source.provider, PROVIDER) {
            return Ok(None);
        }
        if source.schema_version != VERSION {
            return Err(unexpected(&format!(
                "its schema has version {}, and only version {VERSION} is known",
                source.schema_version
            )));
        }
        // Without serde's text, which quotes values.
        let token: UserToken = serde_json::from_value(source.state)
            .map_err(|_| unexpected("an attribute is missing, or has another type"))?;
        let (id, state) = token.into_state()?;
        if state.secret.is_null() {
            diags.warnings([moved_without_secret(&id)]);
        }
        Ok(Some((state, None)))
    }
}

/// Whether the address of a provider, `host/namespace/type`, is this one at any host.
fn is_of(address: &str, provider: &str) -> bool {
    address
        .split_once('/')
        .is_some_and(|(_, without_host)| without_host == provider)
}

impl UserToken {
    fn into_state(self) -> Result<(TokenId, State), Problem> {
        let user: UserId = parsed("user_id", &self.user_id)?;
        let name: TokenName = parsed("token_name", &self.token_name)?;
        let id = TokenId::new(user, name);
        let date = self.expiration_date.filter(|date| !date.is_empty());
        let end = date.as_deref().map(timestamp::parse).transpose();
        let end = end.map_err(|reason| unexpected(&format!("`expiration_date`: {reason}")))?;
        let state = State {
            id: Value::Value(id.to_string()),
            token_id: Value::Value(id.to_string()),
            user_id: Value::Value(self.user_id),
            token_name: Value::Value(self.token_name),
            comment: self.comment.filter(|comment| !comment.is_empty()).into(),
            privilege_separation: Value::Value(self.privileges_separation.unwrap_or(true)),
            expires_at: timestamp::attribute(end),
            effective_expires_at: timestamp::attribute(end),
            expiration_date: date.into(),
            ..State::default()
        };
        let state = state.with_defaults();
        let Some(value) = self.value.filter(|value| !value.is_empty()) else {
            return Ok((id, state));
        };
        let token: ApiToken = value
            .parse()
            .map_err(|_| unexpected("`value` has not the form user@realm!name=secret"))?;
        if token.id != id {
            return Err(unexpected(
                "`value` is of another token than the one it names",
            ));
        }
        Ok((id.clone(), state.with_secret(&id, token.secret)))
    }
}

fn parsed<T>(attribute: &'static str, text: &str) -> Result<T, Problem>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error| unexpected(&format!("`{attribute}`: {error}")))
}

fn unexpected(reason: &str) -> Problem {
    Problem::new(
        UNABLE_TO_MOVE,
        format!(
            "The state of the moved token is not as {PROVIDER} writes it: {reason}. Nothing was \
             changed. Remove the token from the state with a `removed` block or `terraform state \
             rm`, and import it."
        ),
        AttributePath::root(),
    )
}

fn moved_without_secret(token: &TokenId) -> Problem {
    Problem::new(
        "API token moved without its secret",
        format!(
            "The state of {token} had no secret, as after an import, so `secret` and `api_token` \
             are null. The token keeps working. To get a secret, rotate it: set \
             `rotate_when_changed`."
        ),
        AttributePath::root(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::provider::clients::Connections;

    const SECRET: &str = "7a93b3b8-5993-4518-8f51-bf5d6e75216f";

    fn source() -> MoveRequest {
        MoveRequest {
            provider: "registry.terraform.io/bpg/proxmox".to_owned(),
            type_name: "proxmox_user_token".to_owned(),
            schema_version: 0,
            state: json!({
                "comment": "pipeline",
                "expiration_date": "2027-12-31T00:00:00Z",
                "id": "ci@pve!pipeline",
                "privileges_separation": false,
                "token_name": "pipeline",
                "user_id": "ci@pve",
                "value": format!("ci@pve!pipeline={SECRET}"),
            }),
            private: Vec::new(),
            identity: None,
        }
    }

    fn moved(source: MoveRequest) -> (Result<Option<State>, Problem>, usize) {
        let resource = ApiTokenResource::new(Connections::default());
        let mut diags = Diagnostics::default();
        let moved = resource.move_state(source, &mut diags);
        let state = moved.map(|moved| moved.map(|(state, _)| state));
        (state, diags.warnings.len())
    }

    #[test]
    fn every_attribute_has_its_place_and_the_secret_is_kept() {
        let (state, warnings) = moved(source());
        let state = state.unwrap().unwrap();
        assert_eq!(warnings, 0);
        assert_eq!(
            state.secret.as_ref_option().unwrap().secret().expose(),
            SECRET
        );
        assert_eq!(state.id, Value::Value("ci@pve!pipeline".to_owned()));
        assert_eq!(state.privilege_separation, Value::Value(false));
        assert_eq!(
            state.expires_at,
            Value::Value("2027-12-31T00:00:00Z".to_owned())
        );
        assert_eq!(state.revoke_on_destroy, Value::Value(true));
    }

    #[test]
    fn what_cannot_be_moved_is_told() {
        let with = |change: fn(&mut MoveRequest)| {
            let mut source = source();
            change(&mut source);
            moved(source)
        };
        let (state, warnings) = with(|source| source.state["value"] = Json::Null);
        assert!(state.unwrap().unwrap().secret.is_null() && warnings == 1);
        for other in [
            with(|source| source.type_name = "proxmox_virtual_environment_user".to_owned()),
            with(|source| source.provider = "registry.terraform.io/telmate/proxmox".to_owned()),
        ] {
            assert!(other.0.unwrap().is_none());
        }
        for wrong in [
            with(|source| source.schema_version = 1),
            with(|source| source.state["user_id"] = Json::Null),
            with(|source| source.state["user_id"] = "ci".into()),
            with(|source| source.state["expiration_date"] = "soon".into()),
            with(|source| source.state["value"] = "7a93b3b8".into()),
            with(|source| source.state["token_name"] = "other".into()),
        ] {
            let problem = wrong.0.unwrap_err();
            assert_eq!(problem.summary, UNABLE_TO_MOVE);
            assert!(!problem.detail.contains(SECRET) && !problem.detail.contains("7a93b3b8"));
        }
    }
}
