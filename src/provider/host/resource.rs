//! The resource `proxmox_host`: a host registered with a credential that has been proven.
//!
//! Nothing is made on the server. Create and update are the connection check and fail with its
//! diagnosis; read repeats it and never drops a host that cannot be reached.

use async_trait::async_trait;
use tf_provider::schema::Schema;
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics, Resource};

use crate::framework::Report;
use crate::provider::attributes::timeouts;
use crate::provider::clients::{Connections, call_within, client};
use crate::provider::diagnostics::{code_kept, not_known_yet, unproven};
use crate::provider::host::facts::{Facts, required_privileges, validate_required_privileges};
use crate::provider::host::model::State;
pub use crate::provider::host::model::WRITE_ONLY;
use crate::provider::settings::address::{Nodes, parse_endpoint};
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::credentials::SettingError;
use crate::provider::settings::setting::{Setting, Source};
use crate::provider::settings::warnings::warn_of_tls;
use crate::pve::diagnosis::{Requirements, Verdict};
use crate::pve::{Client, Context, Credentials, diagnosis};

const NOT_REFRESHED: &str = "Host not refreshed";

/// A registered host.
pub struct HostResource {
    connections: Connections,
}

impl HostResource {
    /// A resource whose hosts fall back on the provider's own connection.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }

    /// The client with which automation will work, and what it must be allowed to do.
    fn target(
        &self,
        state: &State,
        diags: &mut Diagnostics,
    ) -> Result<(Client, Requirements), SettingError> {
        let requirements = required_privileges(&state.required_privileges)?;
        if state.has_nothing_of_its_own() {
            let client = self.connections.client(&state.cluster, diags)?;
            return Ok((client, requirements));
        }
        let defaults = self.connections.defaults(&state.cluster, diags)?;
        let credentials = match state.credentials().resolve(diags)? {
            Credentials::None => defaults.credentials(diags)?,
            own => own,
        };
        Ok((self.client(state, credentials, diags)?, requirements))
    }

    /// A client for the host's own address and TLS settings, the provider's where it has none.
    fn client(
        &self,
        state: &State,
        credentials: Credentials,
        diags: &mut Diagnostics,
    ) -> Result<Client, SettingError> {
        let defaults = self.connections.defaults(&state.cluster, diags)?;
        let nodes = nodes(state, &defaults, diags)?;
        // The provider's TLS settings are about the provider's address; elsewhere they mean nothing.
        let tls = if defaults.are_about(&nodes.first) {
            state.tls().or(&defaults.tls)
        } else {
            state.tls()
        };
        let tls = tls.resolve(diags)?;
        client(&defaults, nodes, credentials, tls, diags)
    }

    /// The connection check. The provider's own credential may tell why that of the host fails.
    async fn check(
        &self,
        state: &State,
        client: &Client,
        requirements: &Requirements,
        context: &Context,
    ) -> diagnosis::Report {
        let witness = self.witness(state, client);
        diagnosis::check(client, witness.as_ref(), requirements, context).await
    }

    /// The provider's own connection, where it is another credential for the same server and needs
    /// no code for it that somebody else may want.
    fn witness(&self, state: &State, client: &Client) -> Option<Client> {
        let unheard = &mut Diagnostics::default();
        let defaults = self.connections.defaults(&state.cluster, unheard).ok()?;
        if !defaults.are_about(&client.settings().endpoint) {
            return None;
        }
        let own = self.connections.client(&state.cluster, unheard).ok()?;
        let same = own
            .settings()
            .credentials
            .is(&client.settings().credentials);
        let can_log_in = own.settings().credentials.user().is_some() && !own.would_spend_a_code();
        (can_log_in && !same).then_some(own)
    }

    /// Refreshes a registration whose secret is not kept: only whether the host is there.
    async fn look_from_outside(
        &self,
        state: State,
        context: &Context,
        diags: &mut Diagnostics,
    ) -> State {
        let mut problems = Diagnostics::default();
        let target = self.client(&state, Credentials::None, &mut problems);
        if let Ok(client) = target
            && let Err(error) = client.domains(context).await
        {
            let verdict = Verdict::from(&error);
            not_refreshed(
                &state,
                &format!("{} {}", verdict.message, verdict.remedy),
                diags,
            );
        }
        state
    }

    /// Proves a registration; `None` with a diagnosis when it does not hold.
    async fn prove(
        &self,
        planned: State,
        context: &Context,
        diags: &mut Diagnostics,
    ) -> Option<State> {
        let id = planned.name.clone();
        let planned = State { id, ..planned };
        if !planned.is_enabled() {
            return Some(State {
                facts: Facts::default(),
                ..planned
            });
        }
        let (client, requirements) = match self.target(&planned, diags) {
            Ok(target) => target,
            Err(SettingError::Unknown(source)) => {
                not_known_yet(&source, diags);
                return None;
            }
            Err(SettingError::Invalid) => return None,
        };
        let report = self.check(&planned, &client, &requirements, context).await;
        if report.status.is_failure() {
            unproven(&planned_name(&planned), &report, diags);
            return None;
        }
        if report.barred {
            may_do_nothing(&planned, &report, diags);
        }
        Some(State {
            facts: Facts::of(&client, &report),
            ..planned
        })
    }
}

#[async_trait]
impl Resource for HostResource {
    type State<'a> = State;
    type PrivateState<'a> = ();
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        Some(crate::provider::host::model::schema())
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        validate(&config, diags);
        warn_of_tls(&[&config.tls()], diags);
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
        if state.credentials().first_given().is_none()
            && let Some(code) = self.connections.one_time_code(&state.cluster)
        {
            code_kept(NOT_REFRESHED, &planned_name(&state), &code, diags);
            return Some((state, ()));
        }
        let mut problems = Diagnostics::default();
        let context = call_within(timeouts::limit(&state.timeouts, "read"));
        if state.cannot_be_proven_again() {
            return Some((self.look_from_outside(state, &context, diags).await, ()));
        }
        let doubt = match self.target(&state, &mut problems) {
            Ok((client, requirements)) => {
                let report = self.check(&state, &client, &requirements, &context).await;
                if !report.status.is_failure() {
                    let facts = Facts::of(&client, &report);
                    return Some((State { facts, ..state }, ()));
                }
                format!("{} {}", report.message, report.remedy.unwrap_or_default())
            }
            Err(SettingError::Unknown(source)) => {
                format!("{source} is known only after apply, so the host was not looked at.")
            }
            Err(SettingError::Invalid) => {
                let first = problems.errors.into_iter().next();
                first
                    .map(|error| error.detail.into_owned())
                    .unwrap_or_default()
            }
        };
        not_refreshed(&state, &doubt, diags);
        Some((state, ()))
    }

    async fn plan_create<'a>(
        &self,
        diags: &mut Diagnostics,
        proposed: State,
        config: State,
        _meta: (),
    ) -> Option<(State, ())> {
        validate(&config, diags);
        let planned = planned(proposed, &config);
        let facts = if planned.is_enabled() {
            Facts::unknown()
        } else {
            Facts::default()
        };
        Some((State { facts, ..planned }, ()))
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
        validate(&config, diags);
        let planned = planned(proposed, &config);
        let facts = if planned.same_check(&prior) {
            prior.facts
        } else if planned.is_enabled() {
            Facts::unknown()
        } else {
            Facts::default()
        };
        let moved = planned.cluster != prior.cluster;
        let replaced = moved.then(|| AttributePath::new("cluster"));
        Some((
            State { facts, ..planned },
            (),
            replaced.into_iter().collect(),
        ))
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
        Some((self.prove(planned, &context, diags).await?, ()))
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
        Some((self.prove(planned, &context, diags).await?, ()))
    }

    /// There is nothing on the server to find.
    async fn import<'a>(&self, diags: &mut Diagnostics, _id: String) -> Option<(State, ())> {
        diags.fail(
            "Nothing to import",
            "`proxmox_host` makes nothing on the server, so there is nothing to import: apply the \
             configuration, which proves the connection and registers the host.",
            AttributePath::root(),
        );
        None
    }

    /// There is nothing on the server to remove.
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

fn may_do_nothing(state: &State, report: &diagnosis::Report, diags: &mut Diagnostics) {
    diags.warn(
        "API token may do nothing",
        format!(
            "{}: {} Grant it something, in `acl` of its `proxmox_api_token` (or set \
             `privilege_separation = false` there), and see that its owner has the same rights; \
             `required_privileges` makes it an error.",
            planned_name(state),
            report.message
        ),
        AttributePath::root(),
    );
}

fn not_refreshed(state: &State, doubt: &str, diags: &mut Diagnostics) {
    diags.warn(
        NOT_REFRESHED,
        format!(
            "{}: {doubt} What is known of it was kept.",
            planned_name(state)
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
            given => given,
        },
        ..proposed
    }
}

/// The host's own address, or the nodes of the provider's.
fn nodes(
    state: &State,
    defaults: &ConnectionSettings,
    diags: &mut Diagnostics,
) -> Result<Nodes, SettingError> {
    let nodes = match Setting::attribute("hostname", state.hostname.clone()) {
        Setting::Known(hostname, source) => parse_endpoint(&hostname, &source, diags)?.into(),
        Setting::Unknown(source) => return Err(SettingError::Unknown(source)),
        Setting::Absent => defaults.nodes(diags)?,
    };
    match state.port {
        Value::Null => Ok(nodes),
        Value::Unknown => Err(SettingError::Unknown(Source::Attribute("port"))),
        Value::Value(port) => match u16::try_from(port) {
            Ok(port) if port != 0 => Ok(nodes.first.with_port(port).into()),
            _ => Err(bad_port(diags)),
        },
    }
}

/// Reports everything that is wrong with a configuration, without any connection.
fn validate(config: &State, diags: &mut Diagnostics) {
    if let Value::Value(hostname) = &config.hostname {
        let _ = parse_endpoint(hostname, &Source::Attribute("hostname"), diags);
    }
    if let Value::Value(port) = config.port
        && !(1..=65535).contains(&port)
    {
        bad_port(diags);
    }
    for (kept, unkept, both) in [
        (
            "api_token_secret",
            "api_token_secret_wo",
            !config.api_token_secret.is_null() && !config.api_token_secret_wo.is_null(),
        ),
        (
            "password",
            "password_wo",
            !config.password.is_null() && !config.password_wo.is_null(),
        ),
        (
            "totp_secret",
            "totp_secret_wo",
            !config.totp_secret.is_null() && !config.totp_secret_wo.is_null(),
        ),
    ] {
        if both {
            diags.fail(
                "More than one credential",
                format!("`{kept}` and `{unkept}` are both set. Keep one: `{unkept}` is not kept in the state."),
                AttributePath::new(unkept),
            );
        }
    }
    if !config.totp_secret_wo.is_null() && config.password_wo.is_null() {
        diags.fail(
            "Second factor without its password",
            "`totp_secret_wo` goes beside `password_wo`: with `password`, which is kept, use \
             `totp_secret`. A refresh that knows one of the two cannot log in.",
            AttributePath::new("totp_secret_wo"),
        );
    }
    validate_required_privileges(&config.required_privileges, diags);
    timeouts::problems(&config.timeouts).for_each(|problem| diags.problem(problem));
    let _ = config.credentials().resolve(diags);
    let _ = config.tls().resolve(diags);
}

fn bad_port(diags: &mut Diagnostics) -> SettingError {
    diags.fail(
        "Malformed address",
        "`port` must be between 1 and 65535.",
        AttributePath::new("port"),
    );
    SettingError::Invalid
}

fn planned_name(state: &State) -> String {
    let name = state.name.as_ref_option().map(String::as_str);
    format!("host {:?}", name.unwrap_or_default())
}
