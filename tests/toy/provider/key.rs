//! The ephemeral resource `toy_key`: a file that exists while it is open.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use terraform_provider_proxmox::framework::schema::{computed, required, schema};
use terraform_provider_proxmox::framework::{
    Deferred, EphemeralResource, Opened, Problem, Renewed, Report,
};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use super::Store;

pub struct Key(pub Store);

#[derive(Serialize, Deserialize)]
pub struct Model {
    name: Value<String>,
    value: Value<String>,
}

#[derive(Default, Serialize, Deserialize)]
pub struct Private {
    name: String,
    renewals: u32,
}

/// When each key has to be renewed, counted from the epoch.
pub const RENEW_AT: Duration = Duration::from_secs(4_000_000_000);

#[async_trait]
impl EphemeralResource for Key {
    type Model = Model;
    type Private = Option<Private>;

    fn schema(&self) -> Schema {
        schema(
            "A key.",
            [
                ("name", required(AttributeType::String, "Name.")),
                ("value", computed(AttributeType::String, "Value.")),
            ],
        )
    }

    fn validate(&self, config: Model) -> Result<(), Problem> {
        match config.name.as_ref_option().map(String::as_str) {
            Some("") => Err(Problem::new(
                "Invalid name",
                "`name` is empty.",
                AttributePath::new("name"),
            )),
            _ => Ok(()),
        }
    }

    fn deferred(&self, config: &Model) -> Option<Deferred> {
        let unknown = config.name.is_unknown();
        unknown.then_some(Deferred::ConfigUnknown)
    }

    async fn open(
        &self,
        config: Model,
        diags: &mut Diagnostics,
    ) -> Result<Opened<Model, Self::Private>, Problem> {
        let name = config.name.as_ref_option().cloned().unwrap_or_default();
        if self.0.read(&name).is_some() {
            let detail = format!("`{name}` exists.");
            return Err(Problem::new(
                "Key exists",
                detail,
                AttributePath::new("name"),
            ));
        }
        self.0.write(&name, "", true);
        diags.warn("Key written", "It is a file.", AttributePath::root());
        Ok(Opened {
            result: Model {
                value: Value::Value(format!("value of {name}")),
                ..config
            },
            private: Some(Private { name, renewals: 0 }),
            renew_at: Some(SystemTime::UNIX_EPOCH + RENEW_AT),
        })
    }

    async fn renew(
        &self,
        private: Self::Private,
        _: &mut Diagnostics,
    ) -> Result<Renewed<Self::Private>, Problem> {
        let Private { name, renewals } = private.unwrap_or_default();
        if self.0.read(&name).is_none() {
            let detail = format!("`{name}` does not exist.");
            return Err(Problem::new("Key lost", detail, AttributePath::root()));
        }
        Ok(Renewed {
            private: Some(Private {
                name,
                renewals: renewals + 1,
            }),
            renew_at: None,
        })
    }

    async fn close(&self, private: Self::Private, _: &mut Diagnostics) -> Result<(), Problem> {
        self.0.remove(&private.unwrap_or_default().name);
        Ok(())
    }
}
