//! A catalog with one resource, `test_scripted`, whose apply runs a script of the test.

use std::pin::Pin;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use terraform_provider_proxmox::framework::schema::schema;
use terraform_provider_proxmox::framework::{
    ApplyRequest, Catalog, Encoded, ErasedResource, ImportRequest, ImportResponse, Instance,
    PlanRequest, PlanResponse, ReadRequest, ReadResponse, ValidateRequest,
};
use tf_provider::schema::Schema;
use tf_provider::{Diagnostics, Provider};

/// The name of the resource type.
pub const SCRIPTED: &str = "test_scripted";

type Script = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<u8>> + Send>> + Send + Sync>;

/// A catalog whose `test_scripted` applies by running the script. The script's result becomes the
/// private state.
pub fn catalog<F>(script: impl Fn() -> F + Send + Sync + 'static) -> Catalog
where
    F: Future<Output = Vec<u8>> + Send + 'static,
{
    let scripted = Scripted {
        schema: schema("", []),
        script: Box::new(move || Box::pin(script())),
    };
    let mut catalog = Catalog::new(NoProvider);
    let resources = &mut catalog.resources;
    resources.insert(SCRIPTED.to_owned(), Box::new(scripted));
    catalog
}

/// A provider whose block is empty.
pub struct NoProvider;

/// The empty provider block.
#[derive(Serialize, Deserialize)]
pub struct NoConfig {}

#[async_trait]
impl Provider for NoProvider {
    type Config<'a> = NoConfig;
    type MetaState<'a> = ();

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(schema("", []))
    }
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

    async fn validate(&self, _: ValidateRequest, _: &mut Diagnostics) {}

    async fn upgrade(&self, _: i64, state: Encoded, _: &mut Diagnostics) -> Option<Encoded> {
        Some(state)
    }

    async fn read(&self, request: ReadRequest, _: &mut Diagnostics) -> ReadResponse {
        ReadResponse {
            instance: request.instance,
            deferred: None,
        }
    }

    async fn plan(&self, request: PlanRequest, _: &mut Diagnostics) -> Option<PlanResponse> {
        Some(PlanResponse {
            planned: Instance {
                state: request.proposed,
                private: request.private,
                identity: None,
            },
            requires_replace: Vec::new(),
            deferred: None,
        })
    }

    async fn apply(&self, request: ApplyRequest, _: &mut Diagnostics) -> Instance {
        Instance {
            private: (self.script)().await,
            ..request.planned
        }
    }

    async fn import(&self, _: ImportRequest, _: &mut Diagnostics) -> Option<ImportResponse> {
        None
    }
}
