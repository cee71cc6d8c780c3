//! Functions for the forms in which tools want a token's id and secret.

use async_trait::async_trait;
use serde::Serialize;
use tf_provider::schema::{Description, FunctionSchema, Parameter, Type};
use tf_provider::{AttributePath, Diagnostics, Function};

use crate::framework::Report;
use crate::pve::{ApiToken, IdError, Secret, TokenId, TokenName, UserId};

/// `parse_token_id("user@realm!name")`: the parts of a token id.
pub struct ParseTokenId;

/// What [`ParseTokenId`] returns.
#[derive(Debug, PartialEq, Serialize)]
pub struct TokenIdParts {
    user_id: String,
    user: String,
    realm: String,
    token_name: String,
}

#[async_trait]
impl Function for ParseTokenId {
    type Input<'a> = (String,);
    type Output<'a> = TokenIdParts;

    fn schema(&self, _diags: &mut Diagnostics) -> Option<FunctionSchema> {
        let parts = ["user_id", "user", "realm", "token_name"];
        Some(FunctionSchema {
            parameters: vec![text("token_id", "Full token id, `user@realm!name`.")],
            return_type: Type::Object(parts.map(|part| (part.to_owned(), Type::String)).into()),
            summary: "Takes a token id apart".to_owned(),
            description: Description::markdown(
                "Takes a full token id, `user@realm!name`, apart into `user_id` (`user@realm`), \
                 `user`, `realm` and `token_name`. The user part may itself contain `!` and `@`.",
            ),
            ..FunctionSchema::default()
        })
    }

    async fn call<'a>(&self, diags: &mut Diagnostics, (id,): (String,)) -> Option<TokenIdParts> {
        let TokenId { user, name } = argument(0, TokenId::parse(&id, None), diags)?;
        Some(TokenIdParts {
            user_id: user.to_string(),
            user: user.name().to_owned(),
            realm: user.realm().to_owned(),
            token_name: name.to_string(),
        })
    }
}

/// `format_token_id("user@realm", "name")`: the token id of its parts.
pub struct FormatTokenId;

#[async_trait]
impl Function for FormatTokenId {
    type Input<'a> = (String, String);
    type Output<'a> = String;

    fn schema(&self, _diags: &mut Diagnostics) -> Option<FunctionSchema> {
        Some(FunctionSchema {
            parameters: vec![
                text("user_id", "Owner with realm, `user@realm`."),
                text("token_name", "Name of the token."),
            ],
            return_type: Type::String,
            summary: "Puts a token id together".to_owned(),
            description: Description::markdown(
                "Puts owner and name together into the full token id, `user@realm!name`, after \
                 checking both.",
            ),
            ..FunctionSchema::default()
        })
    }

    async fn call<'a>(
        &self,
        diags: &mut Diagnostics,
        (user, name): (String, String),
    ) -> Option<String> {
        let user = argument(0, user.parse::<UserId>(), diags)?;
        let name = argument(1, name.parse::<TokenName>(), diags)?;
        Some(TokenId { user, name }.to_string())
    }
}

/// `authorization_header("user@realm!name", "secret")`: the header an HTTP client sends.
pub struct AuthorizationHeader;

#[async_trait]
impl Function for AuthorizationHeader {
    type Input<'a> = (String, String);
    type Output<'a> = String;

    fn schema(&self, _diags: &mut Diagnostics) -> Option<FunctionSchema> {
        Some(FunctionSchema {
            parameters: vec![
                text("token_id", "Full token id, `user@realm!name`."),
                text("secret", "Secret of the token."),
            ],
            return_type: Type::String,
            summary: "Value of the Authorization header".to_owned(),
            description: Description::markdown(
                "The value of the `Authorization` header with which an HTTP client uses a token. \
                 Unusual characters of the user name are percent-encoded, as the server decodes \
                 them. The result is as sensitive as the secret.",
            ),
            ..FunctionSchema::default()
        })
    }

    async fn call<'a>(
        &self,
        diags: &mut Diagnostics,
        (id, secret): (String, String),
    ) -> Option<String> {
        let id = argument(0, TokenId::parse(&id, None), diags)?;
        let token = ApiToken {
            id,
            secret: Secret::new(secret),
        };
        Some(token.authorization().expose().to_owned())
    }
}

fn text(name: &str, description: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        param_type: Type::String,
        description: Description::markdown(description),
        ..Parameter::default()
    }
}

/// The parsed argument, or an error on it.
fn argument<T>(index: i64, parsed: Result<T, IdError>, diags: &mut Diagnostics) -> Option<T> {
    parsed
        .map_err(|error| {
            diags.fail(
                "Malformed argument",
                error.to_string(),
                AttributePath::function_argument(index),
            );
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_id_taken_apart_and_put_together_is_the_same() {
        let mut diags = Diagnostics::default();
        let id = "a!b@c@pve!ci".to_owned();
        let parts = ParseTokenId.call(&mut diags, (id.clone(),)).await.unwrap();
        assert_eq!(parts.user_id, "a!b@c@pve");
        let back = FormatTokenId
            .call(&mut diags, (parts.user_id, parts.token_name))
            .await;
        assert_eq!(back, Some(id));
    }

    #[tokio::test]
    async fn a_malformed_argument_is_named_by_its_place() {
        let mut diags = Diagnostics::default();
        let formatted = FormatTokenId
            .call(&mut diags, ("demo@pve".to_owned(), "1".to_owned()))
            .await;
        assert_eq!(formatted, None);
        assert_eq!(
            diags.errors[0].attribute,
            AttributePath::function_argument(1)
        );
    }
}
