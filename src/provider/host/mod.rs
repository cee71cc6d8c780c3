//! The resource `proxmox_host`: a host registered with a credential that has been proven.
//!
//! Nothing is made on the server. Create and update are the connection check and fail with its
//! diagnosis; read repeats it and never drops a host that cannot be reached.

mod state;

use async_trait::async_trait;
use tf_provider::{AttributePath, Diagnostics, Resource, schema::Schema, value::Value};

use self::state::State;
use super::{
    config::parse_endpoint,
    connection::{Connection, call},
    credentials::Unresolved,
    explain::{not_known_yet, not_refreshed, unproven},
    facts::{Facts, required_privileges},
    given::{Given, Source},
};
use crate::{
    framework::Report,
    pve::{
        Client, Credentials, Endpoint,
        diagnosis::{self, Requirements},
    },
};

const NOT_REFRESHED: &str = "Host not refreshed";

/// A registered host.
pub struct HostResource {
    connection: Connection,
}

impl HostResource {
    /// A resource whose hosts fall back on the provider's own connection.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The client with which automation will work, and what it must be allowed to do.
    fn target(
        &self,
        state: &State,
        diags: &mut Diagnostics,
    ) -> Result<(Client, Requirements), Unresolved> {
        let requirements = required_privileges(&state.required_privileges)?;
        if state.has_nothing_of_its_own() {
            return Ok((self.connection.client(diags)?, requirements));
        }
        let endpoint = self.endpoint(state, diags)?;
        let defaults = self.connection.defaults();
        let credentials = match state.credentials().resolve(diags)? {
            Credentials::None => defaults.credentials(diags)?,
            own => own,
        };
        // The provider's TLS settings are about the provider's address; elsewhere they mean nothing.
        let same_address = defaults.endpoint(&mut Diagnostics::default()).as_ref() == Ok(&endpoint);
        let tls = if same_address {
            state.tls().or(&defaults.tls)
        } else {
            state.tls()
        };
        let tls = tls.resolve(diags)?;
        let client = self
            .connection
            .other_client(endpoint, credentials, tls, diags)?;
        Ok((client, requirements))
    }

    fn endpoint(&self, state: &State, diags: &mut Diagnostics) -> Result<Endpoint, Unresolved> {
        let endpoint = match Given::attribute("hostname", state.hostname.clone()) {
            Given::Known(hostname, source) => parse_endpoint(&hostname, source, diags)?,
            Given::Unknown(source) => return Err(Unresolved::Unknown(source)),
            Given::Absent => self.connection.defaults().endpoint(diags)?,
        };
        match state.port {
            Value::Null => Ok(endpoint),
            Value::Unknown => Err(Unresolved::Unknown(Source::Attribute("port"))),
            Value::Value(port) => match u16::try_from(port) {
                Ok(port) if port != 0 => Ok(endpoint.with_port(port)),
                _ => Err(bad_port(diags)),
            },
        }
    }

    /// Proves a registration; `None` with a diagnosis when it does not hold.
    async fn prove(&self, planned: State, diags: &mut Diagnostics) -> Option<State> {
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
            Err(Unresolved::Unknown(source)) => {
                not_known_yet(source, diags);
                return None;
            }
            Err(Unresolved::Invalid) => return None,
        };
        let report = diagnosis::check(&client, &requirements, &call()).await;
        if !report.status.is_ok() {
            unproven(&planned_name(&planned), &report, diags);
            return None;
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
        Some(state::schema())
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        validate(&config, diags);
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
            && let Some(code) = self.connection.one_time_code()
        {
            not_refreshed(NOT_REFRESHED, &planned_name(&state), code, diags);
            return Some((state, ()));
        }
        let mut problems = Diagnostics::default();
        let doubt = match self.target(&state, &mut problems) {
            Ok((client, requirements)) => {
                let report = diagnosis::check(&client, &requirements, &call()).await;
                if report.status.is_ok() {
                    let facts = Facts::of(&client, &report);
                    return Some((State { facts, ..state }, ()));
                }
                format!("{} {}", report.message, report.remedy.unwrap_or_default())
            }
            Err(Unresolved::Unknown(source)) => {
                format!("{source} is known only after apply, so the host was not looked at.")
            }
            Err(Unresolved::Invalid) => {
                let first = problems.errors.into_iter().next();
                first
                    .map(|error| error.detail.into_owned())
                    .unwrap_or_default()
            }
        };
        diags.warn(
            NOT_REFRESHED,
            format!(
                "{}: {doubt} What is known of it was kept.",
                planned_name(&state)
            ),
            AttributePath::root(),
        );
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
        Some((State { facts, ..planned }, (), Vec::new()))
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
        Some((self.prove(planned, diags).await?, ()))
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
        if planned.same_check(&prior) {
            return Some((planned, ()));
        }
        Some((self.prove(planned, diags).await?, ()))
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

/// Reports everything that is wrong with a configuration, without any connection.
fn validate(config: &State, diags: &mut Diagnostics) {
    if let Value::Value(hostname) = &config.hostname {
        let _ = parse_endpoint(hostname, Source::Attribute("hostname"), diags);
    }
    if let Value::Value(port) = config.port
        && !(1..=65535).contains(&port)
    {
        bad_port(diags);
    }
    let _ = config.credentials().resolve(diags);
    let _ = config.tls().resolve(diags);
}

fn bad_port(diags: &mut Diagnostics) -> Unresolved {
    diags.fail(
        "Malformed address",
        "`port` must be between 1 and 65535.",
        AttributePath::new("port"),
    );
    Unresolved::Invalid
}

fn planned_name(state: &State) -> String {
    let name = state.name.as_ref_option().map(String::as_str);
    format!("host {:?}", name.unwrap_or_default())
}
