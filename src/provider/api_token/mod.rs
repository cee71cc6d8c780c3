//! The resource `proxmox_api_token`: an API token from its creation to its revocation.
//!
//! This file is the life in outline: [`plan`] decides what a change does, [`apply`] makes it on
//! the server.

mod acl;
mod apply;
pub(crate) mod audit_findings;
mod change;
pub(crate) mod ephemeral;
pub(crate) mod ephemeral_name;
mod identity;
mod list;
mod model;
mod moved;
mod plan;
mod private_state;
pub(crate) mod revoke_action;
mod schema;
mod slots;

use async_trait::async_trait;
use tf_provider::schema::Schema;
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics, Resource};

use crate::framework::{Problem, Report};
use crate::provider::api_token::apply::create::create;
use crate::provider::api_token::apply::read::{Reading, read};
use crate::provider::api_token::apply::revoke::revoke;
use crate::provider::api_token::apply::rotate::rotate;
use crate::provider::api_token::apply::stale;
use crate::provider::api_token::apply::update::update;
use crate::provider::api_token::apply::{import, messages};
use crate::provider::api_token::change::Change;
use crate::provider::api_token::model::{Config, Planned, State};
use crate::provider::api_token::plan::findings::Findings;
use crate::provider::api_token::plan::name_conflicts::{ClaimedNames, Plan};
use crate::provider::api_token::plan::validate::validate;
use crate::provider::api_token::plan::{
    acl_checks, availability, lockout, rotation, undeclared_entries,
};
use crate::provider::api_token::private_state::PrivateState;
use crate::provider::api_token::slots::Slots;
use crate::provider::clients::{Connections, Write, Writer};
use crate::provider::diagnostics::{
    Words, code_kept, code_would_be_spent, explain_error, reported,
};
use crate::provider::settings::block::NO_SUCH_CLUSTER;
use crate::provider::settings::setting::SettingError;
use crate::pve::{CachedClient, Error, ErrorKind, Timestamp, TokenId};

const NOT_REFRESHED: &str = "API token not refreshed";

/// An API token of Proxmox VE.
pub struct ApiTokenResource {
    connections: Connections,
    names: ClaimedNames,
}

impl ApiTokenResource {
    /// A resource that uses the provider's connections.
    pub fn new(connections: Connections) -> Self {
        Self {
            connections,
            names: ClaimedNames::default(),
        }
    }

    /// The client for the cluster of a token.
    fn client(&self, state: &State, diags: &mut Diagnostics) -> Option<CachedClient> {
        match self.connections.client(&state.cluster) {
            Ok(client) => Some(client),
            Err(error) => {
                diags.problem(error.into());
                None
            }
        }
    }

    /// The client for a write of a token.
    async fn writer(
        &self,
        state: &State,
        slots: &Slots,
        write: Write,
        diags: &mut Diagnostics,
    ) -> Option<Writer> {
        let writer = self.connections.writer(&state.cluster, &slots.base, write);
        match writer.await {
            Ok(writer) => Some(writer),
            Err(error) => {
                diags.problem(error.into());
                None
            }
        }
    }

    /// The client for the checks of a plan: none where the connection is not known yet, or where a
    /// request would use up a one-time code that the apply needs. A connection that cannot work is
    /// a problem, since a replacement would revoke the token and then fail.
    fn plan_client(&self, config: &Config) -> Result<Option<CachedClient>, Problem> {
        match self.connections.client(&config.cluster) {
            Ok(client) => Ok(Some(client).filter(|client| !client.would_spend_a_code())),
            Err(SettingError::Unknown(_)) => Ok(None),
            Err(SettingError::Invalid(problem)) => Err(problem),
        }
    }

    /// Validates the configuration, also the values that were unknown at validation, and checks the
    /// grants that it declares.
    async fn check_config(
        &self,
        config: &Config,
        prior: Option<&State>,
        client: Option<&CachedClient>,
        diags: &mut Diagnostics,
    ) {
        let invalid = validate(config);
        if !invalid.is_empty() {
            diags.problems(invalid);
            return;
        }
        let findings = acl_checks::check(client, config, prior).await;
        findings.report(diags);
    }

    /// Reports what a plan has looked up. A server that could not be asked is no error of the plan.
    fn report_lookup(
        &self,
        cluster: &Value<String>,
        findings: Result<Findings, Error>,
        diags: &mut Diagnostics,
    ) {
        match findings {
            Ok(findings) => findings.report(diags),
            Err(error) if matches!(error.kind, ErrorKind::Forbidden { .. }) => {}
            Err(error) => {
                if self.connections.is_first_report(cluster, &error) {
                    diags.warnings([not_looked_up(&error)]);
                }
            }
        }
    }

    fn is_managed(&self, cluster: &Value<String>) -> impl Fn(&TokenId) -> bool {
        move |token| {
            let run = self.connections.run();
            self.names.is_managed(run, cluster, token)
        }
    }
}

#[async_trait]
impl Resource for ApiTokenResource {
    type State<'a> = State;
    type PrivateState<'a> = Option<PrivateState>;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        Some(schema::schema())
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        diags.problems(validate(&Config(config)));
        Some(())
    }

    async fn read<'a>(
        &self,
        diags: &mut Diagnostics,
        state: State,
        private: Option<PrivateState>,
        _meta: (),
    ) -> Option<(State, Option<PrivateState>)> {
        let Some(slots) = Slots::of(&state) else {
            return Some((state, private));
        };
        if let Some(code) = self.connections.one_time_code(&state.cluster) {
            code_kept(NOT_REFRESHED, state.display_id(), &code, diags);
            return Some((state, private));
        }
        let client = match self.connections.client(&state.cluster) {
            Ok(client) => client,
            Err(SettingError::Unknown(source)) => {
                let id = state.display_id();
                diags.warn(
                    NOT_REFRESHED,
                    format!(
                        "{source} of the provider is known only after apply, so {id} was not \
                         refreshed. Its last known state was kept."
                    ),
                    AttributePath::root(),
                );
                return Some((state, private));
            }
            Err(SettingError::Invalid(problem)) => {
                diags.problem(without_cluster(state.display_id(), problem));
                return None;
            }
        };
        self.names.manage(self.connections.run(), &state, &slots);
        let before = private.clone().unwrap_or_default();
        match read(&client, state.clone(), before, &slots).await {
            Ok(Reading::Present(state, private, warnings)) => {
                diags.warnings(warnings);
                Some((*state, private.stored()))
            }
            Ok(Reading::Gone) => None,
            Ok(Reading::Unconfirmed(doubt)) => {
                diags.warnings([doubt]);
                Some((state, private))
            }
            Err(error) => {
                let is_first = self.connections.is_first_report(&state.cluster, &error);
                diags.problem(match is_first {
                    true => messages::not_read(&slots.live, &error),
                    false => messages::not_read_either(&slots.live),
                });
                Some((state, private))
            }
        }
    }

    async fn plan_create<'a>(
        &self,
        diags: &mut Diagnostics,
        proposed: State,
        config: State,
        _meta: (),
    ) -> Option<(State, Option<PrivateState>)> {
        let config = Config(config);
        let client = reported(self.plan_client(&config), diags)?;
        self.check_config(&config, None, client.as_ref(), diags)
            .await;
        let planned = reported(plan::create(proposed, Timestamp::now()), diags)?;
        let claimed = self
            .names
            .claim(self.connections.run(), &planned, Plan::Creation);
        reported(claimed, diags);
        if let Some(client) = &client {
            let is_managed = self.is_managed(&planned.cluster);
            let findings = availability::of_new(client, &planned, is_managed).await;
            self.report_lookup(&planned.cluster, findings, diags);
        }
        Some((planned.0, None))
    }

    async fn plan_update<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        proposed: State,
        config: State,
        private: Option<PrivateState>,
        _meta: (),
    ) -> Option<(State, Option<PrivateState>, Vec<AttributePath>)> {
        let config = Config(config);
        let client = reported(self.plan_client(&config), diags)?;
        self.check_config(&config, Some(&prior), client.as_ref(), diags)
            .await;
        let private = private.unwrap_or_default();
        let now = plan::clock(client.as_ref(), &prior, &config).await;
        let change = plan::update(prior, proposed, &config, private.clone(), now)?;
        diags.warnings(rotation::reason(&change));
        diags.warnings(undeclared_entries::warnings(client.as_ref(), &change).await);
        let expiry = reported(plan::check_expiry(&change), diags);
        diags.warnings(expiry.flatten());
        let run = self.connections.run();
        reported(self.names.claim(run, &change.planned, Plan::Update), diags);
        reported(lockout::check_change(&self.connections, &change), diags);
        if let Some(client) = &client {
            let method = reported(rotation::check_method(client, &change).await, diags);
            diags.warnings(method.flatten());
            let is_managed = self.is_managed(&change.planned.cluster);
            let findings = match change.requires_replacement().is_empty() {
                true => availability::of_change(client, &change, is_managed).await,
                // The command lines show no warnings of the creation that is planned next.
                false => availability::of_new(client, &change.planned, is_managed).await,
            };
            self.report_lookup(&change.planned.cluster, findings, diags);
        }
        let replaced = change.requires_replacement();
        let private = private.planned(change.rotation).stored();
        Some((change.planned.0, private, replaced))
    }

    async fn plan_destroy<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        private: Option<PrivateState>,
        _meta: (),
    ) -> Option<Option<PrivateState>> {
        if let Some(slots) = Slots::of(&prior).filter(|_| prior.is_revoked_on_destroy()) {
            let revocation = lockout::revocation(&prior, &slots);
            let checked = self
                .connections
                .check_revocation(&prior.cluster, &revocation);
            reported(checked, diags);
        }
        Some(private)
    }

    async fn create<'a>(
        &self,
        diags: &mut Diagnostics,
        planned: State,
        _config: State,
        _private: Option<PrivateState>,
        _meta: (),
    ) -> Option<(State, Option<PrivateState>)> {
        let slots = Slots::of(&planned)?;
        let writer = self.writer(&planned, &slots, Write::Change, diags).await?;
        let client = writer.client();
        let created = create(client, &slots, Planned(planned)).await;
        let created = created.with_warning(clocks_differ(client, &slots.base));
        Some((created.report(diags)?, None))
    }

    async fn update<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        planned: State,
        _config: State,
        private: Option<PrivateState>,
        _meta: (),
    ) -> Option<(State, Option<PrivateState>)> {
        let slots = Slots::of(&prior)?;
        let writer = self.writer(&planned, &slots, Write::Change, diags).await?;
        let client = writer.client();
        let private = private.unwrap_or_default();
        let change = Change {
            prior: prior.clone(),
            planned: Planned(planned),
            slots,
            now: client.server_now().into(),
            rotation: private.rotation,
            unsettled: private.unsettled,
            released: private.released.clone(),
        };
        let released = change.released();
        // A rotation that recreates the token has revoked it itself.
        let recreates =
            change.rotation.is_some() && change.planned.allow_recreate == Value::Value(true);
        let changed = match change.rotation {
            Some(_) => {
                let rotated = rotate(client, change.clone()).await;
                rotated.with_warning(clocks_differ(client, &change.slots.live))
            }
            None => update(client, &change).await,
        };
        let changed = match recreates {
            true => changed,
            false => stale::explained(client, &change, changed).await,
        };
        let private = changed.private_state(&prior, private, released).stored();
        Some((changed.report(diags)?, private))
    }

    async fn destroy<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        private: Option<PrivateState>,
        _meta: (),
    ) -> Option<()> {
        if !prior.is_revoked_on_destroy() {
            diags.warnings([left_in_place(&prior)]);
            return Some(());
        }
        let slots = Slots::of(&prior)?;
        if let Err(SettingError::Invalid(problem)) = self.connections.client(&prior.cluster) {
            diags.problem(without_cluster(prior.display_id(), problem));
            return None;
        }
        let revocation = Write::Revoke(lockout::revocation(&prior, &slots));
        let writer = self.writer(&prior, &slots, revocation, diags).await?;
        let unsettled = private.unwrap_or_default().unsettled;
        if let Err(problems) = revoke(writer.client(), &prior, &slots, unsettled).await {
            diags.problems(problems);
            return None;
        }
        writer.revoked(&slots.base);
        Some(())
    }

    async fn import<'a>(
        &self,
        diags: &mut Diagnostics,
        id: String,
    ) -> Option<(State, Option<PrivateState>)> {
        let state = reported(import::state_of(&id), diags)?;
        // Whether the import is a command of its own or part of a plan is not known here.
        if let Some(code) = self.connections.one_time_code(&state.cluster) {
            diags.problem(code_would_be_spent("the token to import", &code));
            return None;
        }
        let (client, slots) = (self.client(&state, diags)?, Slots::of(&state)?);
        let imported = reported(import::import(&client, state, &slots).await, diags)?;
        diags.warnings(imported.warnings);
        Some((imported.state, None))
    }
}

/// The warning about clocks that are apart when a secret is issued.
fn clocks_differ(client: &CachedClient, token: &TokenId) -> Option<Problem> {
    let difference = client.clock_difference()?;
    Some(messages::clocks_differ(token, &difference))
}

/// The warning about a server that a plan could not ask.
fn not_looked_up(error: &Error) -> Problem {
    let explanation = explain_error(error, Words::Attributes);
    Problem::new(
        "Plan not checked against Proxmox VE",
        format!(
            "{} Owners, names and roles of tokens are checked during apply. {}",
            explanation.message, explanation.remedy
        ),
        AttributePath::root(),
    )
}

/// The way out for a token whose cluster was removed from the provider block before it.
fn without_cluster(token: &str, problem: Problem) -> Problem {
    if problem.summary != NO_SUCH_CLUSTER {
        return problem;
    }
    let detail = format!(
        "{token} belongs to a cluster that the provider block no longer has: {} Keep the key in \
         `clusters` until its tokens are destroyed. To leave the token on the server, take it out \
         of the state with a `removed` block or `terraform state rm`.",
        problem.detail
    );
    Problem::new(NO_SUCH_CLUSTER, detail, AttributePath::new("cluster"))
}

/// The warning about a token that outlives its resource.
fn left_in_place(state: &State) -> Problem {
    Problem::new(
        "API token left in place",
        format!(
            "{} was removed from the state but not revoked, since `revoke_on_destroy` is false. \
             Its secret keeps working.",
            state.display_id()
        ),
        AttributePath::new("revoke_on_destroy"),
    )
}
