//! Managed resources, over [`tf_provider::Resource`].
//!
//! The protocol has one plan call and one apply call; the typed trait has one for each of create,
//! update and destroy. The adapter tells them apart by which side of the change is null, and holds
//! to the rule that nothing real drops out of the state: whatever exists after a failure is
//! returned together with the error.

use async_trait::async_trait;
use rmpv::Value;
use serde::{Serialize, de::DeserializeOwned};
use tf_provider::{AttributePath, Diagnostics, Resource, schema::Schema};

use super::{
    Encoded, Upgrade,
    diagnostics::Report,
    encoded::{decode, decode_private, encode, encode_bytes},
    walk::walk,
    write_only,
};

/// A change for which Terraform asks for a plan.
pub struct PlanRequest {
    /// The state as it is; null for a creation.
    pub prior: Encoded,
    /// Configuration and prior state merged by Terraform; null for a destruction.
    pub proposed: Encoded,
    /// The configuration as written; null for a destruction.
    pub config: Encoded,
    /// The private state as it is.
    pub private: Vec<u8>,
}

/// The answer to a [`PlanRequest`].
pub struct Planned {
    /// What the state will be; null for a destruction.
    pub state: Encoded,
    /// The private state handed to the apply.
    pub private: Vec<u8>,
    /// Attributes whose change needs a new object.
    pub requires_replace: Vec<AttributePath>,
}

/// A planned change that Terraform asks to be made.
pub struct ApplyRequest {
    /// The state as it is; null for a creation.
    pub prior: Encoded,
    /// What was planned; null for a destruction.
    pub planned: Encoded,
    /// The configuration as written; null for a destruction.
    pub config: Encoded,
    /// The private state from the plan.
    pub private: Vec<u8>,
}

/// An object as it now is: its state (null when there is none) and private state.
pub struct Remote {
    /// The state; null when the object does not exist.
    pub state: Encoded,
    /// The private state.
    pub private: Vec<u8>,
}

impl Remote {
    fn none() -> Self {
        Self {
            state: Encoded::null(),
            private: Vec::new(),
        }
    }
}

/// A managed resource, as the server calls it.
#[async_trait]
pub trait ErasedResource: Send + Sync + 'static {
    /// The schema of the resource block.
    fn schema(&self) -> &Schema;
    /// The top-level attributes that are never kept in a plan or a state.
    fn write_only(&self) -> &[&'static str] {
        &[]
    }
    /// Checks a configuration, without any connection.
    async fn validate(&self, config: Encoded, diags: &mut Diagnostics);
    /// Brings a stored state (JSON) of any version into today's shape. `None` after an error.
    async fn upgrade(
        &self,
        version: i64,
        state: Encoded,
        diags: &mut Diagnostics,
    ) -> Option<Encoded>;
    /// Reads the object. A null state says that it is gone; after an error the state is the
    /// one that came in.
    async fn read(&self, state: Encoded, private: Vec<u8>, diags: &mut Diagnostics) -> Remote;
    /// Plans a change. `None` after an error.
    async fn plan(&self, request: PlanRequest, diags: &mut Diagnostics) -> Option<Planned>;
    /// Makes a change and returns what exists afterwards, also after an error.
    async fn apply(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Remote;
    /// Finds an existing object by the id a person typed. `None` after an error.
    async fn import(&self, id: String, diags: &mut Diagnostics) -> Option<Remote>;
}

/// Makes an [`ErasedResource`] of a typed resource and of the upgrades of its states.
pub struct ResourceAdapter<T, U> {
    resource: T,
    upgrades: U,
    schema: Schema,
    write_only: &'static [&'static str],
}

impl<T: Resource, U: Upgrade> ResourceAdapter<T, U> {
    /// Wraps a resource.
    pub fn new(resource: T, upgrades: U) -> Self {
        let schema = resource.schema(&mut Diagnostics::default());
        let schema = schema.unwrap_or_else(|| super::schema::schema("", []));
        Self {
            resource,
            upgrades,
            schema,
            write_only: &[],
        }
    }

    /// The same resource with these top-level attributes write-only.
    pub fn with_write_only(self, write_only: &'static [&'static str]) -> Self {
        Self { write_only, ..self }
    }

    /// Walks and decodes a value into the resource's state type.
    fn state<S: DeserializeOwned>(&self, value: &Encoded, diags: &mut Diagnostics) -> Option<S> {
        let tree = walk(value, &self.schema, diags)?;
        decode(&tree, diags)
    }

    /// Encodes a state, without what is never kept.
    fn encode<S: Serialize>(&self, state: &S, diags: &mut Diagnostics) -> Option<Encoded> {
        let encoded = encode(state, diags)?;
        Some(write_only::forget(encoded, self.write_only))
    }

    fn remote<S, P>(&self, state: &S, private: &P, diags: &mut Diagnostics) -> Option<Remote>
    where
        S: Serialize,
        P: Serialize,
    {
        Some(Remote {
            state: self.encode(state, diags)?,
            private: encode_bytes(private, diags)?,
        })
    }
}

#[async_trait]
impl<T, U> ErasedResource for ResourceAdapter<T, U>
where
    T: Resource + 'static,
    U: Upgrade,
    for<'a> T::State<'a>: DeserializeOwned,
    for<'a> T::PrivateState<'a>: DeserializeOwned,
    for<'a> T::ProviderMetaState<'a>: DeserializeOwned,
{
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn write_only(&self) -> &[&'static str] {
        self.write_only
    }

    async fn validate(&self, config: Encoded, diags: &mut Diagnostics) {
        let Some(config) = self.state(&config, diags) else {
            return;
        };
        if self.resource.validate(diags, config).await.is_none() {
            diags.fail_if_silent("Validation stopped without a reason");
        }
    }

    async fn upgrade(
        &self,
        version: i64,
        state: Encoded,
        diags: &mut Diagnostics,
    ) -> Option<Encoded> {
        let state = match (version < self.schema.version, &state) {
            (true, Encoded::Json(json)) => {
                let old = serde_json::from_slice(json).unwrap_or_default();
                let new = self.upgrades.upgrade(version, old, diags)?;
                Encoded::Json(new.to_string().into_bytes())
            }
            _ => state,
        };
        walk(&state, &self.schema, diags).map(|tree| Encoded::of_tree(&tree))
    }

    async fn read(&self, state: Encoded, private: Vec<u8>, diags: &mut Diagnostics) -> Remote {
        let errors = diags.errors.len();
        let read = self.read_typed(&state, &private, diags).await;
        match read {
            Some(remote) => remote,
            None if diags.errors.len() == errors => Remote::none(),
            None => Remote { state, private },
        }
    }

    async fn plan(&self, request: PlanRequest, diags: &mut Diagnostics) -> Option<Planned> {
        let planned = match (request.prior.is_null(), request.proposed.is_null()) {
            (true, _) => self.plan_create(request, diags).await,
            (false, false) => self.plan_update(request, diags).await,
            (false, true) => self.plan_destroy(request, diags).await,
        };
        if planned.is_none() {
            diags.fail_if_silent("A plan was not made");
        }
        planned
    }

    async fn apply(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Remote {
        match (request.prior.is_null(), request.planned.is_null()) {
            (true, _) => self.create(request, diags).await,
            (false, false) => self.update(request, diags).await,
            (false, true) => self.destroy(request, diags).await,
        }
    }

    async fn import(&self, id: String, diags: &mut Diagnostics) -> Option<Remote> {
        let imported = match self.resource.import(diags, id).await {
            Some((state, private)) => self.remote(&state, &private, diags),
            None => None,
        };
        if imported.is_none() {
            diags.fail_if_silent("An import returned nothing");
        }
        imported
    }
}

impl<T, U> ResourceAdapter<T, U>
where
    T: Resource + 'static,
    U: Upgrade,
    for<'a> T::State<'a>: DeserializeOwned,
    for<'a> T::PrivateState<'a>: DeserializeOwned,
    for<'a> T::ProviderMetaState<'a>: DeserializeOwned,
{
    async fn read_typed(
        &self,
        state: &Encoded,
        private: &[u8],
        diags: &mut Diagnostics,
    ) -> Option<Remote> {
        let state = self.state(state, diags)?;
        let private = decode_private(private, diags)?;
        let meta = decode(&Value::Nil, diags)?;
        let (state, private) = self.resource.read(diags, state, private, meta).await?;
        self.remote(&state, &private, diags)
    }

    async fn plan_create(&self, request: PlanRequest, diags: &mut Diagnostics) -> Option<Planned> {
        let proposed = self.state(&request.proposed, diags)?;
        let config = self.state(&request.config, diags)?;
        let meta = decode(&Value::Nil, diags)?;
        let planned = self.resource.plan_create(diags, proposed, config, meta);
        let (state, private) = planned.await?;
        Some(Planned {
            state: self.encode(&state, diags)?,
            private: encode_bytes(&private, diags)?,
            requires_replace: Vec::new(),
        })
    }

    async fn plan_update(&self, request: PlanRequest, diags: &mut Diagnostics) -> Option<Planned> {
        let prior = self.state(&request.prior, diags)?;
        let proposed = self.state(&request.proposed, diags)?;
        let config = self.state(&request.config, diags)?;
        let private = decode_private(&request.private, diags)?;
        let meta = decode(&Value::Nil, diags)?;
        let planned = self
            .resource
            .plan_update(diags, prior, proposed, config, private, meta);
        let (state, private, requires_replace) = planned.await?;
        Some(Planned {
            state: self.encode(&state, diags)?,
            private: encode_bytes(&private, diags)?,
            requires_replace,
        })
    }

    async fn plan_destroy(&self, request: PlanRequest, diags: &mut Diagnostics) -> Option<Planned> {
        let prior = self.state(&request.prior, diags)?;
        let private = decode_private(&request.private, diags)?;
        let meta = decode(&Value::Nil, diags)?;
        let private = self
            .resource
            .plan_destroy(diags, prior, private, meta)
            .await?;
        Some(Planned {
            state: Encoded::null(),
            private: encode_bytes(&private, diags)?,
            requires_replace: Vec::new(),
        })
    }

    async fn create(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Remote {
        let created = self.create_typed(request, diags).await;
        created.unwrap_or_else(|| {
            diags.fail_if_silent("A creation returned nothing");
            Remote::none()
        })
    }

    async fn create_typed(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Option<Remote> {
        let planned = self.state(&request.planned, diags)?;
        let config = self.state(&request.config, diags)?;
        let private = decode_private(&request.private, diags)?;
        let meta = decode(&Value::Nil, diags)?;
        let created = self.resource.create(diags, planned, config, private, meta);
        let (state, private) = created.await?;
        self.remote(&state, &private, diags)
    }

    async fn update(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Remote {
        let prior = request.prior.clone();
        let private = request.private.clone();
        let updated = self.update_typed(request, diags).await;
        updated.unwrap_or_else(|| {
            diags.fail_if_silent("An update returned nothing");
            Remote {
                state: prior,
                private,
            }
        })
    }

    async fn update_typed(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Option<Remote> {
        let prior = self.state(&request.prior, diags)?;
        let planned = self.state(&request.planned, diags)?;
        let config = self.state(&request.config, diags)?;
        let private = decode_private(&request.private, diags)?;
        let meta = decode(&Value::Nil, diags)?;
        let updated = self
            .resource
            .update(diags, prior, planned, config, private, meta);
        let (state, private) = updated.await?;
        self.remote(&state, &private, diags)
    }

    async fn destroy(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Remote {
        let errors = diags.errors.len();
        let destroyed = self.destroy_typed(&request, diags).await;
        if destroyed.is_some() && diags.errors.len() == errors {
            return Remote::none();
        }
        diags.fail_if_silent("A destruction stopped without a reason");
        Remote {
            state: request.prior,
            private: request.private,
        }
    }

    async fn destroy_typed(&self, request: &ApplyRequest, diags: &mut Diagnostics) -> Option<()> {
        let prior = self.state(&request.prior, diags)?;
        let private = decode_private(&request.private, diags)?;
        let meta = decode(&Value::Nil, diags)?;
        self.resource.destroy(diags, prior, private, meta).await
    }
}
