//! The data source `toy_note`.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use terraform_provider_proxmox::framework::schema::{computed, required, schema};
use terraform_provider_proxmox::framework::{Deferral, Deferred, Report};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, DataSource, Diagnostics};

use super::Store;

pub struct NoteData(pub Store);

#[derive(Serialize, Deserialize)]
pub struct Data {
    name: Value<String>,
    text: Value<String>,
}

#[async_trait]
impl DataSource for NoteData {
    type State<'a> = Data;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(schema(
            "A note.",
            [
                ("name", required(AttributeType::String, "Name.")),
                ("text", computed(AttributeType::String, "Text.")),
            ],
        ))
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: Data, (): ()) -> Option<Data> {
        let name = config.name.as_ref_option()?;
        let Some(content) = self.0.read(name) else {
            let detail = format!("There is no note `{name}`.");
            diags.fail("Note not found", detail, AttributePath::new("name"));
            return None;
        };
        Some(Data {
            text: Value::Value(content.text),
            ..config
        })
    }
}

impl Deferral<Data> for NoteData {
    fn deferred(&self, config: &Data) -> Option<Deferred> {
        let exists = config.name.as_ref_option().map(|name| self.0.read(name));
        matches!(exists, Some(None)).then_some(Deferred::AbsentPrerequisite)
    }
}
