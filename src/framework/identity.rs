//! Identities: the attributes that name one object of a resource type.
//!
//! An identity stands beside the state and never changes while the object exists. Terraform shows
//! it in `terraform query` and takes it in an `import` block.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tf_provider::schema::Schema;
use tf_provider::{Diagnostics, Resource};

use super::Encoded;
use super::conform::conform;
use super::diagnostics::{Problem, Report};
use super::encoded::{decode, encode};
use super::resource::StateOf;

/// A resource whose objects have an identity.
pub trait Identity: Resource {
    /// The identity of one object.
    type Identity: Serialize + DeserializeOwned + Send;

    /// Version and attributes of the identity: strings, numbers, booleans, and lists of these. An
    /// import must set the attributes that are required, and may set those that are optional.
    fn identity_schema(&self) -> Schema;

    /// The identity of an object with this state, or `None` while a plan does not know it.
    fn identity(&self, state: &StateOf<Self>) -> Option<Self::Identity>;

    /// The id by which [`Resource::import`] finds the object with this identity.
    ///
    /// # Errors
    ///
    /// When no object can have this identity.
    fn import_id(&self, identity: Self::Identity) -> Result<String, Problem>;

    /// Returns an identity of an older version in the form of the current one.
    ///
    /// # Errors
    ///
    /// When the identity cannot be upgraded.
    fn upgrade_identity(&self, version: i64, identity: Value) -> Result<Value, Problem> {
        let _ = version;
        Ok(identity)
    }
}

/// The methods of [`Identity`], over encoded values.
pub(super) struct IdentityMethods<T: Resource> {
    /// The schema of the identity.
    pub schema: Schema,
    encode: fn(&T, &StateOf<T>, &mut Diagnostics) -> Option<Encoded>,
    import_id: fn(&T, &Schema, &Encoded, &mut Diagnostics) -> Option<String>,
    upgrade: fn(&T, i64, Value) -> Result<Value, Problem>,
}

impl<T: Identity> IdentityMethods<T> {
    /// The methods of a resource's identity.
    pub fn of(resource: &T) -> Self {
        Self {
            schema: resource.identity_schema(),
            encode: encode_identity,
            import_id,
            upgrade: T::upgrade_identity,
        }
    }
}

impl<T: Resource> IdentityMethods<T> {
    /// The identity of an object with this state.
    pub fn encode(
        &self,
        resource: &T,
        state: &StateOf<T>,
        diags: &mut Diagnostics,
    ) -> Option<Encoded> {
        (self.encode)(resource, state, diags)
    }

    /// The id of the object with this identity.
    pub fn import_id(
        &self,
        resource: &T,
        identity: &Encoded,
        diags: &mut Diagnostics,
    ) -> Option<String> {
        (self.import_id)(resource, &self.schema, identity, diags)
    }

    /// A stored identity of any version in the form of the current one.
    pub fn upgrade(
        &self,
        resource: &T,
        version: i64,
        identity: Encoded,
        diags: &mut Diagnostics,
    ) -> Option<Encoded> {
        let identity = if version < self.schema.version {
            let upgraded = (self.upgrade)(resource, version, identity.json());
            let upgraded = upgraded.map_err(|problem| diags.problem(problem)).ok()?;
            Encoded::Json(upgraded.to_string().into_bytes())
        } else {
            identity
        };
        conform(&identity, &self.schema, diags).map(|tree| Encoded::of_tree(&tree))
    }
}

fn encode_identity<T: Identity>(
    resource: &T,
    state: &StateOf<T>,
    diags: &mut Diagnostics,
) -> Option<Encoded> {
    encode(&resource.identity(state)?, diags)
}

fn import_id<T: Identity>(
    resource: &T,
    schema: &Schema,
    identity: &Encoded,
    diags: &mut Diagnostics,
) -> Option<String> {
    let identity = decode(conform(identity, schema, diags)?, diags)?;
    let id = resource.import_id(identity);
    id.map_err(|problem| diags.problem(problem)).ok()
}
