//! The resource `proxmox_host`: a host registered with a credential that passed the connection check.
//!
//! Nothing is created on the server. Create and update run the connection check and fail with its
//! diagnosis. Read runs it again and keeps a host that cannot be reached.

use async_trait::async_trait;
use tf_provider::schema::Schema;
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics, Resource};

use crate::framework::{Problem, Report};
use crate::provider::attributes::timeouts;
use crate::provider::clients::{Connections, call_within};
use crate::provider::diagnostics::{
    Words, check_failed, code_kept, explain_check, explain_error, reported,
};
use crate::provider::host::connect::{lookup_client, target, without_credentials};
use crate::provider::host::facts::Facts;
use crate::provider::host::model;
use crate::provider::host::model::State;
use crate::provider::host::validate::problems;
pub use crate::provider::host::write_only::NAMES as WRITE_ONLY;
use crate::provider::settings::setting::SettingError;
use crate::provider::settings::warnings;
use crate::pve::diagnosis::Requirements;
use crate::pve::{CachedClient, Context, diagnosis};

const NOT_REFRESHED: &str = "Host not refreshed";

/// A registered host.
pub struct HostResource {
    connections: Connections,
}

impl HostResource {
    /// Creates the resource. Its hosts default to the provider's own connection.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }

    /// The connection check. The provider's own credential may show why that of the host fails.
    async fn check(
        &self,
        state: &State,
        client: &CachedClient,
        requirements: &Requirements,
        context: &Context,
    ) -> diagnosis::Report {
        let lookup_client = lookup_client(&self.connections, state, client);
        diagnosis::check(client, lookup_client.as_ref(), requirements, context).await
    }

    /// Refuses settings with which the check of an apply cannot begin. Sends no request.
    fn check_settings(&self, planned: &State, config: &State) -> Result<(), Problem> {
        if !planned.is_enabled() {
            return Ok(());
        }
        let planned = planned.clone().with_secrets_of(config);
        match target(&self.connections, &planned) {
            Err(SettingError::Invalid(problem)) => Err(problem),
            Ok(_) | Err(SettingError::Unknown(_)) => Ok(()),
        }
    }

    /// The facts of a host from its connection check, or why there are none.
    async fn facts(
        &self,
        state: &State,
        context: &Context,
    ) -> Result<(Facts, Value<String>), String> {
        let (client, requirements) =
            target(&self.connections, state).map_err(|error| match error {
                SettingError::Unknown(source) => format!("{source} is known only after apply."),
                SettingError::Invalid(problem) => problem.detail.into_owned(),
            })?;
        let report = self.check(state, &client, &requirements, context).await;
        match report.status().is_ok() {
            true => Ok((Facts::of(&client, &report), report.identity.into())),
            false => Err(explain_check(&report, Words::Attributes).text()),
        }
    }

    /// Why a host cannot be reached, checked without a credential.
    async fn unreachable(&self, state: &State, context: &Context) -> Option<String> {
        let client = without_credentials(&self.connections, state).ok()?;
        let error = client.domains(context).await.err()?;
        Some(explain_error(&error, Words::Attributes).text())
    }

    /// Registers a host after its connection check.
    async fn register(
        &self,
        planned: State,
        context: &Context,
        diags: &mut Diagnostics,
    ) -> Result<State, Problem> {
        let id = planned.name.clone();
        let planned = State { id, ..planned };
        if !planned.is_enabled() {
            return Ok(planned.with_facts((Facts::default(), Value::Null)));
        }
        let (client, requirements) = target(&self.connections, &planned)?;
        let report = self.check(&planned, &client, &requirements, context).await;
        if !report.status().is_ok() {
            return Err(check_failed(&display_name(&planned), &report));
        }
        if report.no_privileges {
            no_privileges(&planned, &report, diags);
        }
        if planned.credentials().source().is_none() {
            no_own_credential(&planned, &report, diags);
        }
        let facts = Facts::of(&client, &report);
        Ok(planned.with_facts((facts, report.identity.into())))
    }
}

#[async_trait]
impl Resource for HostResource {
    type State<'a> = State;
    type PrivateState<'a> = ();
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        Some(model::schema())
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        diags.problems(problems(&config));
        let tls = config.tls();
        diags.warnings(warnings::of_tls([&tls].into_iter()));
        Some(())
    }

    async fn read<'a>(
        &self,
        diags: &mut Diagnostics,
        state: State,
        _private: (),
        _meta: (),
    ) -> Option<(State, ())> {
        if !state.is_enabled() {
            return Some((state, ()));
        }
        let context = call_within(timeouts::limit(&state.timeouts, "read"));
        if state.cannot_log_in_again() {
            if let Some(reason) = self.unreachable(&state, &context).await {
                not_refreshed(&state, &reason, diags);
            }
            return Some((state, ()));
        }
        if state.credentials().source().is_none()
            && let Some(code) = self.connections.one_time_code(&state.cluster)
        {
            code_kept(NOT_REFRESHED, &display_name(&state), &code, diags);
            return Some((state, ()));
        }
        match self.facts(&state, &context).await {
            Ok(facts) => Some((state.with_facts(facts), ())),
            Err(reason) => {
                not_refreshed(&state, &reason, diags);
                Some((state, ()))
            }
        }
    }

    async fn plan_create<'a>(
        &self,
        diags: &mut Diagnostics,
        proposed: State,
        config: State,
        _meta: (),
    ) -> Option<(State, ())> {
        diags.problems(problems(&config));
        let planned = planned(proposed, &config);
        reported(self.check_settings(&planned, &config), diags);
        let facts = planned_facts(&planned);
        Some((planned.with_facts(facts), ()))
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
        diags.problems(problems(&config));
        let planned = planned(proposed, &config);
        let is_unchanged = planned.same_check(&prior);
        if !is_unchanged {
            reported(self.check_settings(&planned, &config), diags);
        }
        let facts = match is_unchanged {
            true => (prior.facts, prior.identity),
            false => planned_facts(&planned),
        };
        let changes = [
            ("cluster", planned.cluster != prior.cluster),
            // The identity of a host, which never changes.
            ("name", planned.name != prior.name),
        ];
        let replaced = changes.into_iter().filter(|(_, changes)| *changes);
        let replaced = replaced.map(|(name, _)| AttributePath::new(name)).collect();
        Some((planned.with_facts(facts), (), replaced))
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
        config: State,
        _private: (),
        _meta: (),
    ) -> Option<(State, ())> {
        let planned = planned.with_secrets_of(&config);
        let context = call_within(timeouts::limit(&planned.timeouts, "create"));
        let registered = self.register(planned, &context, diags).await;
        Some((reported(registered, diags)?, ()))
    }

    async fn update<'a>(
        &self,
        diags: &mut Diagnostics,
        prior: State,
        planned: State,
        config: State,
        _private: (),
        _meta: (),
    ) -> Option<(State, ())> {
        if planned.same_check(&prior) {
            return Some((planned, ()));
        }
        let planned = planned.with_secrets_of(&config);
        let context = call_within(timeouts::limit(&planned.timeouts, "update"));
        let registered = self.register(planned, &context, diags).await;
        Some((reported(registered, diags)?, ()))
    }

    /// Fails: there is nothing on the server to import.
    async fn import<'a>(&self, diags: &mut Diagnostics, _id: String) -> Option<(State, ())> {
        diags.problem(not_importable());
        None
    }

    /// Removes the registration from the state. There is nothing on the server to remove.
    async fn destroy<'a>(
        &self,
        _diags: &mut Diagnostics,
        _prior: State,
        _private: (),
        _meta: (),
    ) -> Option<()> {
        Some(())
    }
}

/// A host exists in the state only.
pub(super) fn not_importable() -> Problem {
    Problem::new(
        "Import not supported",
        "`proxmox_host` does not create anything on the server, so there is nothing to import. \
         Apply the configuration to check the connection and register the host.",
        AttributePath::root(),
    )
}

fn no_privileges(state: &State, report: &diagnosis::Report, diags: &mut Diagnostics) {
    diags.warn(
        "API token has no privileges",
        format!(
            "{}: {} Grant it a role with `acl` of its `proxmox_api_token`, or set \
             `privilege_separation = false` there, and grant its owner the same privileges. To \
             make this an error, set `required_privileges`.",
            display_name(state),
            explain_check(report, Words::Attributes).message
        ),
        AttributePath::root(),
    );
}

/// The warning of a host without a credential of its own: one that was meant may have been null, as
/// the secret of an imported token is.
fn no_own_credential(state: &State, report: &diagnosis::Report, diags: &mut Diagnostics) {
    let Some(identity) = &report.identity else {
        return;
    };
    diags.warn(
        "Host without its own credential",
        format!(
            "{}: no credential is set for the host, so the connection check verified the \
             provider's, {identity}. If that is intended, nothing is wrong. If `api_token` refers \
             to an imported `proxmox_api_token`, it is null: Proxmox VE shows a secret only once. \
             Rotate that token to get a new one.",
            display_name(state)
        ),
        AttributePath::root(),
    );
}

/// The facts as far as a plan knows them.
fn planned_facts(planned: &State) -> (Facts, Value<String>) {
    match planned.is_enabled() {
        true => (Facts::unknown(), Value::Unknown),
        false => (Facts::default(), Value::Null),
    }
}

fn not_refreshed(state: &State, reason: &str, diags: &mut Diagnostics) {
    diags.warn(
        NOT_REFRESHED,
        format!(
            "{}: {reason} Its last known state was kept.",
            display_name(state)
        ),
        AttributePath::root(),
    );
}

/// The parts of a plan that need no connection.
fn planned(proposed: State, config: &State) -> State {
    State {
        id: proposed.name.clone(),
        enabled: match config.enabled {
            Value::Null => Value::Value(true),
            enabled => enabled,
        },
        ..proposed
    }
}

fn display_name(state: &State) -> String {
    let name = state.name.as_ref_option().map(String::as_str);
    format!("host {:?}", name.unwrap_or_default())
}
