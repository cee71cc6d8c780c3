//! What Terraform does with a provider, in so far as it decides about tokens: refresh, plan, plan
//! again and apply, with the state and the private state kept in between. The rules that Terraform
//! enforces on a provider are asserted.

use std::collections::BTreeSet;

use rmpv::Value;
use serde_json::{Value as Json, json};
use terraform_provider_proxmox::plugin::Service;
use terraform_provider_proxmox::plugin::proto::provider_server::Provider;
use terraform_provider_proxmox::plugin::proto::*;
use terraform_provider_proxmox::provider::catalog;
use tonic::Request;

use crate::value::{Attributes, decode, encode, is_unknown, same};

const TYPE: &str = "proxmox_api_token";

/// A resource in the state.
#[derive(Clone, Debug)]
pub struct Stored {
    pub attributes: Attributes,
    pub private: Vec<u8>,
    pub tainted: bool,
}

/// A planned change.
pub struct Plan {
    prior: Option<Stored>,
    planned: Option<Attributes>,
    private: Vec<u8>,
    /// Whether the prior object is destroyed first.
    replaces: bool,
}

impl Plan {
    /// Whether anything changes.
    pub fn changes(&self) -> bool {
        let prior = self.prior.as_ref().map(|prior| &prior.attributes);
        self.replaces || prior != self.planned.as_ref()
    }
}

/// One process of the provider.
pub struct Process {
    service: Service,
    /// The attributes that the provider may set.
    computed: BTreeSet<String>,
    all: BTreeSet<String>,
}

/// A failure, or a rule of Terraform that was broken.
#[derive(Debug)]
pub enum Failure {
    /// The provider reported an error.
    Reported,
    /// The provider broke a rule.
    Broken(String),
}

/// The diagnostics of a run.
#[derive(Clone, Debug, Default)]
pub struct Said(pub Vec<String>);

impl Said {
    /// Keeps diagnostics, and fails if one of them is an error.
    fn note(&mut self, diagnostics: &[Diagnostic]) -> Result<(), Failure> {
        for one in diagnostics {
            self.0.push(format!("{}: {}", one.summary, one.detail));
        }
        let error = diagnostic::Severity::Error as i32;
        match diagnostics.iter().any(|one| one.severity == error) {
            true => Err(Failure::Reported),
            false => Ok(()),
        }
    }
}

impl Process {
    /// Starts the provider with this provider block.
    pub async fn start(block: &Json, said: &mut Said) -> Result<Self, Failure> {
        let service = Service::new(catalog());
        let request = get_provider_schema::Request::default();
        let schemas = service.get_provider_schema(Request::new(request)).await;
        let schemas = answer(schemas)?;
        let block_of = &schemas.resource_schemas[TYPE].block;
        let attributes = block_of.as_ref().map(|block| block.attributes.as_slice());
        let attributes = attributes.unwrap_or_default();
        let names = |such: fn(&&schema::Attribute) -> bool| {
            let attributes = attributes.iter().filter(such);
            attributes.map(|one| one.name.clone()).collect()
        };
        let (computed, all) = (names(|one| one.computed), names(|_| true));
        let process = Self {
            service,
            computed,
            all,
        };
        process.configure(block, said).await?;
        Ok(process)
    }

    /// Configures the provider, as each run does.
    pub async fn configure(&self, block: &Json, said: &mut Said) -> Result<(), Failure> {
        let request = configure_provider::Request {
            config: Some(DynamicValue {
                json: block.to_string().into_bytes(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let call = self.service.configure_provider(Request::new(request));
        said.note(&answer(call.await)?.diagnostics)
    }

    /// Reads a resource. `None` if it is gone.
    pub async fn refresh(
        &self,
        stored: Stored,
        said: &mut Said,
    ) -> Result<Option<Stored>, Failure> {
        let request = read_resource::Request {
            type_name: TYPE.to_owned(),
            current_state: encode(Some(&stored.attributes)),
            private: stored.private.clone(),
            ..Default::default()
        };
        let read = answer(self.service.read_resource(Request::new(request)).await)?;
        said.note(&read.diagnostics)?;
        Ok(decode(read.new_state).map(|attributes| Stored {
            attributes,
            private: read.private,
            tainted: stored.tainted,
        }))
    }

    /// Plans a resource towards a configuration; its removal for `None`.
    pub async fn plan(
        &self,
        prior: Option<Stored>,
        config: Option<&Json>,
        said: &mut Said,
    ) -> Result<Plan, Failure> {
        let Some(config) = config else {
            let plan = self.plan_change(prior.as_ref(), None, said).await?;
            return Ok(Plan {
                prior,
                planned: None,
                private: plan.1,
                replaces: false,
            });
        };
        let config = self.config(config);
        self.validate(&config, said).await?;
        let tainted = prior.as_ref().is_some_and(|prior| prior.tainted);
        let (planned, private, replaces) = match (&prior, tainted) {
            (Some(_), true) => (None, Vec::new(), true),
            _ => {
                let before = prior.as_ref();
                let (planned, private, replaced) =
                    self.plan_change(before, Some(&config), said).await?;
                (planned, private, before.is_some() && replaced)
            }
        };
        let (planned, private) = match replaces {
            true => {
                let (planned, private, _) = self.plan_change(None, Some(&config), said).await?;
                (planned, private)
            }
            false => (planned, private),
        };
        Ok(Plan {
            prior,
            planned,
            private,
            replaces,
        })
    }

    async fn validate(&self, config: &Attributes, said: &mut Said) -> Result<(), Failure> {
        let request = validate_resource_config::Request {
            type_name: TYPE.to_owned(),
            config: encode(Some(config)),
            ..Default::default()
        };
        let call = self.service.validate_resource_config(Request::new(request));
        said.note(&answer(call.await)?.diagnostics)
    }

    /// One call of the plan: what is planned, its private state, and whether that replaces the object.
    async fn plan_change(
        &self,
        prior: Option<&Stored>,
        config: Option<&Attributes>,
        said: &mut Said,
    ) -> Result<(Option<Attributes>, Vec<u8>, bool), Failure> {
        let before = prior.map(|prior| &prior.attributes);
        let proposed = config.map(|config| self.proposed(before, config));
        let request = plan_resource_change::Request {
            type_name: TYPE.to_owned(),
            prior_state: encode(before),
            proposed_new_state: encode(proposed.as_ref()),
            config: encode(config),
            prior_private: prior.map(|prior| prior.private.clone()).unwrap_or_default(),
            ..Default::default()
        };
        let call = self.service.plan_resource_change(Request::new(request));
        let planned = answer(call.await)?;
        said.note(&planned.diagnostics)?;
        let replaced = !planned.requires_replace.is_empty();
        let (state, private) = (decode(planned.planned_state), planned.planned_private);
        if let (Some(state), Some(config)) = (&state, config) {
            for (name, wanted) in config.iter().filter(|(_, value)| !value.is_nil()) {
                let kept = before.is_some_and(|before| same(&before[name], &state[name]));
                if !same(wanted, &state[name]) && !kept {
                    return Err(broken("planned", name, wanted, &state[name]));
                }
            }
        }
        Ok((state, private, replaced))
    }

    /// Applies a plan, which is planned once more before. Returns what is in the state afterwards.
    pub async fn apply(
        &self,
        plan: Plan,
        config: Option<&Json>,
        said: &mut Said,
    ) -> (Option<Stored>, Result<(), Failure>) {
        let mut prior = plan.prior.clone();
        if plan.replaces {
            let (left, outcome) = self.change(prior, None, None, Vec::new(), said).await;
            if outcome.is_err() || left.is_some() {
                return (left, outcome);
            }
            prior = None;
        }
        let Some(config) = config else {
            return self.change(prior, None, None, plan.private, said).await;
        };
        let config = self.config(config);
        let again = self.plan_change(prior.as_ref(), Some(&config), said).await;
        let (planned, private) = match again {
            Ok((planned, private, _)) => (planned, private),
            Err(failure) => return (prior, Err(failure)),
        };
        if let (Some(first), Some(second)) = (&plan.planned, &planned) {
            for (name, value) in first.iter().filter(|(_, value)| !is_unknown(value)) {
                if !same(value, &second[name]) {
                    let failure =
                        broken("planned differently in apply", name, value, &second[name]);
                    return (prior, Err(failure));
                }
            }
        }
        self.change(prior, planned, Some(config), private, said)
            .await
    }

    async fn change(
        &self,
        prior: Option<Stored>,
        planned: Option<Attributes>,
        config: Option<Attributes>,
        planned_private: Vec<u8>,
        said: &mut Said,
    ) -> (Option<Stored>, Result<(), Failure>) {
        let before = prior.as_ref().map(|prior| &prior.attributes);
        if planned.is_some() && before == planned.as_ref() {
            // Nothing to apply. The private state of the plan is not stored.
            return (prior, Ok(()));
        }
        let request = apply_resource_change::Request {
            type_name: TYPE.to_owned(),
            prior_state: encode(before),
            planned_state: encode(planned.as_ref()),
            config: encode(config.as_ref()),
            planned_private,
            ..Default::default()
        };
        let call = self.service.apply_resource_change(Request::new(request));
        let applied = match answer(call.await) {
            Ok(applied) => applied,
            Err(failure) => return (prior, Err(failure)),
        };
        let outcome = said.note(&applied.diagnostics);
        let is_new = prior.is_none();
        let stored = decode(applied.new_state).map(|attributes| Stored {
            attributes,
            private: applied.private,
            tainted: is_new && outcome.is_err(),
        });
        let outcome = outcome.and_then(|()| consistent(planned.as_ref(), stored.as_ref()));
        (stored, outcome)
    }

    /// A configuration with null for everything that it does not set.
    fn config(&self, config: &Json) -> Attributes {
        let value = |name: &String| config.get(name).map(value_of).unwrap_or(Value::Nil);
        self.all
            .iter()
            .map(|name| (name.clone(), value(name)))
            .collect()
    }

    /// What Terraform proposes: the configuration, and the prior value of what the provider set.
    fn proposed(&self, prior: Option<&Attributes>, config: &Attributes) -> Attributes {
        let value = |name: &String, wanted: &Value| match (wanted.is_nil(), prior) {
            (true, Some(prior)) if self.computed.contains(name) => prior[name].clone(),
            _ => wanted.clone(),
        };
        let config = config.iter();
        config
            .map(|(name, wanted)| (name.clone(), value(name, wanted)))
            .collect()
    }
}

/// An ephemeral token, opened and closed.
pub async fn ephemeral(process: &Process, config: &Json, said: &mut Said) -> Result<(), Failure> {
    let request = open_ephemeral_resource::Request {
        type_name: TYPE.to_owned(),
        config: Some(DynamicValue {
            json: config.to_string().into_bytes(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let call = process
        .service
        .open_ephemeral_resource(Request::new(request));
    let opened = answer(call.await)?;
    said.note(&opened.diagnostics)?;
    let request = close_ephemeral_resource::Request {
        type_name: TYPE.to_owned(),
        private: opened.private,
    };
    let call = process
        .service
        .close_ephemeral_resource(Request::new(request));
    said.note(&answer(call.await)?.diagnostics)
}

/// Terraform's rule for the result of an apply: known planned values stay, and nothing is unknown.
fn consistent(planned: Option<&Attributes>, stored: Option<&Stored>) -> Result<(), Failure> {
    let (Some(planned), Some(stored)) = (planned, stored) else {
        return match (planned, stored) {
            (None, None) => Ok(()),
            _ => Err(Failure::Broken(
                "an object in place of none, or none".to_owned(),
            )),
        };
    };
    for (name, value) in planned {
        let new = &stored.attributes[name];
        if is_unknown(new) || (!is_unknown(value) && !same(value, new)) {
            return Err(broken("applied", name, value, new));
        }
    }
    Ok(())
}

fn broken(when: &str, name: &str, wanted: &Value, found: &Value) -> Failure {
    let shown = |value: &Value| match name {
        "secret" | "api_token" => "...".to_owned(),
        _ => value.to_string(),
    };
    Failure::Broken(format!(
        "{when}: `{name}` is {} instead of {}",
        shown(found),
        shown(wanted)
    ))
}

fn answer<T>(response: Result<tonic::Response<T>, tonic::Status>) -> Result<T, Failure> {
    match response {
        Ok(response) => Ok(response.into_inner()),
        Err(status) => Err(Failure::Broken(format!("a call failed: {status}"))),
    }
}

fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => Value::from(number.as_i64().unwrap_or_default()),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::Array(items.iter().map(value_of).collect()),
        Json::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| (Value::from(name.as_str()), value_of(value)));
            Value::Map(fields.collect())
        }
    }
}

/// The provider block for an endpoint.
pub fn block(endpoint: &str, fingerprint: &str, api_token: &str) -> Json {
    json!({
        "endpoint": endpoint,
        "certificate_fingerprints": [fingerprint],
        "api_token": api_token,
        "request_timeout": "2s",
    })
}
