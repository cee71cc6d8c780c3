//! A catalog with one resource, `test_scripted`, whose apply does what a test says.

use std::{collections::BTreeMap, pin::Pin};

use async_trait::async_trait;
use terraform_provider_proxmox::framework::{
    ApplyRequest, Catalog, ConfigureRequest, Encoded, ErasedProvider, ErasedResource, PlanRequest,
    Planned, Remote, schema::schema,
};
use tf_provider::{Diagnostics, schema::Schema};

/// The name of the resource type.
pub const SCRIPTED: &str = "test_scripted";

type Script = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<u8>> + Send>> + Send + Sync>;

/// A catalog whose `test_scripted` applies by running the script; what that returns becomes the
/// private state.
pub fn catalog<F>(script: impl Fn() -> F + Send + Sync + 'static) -> Catalog
where
    F: Future<Output = Vec<u8>> + Send + 'static,
{
    let scripted = Scripted {
        schema: schema("", []),
        script: Box::new(move || Box::pin(script())),
    };
    let resource: Box<dyn ErasedResource> = Box::new(scripted);
    Catalog {
        provider: Box::new(Bare(schema("", []))),
        resources: BTreeMap::from([(SCRIPTED.to_owned(), resource)]),
        data_sources: BTreeMap::new(),
        functions: BTreeMap::new(),
    }
}

struct Bare(Schema);

#[async_trait]
impl ErasedProvider for Bare {
    fn schema(&self) -> &Schema {
        &self.0
    }

    async fn validate(&self, _: Encoded, _: &mut Diagnostics) {}

    async fn configure(&self, _: ConfigureRequest, _: &mut Diagnostics) {}
}

struct Scripted {
    schema: Schema,
    script: Script,
}

#[async_trait]
impl ErasedResource for Scripted {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, _: Encoded, _: &mut Diagnostics) {}

    async fn upgrade(&self, _: i64, state: Encoded, _: &mut Diagnostics) -> Option<Encoded> {
        Some(state)
    }

    async fn read(&self, state: Encoded, private: Vec<u8>, _: &mut Diagnostics) -> Remote {
        Remote { state, private }
    }

    async fn plan(&self, request: PlanRequest, _: &mut Diagnostics) -> Option<Planned> {
        Some(Planned {
            state: request.proposed,
            private: request.private,
            requires_replace: Vec::new(),
        })
    }

    async fn apply(&self, request: ApplyRequest, _: &mut Diagnostics) -> Remote {
        Remote {
            state: request.planned,
            private: (self.script)().await,
        }
    }

    async fn import(&self, _: String, _: &mut Diagnostics) -> Option<Remote> {
        None
    }
}
