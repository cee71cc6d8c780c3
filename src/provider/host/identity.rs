//! The identity of a host: its name.

use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};

use crate::framework::{Identity, Problem, schema};
use crate::provider::host::model::State;
use crate::provider::host::resource::{HostResource, not_importable};

/// The identity of one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostIdentity {
    name: String,
}

impl Identity for HostResource {
    type Identity = HostIdentity;

    fn identity_schema(&self) -> Schema {
        let name = schema::required(AttributeType::String, "Name of the host.");
        schema::schema("", [("name", name)])
    }

    fn identity(&self, state: &State) -> Option<HostIdentity> {
        let name = state.name.as_ref_option()?.clone();
        Some(HostIdentity { name })
    }

    fn import_id(&self, _identity: HostIdentity) -> Result<String, Problem> {
        Err(not_importable())
    }
}
