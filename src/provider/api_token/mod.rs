//! The resource `proxmox_api_token`: an API token from its creation to its revocation.
//!
//! This file is the life in outline; what a plan decides is in [`plan`], what happens on the server in [`apply`].

mod acl;
mod apply;
pub(crate) mod ephemeral_name;
mod model;
mod plan;
mod private_state;
mod schema;

use async_trait::async_trait;
use tf_provider::schema::Schema;
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics, Resource};
use time::OffsetDateTime;

use crate::framework::Report;
use crate::provider::api_token::apply::{Reading, import, rotate};
use crate::provider::api_token::model::State;
use crate::provider::api_token::plan::name_conflicts::Names;
use crate::provider::api_token::plan::{acl_checks, lockout, validate};
use crate::provider::api_token::private_state::Notes;
use crate::provider::clients::{Connections, Write, Writer};
use crate::provider::diagnostics::{code_kept, code_would_be_spent, reported};
use crate::provider::settings::setting::SettingError;
use crate::pve::{Client, TokenId};

const NOT_REFRESHED: &str = "API token not refreshed";

/// An API token of Proxmox VE.
pub struct ApiTokenResource {
    connections: Connections,
    names: Names,
}

impl ApiTokenResource {
    /// A resource that works over the provider's own connection.
    pub fn new(connections: Connections) -> Self {
        Self {
            connections,
            names: Names::default(),
        }
    }

    /// The client and the token that a stored state is about.
    fn target(&self, state: &State, diags: &mut Diagnostics) -> Option<(Client, TokenId)> {
        let Some(token) = state.token() else {
            diags.fail_if_silent("A token without a usable `user_id` and `token_name`");
            return None;
        };
        match self.connections.client(&state.cluster) {
            Ok(client) => Some((client, token)),
            Err(error) => {
                diags.problem(error.into());
                None
            }
        }
    }

    /// The client for a write, and the token.
    async fn write_target(
        &self,
        state: &State,
        write: Write,
        diags: &mut Diagnostics,
    ) -> Option<(Writer, TokenId)> {
        let Some(token) = state.token() else {
            diags.fail_if_silent("A token without a usable `user_id` and `token_name`");
            return None;
        };
        match self.connections.writer(&state.cluster, &token, write).await {
            Ok(writer) => Some((writer, token)),
            Err(error) => {
                diags.problem(error.into());
                None
            }
        }
    }

    /// The client to ask for advice on a plan: none, without a word, where there is none yet, or
    /// where asking would use up a code that the apply needs.
    fn adviser(&self, config: &State) -> Option<Client> {
        let client = self.connections.client(&config.cluster);
        client.ok().filter(|client| !client.would_spend_a_code())
    }
}

#[async_trait]
impl Resource for ApiTokenResource {
    type State<'a> = State;
    type PrivateState<'a> = Option<Notes>;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        Some(schema::schema())
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        validate::validate(&config, diags);
        Some(())
    }

    async fn read<'a>(
        &self,
        diags: &mut Diagnostics,
        state: State,
        notes: Option<Notes>,
        _meta: (),
    ) -> Option<(State, Option<Notes>)> {
        let id = state.id.as_ref_option().map_or("the token", String::as_str);
        if let Some(code) = self.connections.one_time_code(&state.cluster) {
            code_kept(NOT_REFRESHED, id, &code, diags);
            return Some((state, notes));
        }
        let client = match self.connections.client(&state.cluster) {
            Ok(client) => client,
            Err(SettingError::Unknown(source)) => {
                diags.warn(
                    NOT_REFRESHED,
                    format!(
                        "{source} of the provider is known only after apply, so \
                         {id} was not looked at."
                    ),
                    AttributePath::root(),
                );
                return Some((state, notes));
            }
            Err(SettingError::Invalid(problem)) => {
                diags.problem(problem);
                return None;
            }
        };
        match apply::read(&client, state.clone(), diags).await {
            Reading::Present(state, notes) => {
                acl_checks::note_filtered(&client, &state, diags).await;
                Some((*state, Some(notes)))
            }
            Reading::Gone => None,
            Reading::Unclear => Some((state, notes)),
        }
    }

    async fn plan_create<'a>(
        &self,
        diags: &mut Diagnostics,
        proposed: State,
        config: State,
        _meta: (),
    ) -> Option<(State, Option<Notes>)> {
        // Values that were unknown at validation are known by the plan that apply makes again.
        validate::validate(&config, diags);
        acl_checks::advise(self.adviser(&config).as_ref(), &config, None, diags).await;
        let planned = plan::create(proposed, now(), diags);
        self.names.claim(&planned, diags);
        Some((planned, None))
    }

    async fn plan_update<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        proposed: State,
        config: State,
        notes: Option<Notes>,
        _meta: (),
    ) -> Option<(State, Option<Notes>, Vec<AttributePath>)> {
        validate::validate(&config, diags);
        let adviser = self.adviser(&config);
        acl_checks::advise(adviser.as_ref(), &config, Some(&prior), diags).await;
        let now = notes.as_ref().map_or_else(now, |notes| notes.observed_at);
        let (planned, replace) =
            plan::update(&prior, proposed, &config, notes.as_ref(), now, diags);
        self.names.claim(&planned, diags);
        let replaced = !replace.is_empty();
        let change = lockout::Change {
            prior: &prior,
            planned: &planned,
            replaced,
            live_is_gone: notes.as_ref().is_some_and(|notes| notes.live_is_gone),
            now,
        };
        lockout::refuse_change(&self.connections, &change, diags);
        if let Some(client) = &adviser {
            rotate::foresee(client, &prior, &planned, diags).await;
        }
        Some((planned, notes, replace))
    }

    async fn plan_destroy<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        notes: Option<Notes>,
        _meta: (),
    ) -> Option<Option<Notes>> {
        if prior.revoke_on_destroy != Value::Value(false) {
            let revocation = lockout::revocation(&prior);
            let checked = self
                .connections
                .check_revocation(&prior.cluster, &revocation);
            reported(checked, diags);
        }
        Some(notes)
    }

    async fn create<'a>(
        &self,
        diags: &mut Diagnostics,
        planned: State,
        _config: State,
        _private: Option<Notes>,
        _meta: (),
    ) -> Option<(State, Option<Notes>)> {
        let (writer, token) = self.write_target(&planned, Write::Change, diags).await?;
        let client = writer.client();
        let created = apply::create(client, &token, planned, diags).await?;
        Some((created, Some(seen_by(client))))
    }

    async fn update<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        planned: State,
        _config: State,
        notes: Option<Notes>,
        _meta: (),
    ) -> Option<(State, Option<Notes>)> {
        let (writer, token) = self.write_target(&planned, Write::Change, diags).await?;
        let client = writer.client();
        let token = prior.live().unwrap_or(token);
        if !planned.rotated_at.is_unknown() {
            let updated = apply::update(client, &token, prior, planned, diags).await;
            return Some((updated, Some(seen_by(client))));
        }
        let gone = notes.is_some_and(|notes| notes.live_is_gone);
        let rotated = rotate::rotate(client, prior, planned, gone, diags).await;
        Some((rotated, Some(seen_by(client))))
    }

    async fn destroy<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        _private: Option<Notes>,
        _meta: (),
    ) -> Option<()> {
        if prior.revoke_on_destroy == Value::Value(false) {
            left_in_place(&prior, diags);
            return Some(());
        }
        let revocation = Write::Revoke(lockout::revocation(&prior));
        let (writer, token) = self.write_target(&prior, revocation, diags).await?;
        apply::revoke(writer.client(), &prior, diags).await?;
        writer.revoked(&token);
        Some(())
    }

    async fn import<'a>(
        &self,
        diags: &mut Diagnostics,
        id: String,
    ) -> Option<(State, Option<Notes>)> {
        let state = import::named(&id, diags)?;
        // Whether it is a command of its own or part of a plan cannot be told.
        if let Some(code) = self.connections.one_time_code(&state.cluster) {
            diags.problem(code_would_be_spent("the token to import", &code));
            return None;
        }
        let (client, _) = self.target(&state, diags)?;
        let (state, notes) = import::import(&client, state, diags).await?;
        Some((state, Some(notes)))
    }
}

/// What a change notes for the next plan.
fn seen_by(client: &Client) -> Notes {
    Notes::at(client.server_now().unix_timestamp())
}

fn left_in_place(state: &State, diags: &mut Diagnostics) {
    let id = state
        .token_id
        .as_ref_option()
        .map_or("The token", String::as_str);
    diags.warn(
        "API token left in place",
        format!(
            "{id} was removed from the state and not revoked, since `revoke_on_destroy` is false: \
             it goes on working for whoever has its secret."
        ),
        AttributePath::new("revoke_on_destroy"),
    );
}

/// This machine's clock, in epoch seconds.
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
