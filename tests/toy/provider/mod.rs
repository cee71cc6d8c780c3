//! A toy provider of notes, which are files in a directory.
//!
//! Each resource, data source, ephemeral resource and action is one file here and one line of
//! [`catalog`]. They have the capabilities that the real provider does not announce yet.

mod key;
mod memo;
mod note;
mod note_data;
mod stamp;
mod store;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use terraform_provider_proxmox::framework::schema::{required, schema};
use terraform_provider_proxmox::framework::{Catalog, DataSourceAdapter, ResourceAdapter};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{Diagnostics, Provider};

pub use self::key::RENEW_AT;
pub use self::stamp::Stamp;
pub use self::store::Store;

/// Everything the toy provider offers.
pub fn catalog(store: &Store) -> Catalog {
    let store = || store.clone();
    let note = ResourceAdapter::new(note::NoteResource(store()))
        .with_write_only(note::WRITE_ONLY)
        .with_upgrades()
        .with_list()
        .with_moves()
        .with_deferral();
    let note_data = DataSourceAdapter::new(note_data::NoteData(store())).with_deferral();
    Catalog::new(ToyProvider(store()))
        .resource("toy_note", note)
        .resource("toy_memo", memo::MemoResource(store()))
        .data_source("toy_note", note_data)
        .ephemeral_resource("toy_key", key::Key(store()))
        .action("toy_stamp", Stamp(store()))
}

struct ToyProvider(Store);

#[derive(Serialize, Deserialize)]
struct Config {
    directory: Value<String>,
}

#[async_trait]
impl Provider for ToyProvider {
    type Config<'a> = Config;
    type MetaState<'a> = ();

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        let directory = required(AttributeType::String, "Directory of the notes.");
        Some(schema("A toy.", [("directory", directory)]))
    }

    async fn configure<'a>(
        &self,
        _: &mut Diagnostics,
        _terraform_version: String,
        config: Config,
    ) -> Option<()> {
        if let Value::Value(directory) = config.directory {
            self.0.open(directory.into());
        }
        Some(())
    }
}
