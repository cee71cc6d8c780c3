//! Functions that convert between the forms of a token ID and its secret.

use async_trait::async_trait;
use serde::Serialize;
use tf_provider::schema::{Description, FunctionSchema, Parameter, Type};
use tf_provider::{AttributePath, Diagnostics, Function};

use crate::framework::Problem;
use crate::provider::diagnostics::reported;
use crate::provider::mocked;
use crate::pve::{ApiToken, IdError, Secret, TokenId, TokenName, UserId};

/// `parse_token_id("user@realm!name")`: the parts of a token ID.
pub struct ParseTokenId;

/// The result of [`ParseTokenId`].
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
            parameters: vec![text("token_id", "Full token ID, `user@realm!name`.")],
            return_type: Type::Object(parts.map(|part| (part.to_owned(), Type::String)).into()),
            summary: "Parses a token ID".to_owned(),
            description: Description::markdown(
                "Parses a full token ID, `user@realm!name`, into an object with `user_id` \
                 (`user@realm`), `user`, `realm` and `token_name`. The user name may contain `!` \
                 and `@`.",
            ),
            ..FunctionSchema::default()
        })
    }

    async fn call<'a>(&self, diags: &mut Diagnostics, (id,): (String,)) -> Option<TokenIdParts> {
        let TokenId { user, name } = reported(argument(0, &id, TokenId::parse(&id, None)), diags)?;
        Some(TokenIdParts {
            user_id: user.to_string(),
            user: user.name().to_owned(),
            realm: user.realm().to_owned(),
            token_name: name.to_string(),
        })
    }
}

/// `format_token_id("user@realm", "name")`: the token ID from its parts.
pub struct FormatTokenId;

#[async_trait]
impl Function for FormatTokenId {
    type Input<'a> = (String, String);
    type Output<'a> = String;

    fn schema(&self, _diags: &mut Diagnostics) -> Option<FunctionSchema> {
        Some(FunctionSchema {
            parameters: vec![
                text("user_id", "ID of the owner, `user@realm`."),
                text("token_name", "Name of the token."),
            ],
            return_type: Type::String,
            summary: "Formats a token ID".to_owned(),
            description: Description::markdown(
                "Returns the full token ID, `user@realm!name`, of an owner and a token name. Fails \
                 if either is invalid.",
            ),
            ..FunctionSchema::default()
        })
    }

    async fn call<'a>(
        &self,
        diags: &mut Diagnostics,
        (user, name): (String, String),
    ) -> Option<String> {
        let user = reported(argument(0, &user, user.parse::<UserId>()), diags)?;
        let name = reported(argument(1, &name, name.parse::<TokenName>()), diags)?;
        Some(TokenId { user, name }.to_string())
    }
}

/// `authorization_header("user@realm!name", "secret")`: the value of the header for HTTP clients.
pub struct AuthorizationHeader;

#[async_trait]
impl Function for AuthorizationHeader {
    type Input<'a> = (String, String);
    type Output<'a> = String;

    fn schema(&self, _diags: &mut Diagnostics) -> Option<FunctionSchema> {
        Some(FunctionSchema {
            parameters: vec![
                text("token_id", "Full token ID, `user@realm!name`."),
                text("secret", "Secret of the token."),
            ],
            return_type: Type::String,
            summary: "Returns the Authorization header of a token".to_owned(),
            description: Description::markdown(
                "Returns the value of the `Authorization` header with which an HTTP client \
                 authenticates as a token. Special characters in the user name are \
                 percent-encoded, which the server decodes. The result contains the secret: treat \
                 it as sensitive.",
            ),
            ..FunctionSchema::default()
        })
    }

    async fn call<'a>(
        &self,
        diags: &mut Diagnostics,
        (id, secret): (String, String),
    ) -> Option<String> {
        let id = reported(argument(0, &id, TokenId::parse(&id, None)), diags)?;
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

/// A parsed argument, or its problem.
fn argument<T>(index: i64, text: &str, parsed: Result<T, IdError>) -> Result<T, Problem> {
    parsed.map_err(|error| {
        Problem::new(
            "Invalid argument",
            format!("{error}{}.", mocked::hint(text)),
            AttributePath::function_argument(index),
        )
    })
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
