//! The resource `proxmox_api_token`: an API token from its creation to its revocation.
//!
//! This file is the life in outline; what a plan decides is in [`plan`], what happens on the
//! server in [`life`] and, for the creation, in [`mint`].

mod acl;
mod advice;
mod held;
mod life;
mod mint;
mod plan;
mod state;
mod validate;

use async_trait::async_trait;
use tf_provider::{AttributePath, Diagnostics, Resource, schema::Schema, value::Value};
use time::OffsetDateTime;

use self::{life::Reading, state::State};
use super::{
    connection::{Connections, call},
    credentials::Unresolved,
    explain::{code_kept, explain, not_known_yet},
};
use crate::{
    framework::Report,
    pve::{Client, TokenId},
};

const NOT_REFRESHED: &str = "API token not refreshed";

/// An API token of Proxmox VE.
pub struct ApiTokenResource {
    connections: Connections,
}

impl ApiTokenResource {
    /// A resource that works over the provider's own connection.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }

    /// The client and the token that a stored state is about.
    fn target(&self, state: &State, diags: &mut Diagnostics) -> Option<(Client, TokenId)> {
        let Some(token) = state.token() else {
            diags.fail_if_silent("A token without a usable `user_id` and `token_name`");
            return None;
        };
        match self.connections.client(&state.cluster, diags) {
            Ok(client) => Some((client, token)),
            Err(Unresolved::Unknown(source)) => {
                not_known_yet(&source, diags);
                None
            }
            Err(Unresolved::Invalid) => None,
        }
    }

    /// The client to ask for advice on a plan: none, without a word, where there is none yet, or
    /// where asking would use up a code that the apply needs.
    fn adviser(&self, config: &State) -> Option<Client> {
        let client = self
            .connections
            .client(&config.cluster, &mut Diagnostics::default());
        client.ok().filter(|client| !client.would_spend_a_code())
    }
}

#[async_trait]
impl Resource for ApiTokenResource {
    type State<'a> = State;
    type PrivateState<'a> = ();
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        Some(state::schema())
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        validate::validate(&config, diags);
        Some(())
    }

    async fn read<'a>(
        &self,
        diags: &mut Diagnostics,
        state: State,
        _private: (),
        _meta: (),
    ) -> Option<(State, ())> {
        let id = state.id.as_ref_option().map_or("the token", String::as_str);
        if let Some(code) = self.connections.one_time_code(&state.cluster) {
            code_kept(NOT_REFRESHED, id, &code, diags);
            return Some((state, ()));
        }
        let client = match self.connections.client(&state.cluster, diags) {
            Ok(client) => client,
            Err(Unresolved::Unknown(source)) => {
                diags.warn(
                    NOT_REFRESHED,
                    format!(
                        "{source} of the provider is known only after apply, so \
                         {id} was not looked at."
                    ),
                    AttributePath::root(),
                );
                return Some((state, ()));
            }
            Err(Unresolved::Invalid) => return None,
        };
        let Some(token) = state.token() else {
            diags.fail_if_silent("A state without a usable `user_id` and `token_name`");
            return None;
        };
        match life::read(&client, &token, state.clone(), diags).await {
            Reading::Present(state) => {
                advice::note_filtered(&client, &token, &state, diags).await;
                Some((*state, ()))
            }
            Reading::Gone => None,
            Reading::Unclear => Some((state, ())),
        }
    }

    async fn plan_create<'a>(
        &self,
        diags: &mut Diagnostics,
        proposed: State,
        config: State,
        _meta: (),
    ) -> Option<(State, ())> {
        // Values that were unknown at validation are known by the plan that apply makes again.
        validate::validate(&config, diags);
        advice::advise(self.adviser(&config).as_ref(), &config, None, diags).await;
        Some((plan::create(proposed, now(), diags), ()))
    }

    async fn plan_update<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        proposed: State,
        config: State,
        _private: (),
        _meta: (),
    ) -> Option<(State, (), Vec<AttributePath>)> {
        validate::validate(&config, diags);
        advice::advise(self.adviser(&config).as_ref(), &config, Some(&prior), diags).await;
        let (planned, replace) = plan::update(&prior, proposed, &config, now(), diags);
        Some((planned, (), replace))
    }

    async fn plan_destroy<'a>(
        &self,
        _diags: &mut Diagnostics,
        _prior: State,
        _private: (),
        _meta: (),
    ) -> Option<()> {
        Some(())
    }

    async fn create<'a>(
        &self,
        diags: &mut Diagnostics,
        planned: State,
        _config: State,
        _private: (),
        _meta: (),
    ) -> Option<(State, ())> {
        let (client, token) = self.target(&planned, diags)?;
        let created = life::create(&client, &token, planned, diags).await?;
        Some((created, ()))
    }

    async fn update<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        planned: State,
        _config: State,
        _private: (),
        _meta: (),
    ) -> Option<(State, ())> {
        let (client, token) = self.target(&planned, diags)?;
        Some((
            life::update(&client, &token, prior, planned, diags).await,
            (),
        ))
    }

    async fn destroy<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        _private: (),
        _meta: (),
    ) -> Option<()> {
        let (client, token) = self.target(&prior, diags)?;
        life::revoke(&client, &token, diags).await
    }

    async fn import<'a>(&self, diags: &mut Diagnostics, id: String) -> Option<(State, ())> {
        // No user name holds a slash, so what is before one is the cluster.
        let (cluster, id) = match id.split_once('/') {
            Some((cluster, id)) => (Value::Value(cluster.to_owned()), id),
            None => (Value::Null, id.as_str()),
        };
        let token = match TokenId::parse(id, None) {
            Ok(token) => token,
            Err(error) => {
                diags.fail(
                    "Unusable import id",
                    format!(
                        "Import a token by its full id, such as \"demo@pve!ci\", or by the key of \
                         its cluster and its id, such as \"berlin/demo@pve!ci\": {error}."
                    ),
                    AttributePath::root(),
                );
                return None;
            }
        };
        let state = State {
            cluster,
            user_id: token.user.to_string().into(),
            token_name: token.name.to_string().into(),
            ..State::default()
        };
        let (client, token) = self.target(&state, diags)?;
        Some((import(&client, &token, state, diags).await?, ()))
    }
}

/// Finds a token that somebody else made.
async fn import(
    client: &Client,
    token: &TokenId,
    state: State,
    diags: &mut Diagnostics,
) -> Option<State> {
    let owner = match client.user(&token.user, &call()).await {
        Ok(owner) => owner,
        Err(error) => {
            explain(
                "Unable to import API token",
                &token.to_string(),
                &error,
                diags,
            );
            return None;
        }
    };
    let Some(owner) = owner else {
        diags.fail(
            "Nothing to import",
            format!("Proxmox VE has no user {}.", token.user),
            AttributePath::root(),
        );
        return None;
    };
    let Some(info) = owner.tokens.get(token.name.as_str()) else {
        diags.fail(
            "Nothing to import",
            format!("{} has no token {}.", token.user, token.name),
            AttributePath::root(),
        );
        return None;
    };
    diags.warn(
        "Imported without its secret",
        format!(
            "Proxmox VE shows a secret only once, so `secret` and `api_token` of {token} are null. \
             The token goes on working for whoever has its secret. For a new one, replace it: \
             `terraform apply -replace` on its address, which revokes the old secret."
        ),
        AttributePath::root(),
    );
    Some(life::observed(state, token, info))
}

/// This machine's clock, in epoch seconds.
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
