//! From a typed resource and its optional capabilities to an [`ErasedResource`].
//!
//! The protocol has one call for every plan and one for every apply. The typed trait has one for
//! each of create, update and destroy. The adapter tells them apart by the side of the change that
//! is null.

use async_trait::async_trait;
use rmpv::Value;
use serde::de::DeserializeOwned;
use tf_provider::schema::Schema;
use tf_provider::{AttributePath, Diagnostics, Resource};

use super::erased::ErasedResource;
use super::request::{
    ApplyRequest, ImportBy, ImportRequest, ImportResponse, Instance, PlanRequest, PlanResponse,
    PrivateOf, ReadRequest, ReadResponse, StateOf, ValidateRequest,
};
use crate::framework::client::ClientCapabilities;
use crate::framework::conform::conform;
use crate::framework::deferral::{Deferral, DeferralMethods, Deferred};
use crate::framework::diagnostics::Report;
use crate::framework::encoded::{Encoded, decode, decode_private, encode, encode_bytes};
use crate::framework::identity::{Identity, IdentityMethods};
use crate::framework::list::{List, ListEvent, ListMethods, ListRequest};
use crate::framework::moved::{Move, MoveRequest, MoveState};
use crate::framework::read_only::conform_config;
use crate::framework::sink::Sink;
use crate::framework::upgrade::{Upgrade, UpgradeState};
use crate::framework::write_only::WriteOnly;

/// A typed resource with its optional capabilities. Each capability is a trait that the resource
/// implements, and a method here that adds it.
pub struct ResourceAdapter<T: Resource> {
    pub(super) resource: T,
    pub(super) schema: Schema,
    pub(super) write_only: WriteOnly,
    upgrade: Option<UpgradeState<T>>,
    identity: Option<IdentityMethods<T>>,
    list: Option<ListMethods<T>>,
    moved: Option<MoveState<T>>,
    deferral: Option<DeferralMethods<T, StateOf<T>>>,
    diagnostics: Diagnostics,
}

impl<T: Resource> From<T> for ResourceAdapter<T> {
    /// A resource without optional capabilities.
    fn from(resource: T) -> Self {
        Self::new(resource)
    }
}

impl<T: Resource> ResourceAdapter<T> {
    /// A resource without optional capabilities.
    pub fn new(resource: T) -> Self {
        let mut diagnostics = Diagnostics::default();
        let schema = resource.schema(&mut diagnostics);
        Self {
            resource,
            schema: schema.unwrap_or_else(|| crate::framework::schema::schema("", [])),
            write_only: WriteOnly::none(),
            upgrade: None,
            identity: None,
            list: None,
            moved: None,
            deferral: None,
            diagnostics,
        }
    }

    /// The same resource with these attributes write-only, by their paths ([`WriteOnly::new`]).
    #[must_use]
    pub fn with_write_only(mut self, paths: &[&'static str]) -> Self {
        self.write_only = WriteOnly::new(paths, &self.schema, &mut self.diagnostics);
        self
    }

    /// The same resource with upgrades of its older states.
    #[must_use]
    pub fn with_upgrades(mut self) -> Self
    where
        T: Upgrade,
    {
        self.upgrade = Some(T::upgrade_state);
        self
    }

    /// The same resource with an identity of its objects.
    #[must_use]
    pub fn with_identity(mut self) -> Self
    where
        T: Identity,
    {
        self.identity = Some(IdentityMethods::of(&self.resource));
        self
    }

    /// The same resource with an identity and a list of its objects.
    #[must_use]
    pub fn with_list(mut self) -> Self
    where
        T: List,
    {
        self.list = Some(ListMethods::of(&self.resource));
        self.with_identity()
    }

    /// The same resource as the target of moves.
    #[must_use]
    pub fn with_moves(mut self) -> Self
    where
        T: Move,
    {
        self.moved = Some(T::move_state);
        self
    }

    /// The same resource with deferred plans and reads.
    #[must_use]
    pub fn with_deferral(mut self) -> Self
    where
        T: Deferral<StateOf<T>>,
    {
        self.deferral = Some(DeferralMethods::new());
        self
    }

    /// The mistakes in the definition of the resource.
    pub(in crate::framework) fn take_diagnostics(&mut self) -> Diagnostics {
        std::mem::take(&mut self.diagnostics)
    }

    /// A prepared instance of these typed values.
    pub(super) fn instance(
        &self,
        state: &StateOf<T>,
        private: &PrivateOf<T>,
        diags: &mut Diagnostics,
    ) -> Option<Instance> {
        let identity = self.identity.as_ref();
        Some(Instance {
            state: self.write_only.strip(encode(state, diags)?),
            private: encode_bytes(private, diags)?,
            identity: identity.and_then(|one| one.encode(&self.resource, state, diags)),
        })
    }
}

#[async_trait]
impl<T> ErasedResource for ResourceAdapter<T>
where
    T: Resource + 'static,
    StateOf<T>: DeserializeOwned,
    PrivateOf<T>: DeserializeOwned,
    T::ProviderMetaState<'static>: DeserializeOwned,
{
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn write_only(&self) -> &WriteOnly {
        &self.write_only
    }

    async fn validate(&self, request: ValidateRequest, diags: &mut Diagnostics) {
        let Some(config) = conform_config(&request.config, &self.schema, diags) else {
            return;
        };
        let Some(config) = decode(config, diags) else {
            return;
        };
        self.write_only
            .refuse_where_stored(&request.config, request.client, diags);
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
        let state = match self.upgrade {
            Some(upgrade) if version < self.schema.version => {
                let upgraded = upgrade(&self.resource, version, state.json());
                let upgraded = upgraded.map_err(|problem| diags.problem(problem)).ok()?;
                Encoded::Json(upgraded.to_string().into_bytes())
            }
            _ => state,
        };
        conform(&state, &self.schema, diags).map(|tree| Encoded::of_tree(&tree))
    }

    async fn read(&self, request: ReadRequest, diags: &mut Diagnostics) -> ReadResponse {
        let ReadRequest { instance, client } = request;
        if let Some(deferred) = self.deferred(&instance.state, client) {
            return ReadResponse {
                instance,
                deferred: Some(deferred),
            };
        }
        let read = self.read_typed(&instance, diags).await;
        let instance = match read {
            Some(read) => read,
            None if diags.errors.is_empty() => Instance::none(),
            None => instance,
        };
        ReadResponse {
            instance,
            deferred: None,
        }
    }

    async fn plan(&self, request: PlanRequest, diags: &mut Diagnostics) -> Option<PlanResponse> {
        let planned = match (request.prior.is_null(), request.proposed.is_null()) {
            (false, true) => self.plan_destroy(request, diags).await,
            (prior_is_null, _) => match self.deferred(&request.config, request.client) {
                Some(deferred) => self.plan_later(request, deferred, diags),
                None if prior_is_null => self.plan_create(request, diags).await,
                None => self.plan_update(request, diags).await,
            },
        };
        if planned.is_none() {
            diags.fail_if_silent("A plan was not made");
        }
        planned
    }

    async fn apply(&self, request: ApplyRequest, diags: &mut Diagnostics) -> Instance {
        match (request.prior.is_null(), request.planned.state.is_null()) {
            (true, _) => self.create(request, diags).await,
            (false, false) => self.update(request, diags).await,
            (false, true) => self.destroy(request, diags).await,
        }
    }

    async fn import(
        &self,
        request: ImportRequest,
        diags: &mut Diagnostics,
    ) -> Option<ImportResponse> {
        let deferral = self.deferral(request.client);
        if let Some(deferred) = deferral.and_then(|one| one.import_deferred(&self.resource)) {
            return Some(ImportResponse::Deferred(deferred));
        }
        let id = self.import_id(request.by, diags)?;
        let imported = match self.resource.import(diags, id).await {
            Some((state, private)) => self.instance(&state, &private, diags),
            None => None,
        };
        if imported.is_none() {
            diags.fail_if_silent("An import returned nothing");
        }
        imported.map(ImportResponse::Imported)
    }

    fn identity_schema(&self) -> Option<&Schema> {
        self.identity.as_ref().map(|identity| &identity.schema)
    }

    fn upgrade_identity(
        &self,
        version: i64,
        identity: Encoded,
        diags: &mut Diagnostics,
    ) -> Option<Encoded> {
        let methods = self.identity.as_ref()?;
        methods.upgrade(&self.resource, version, identity, diags)
    }

    fn list_schema(&self) -> Option<&Schema> {
        self.list.as_ref().map(|list| &list.schema)
    }

    fn validate_list(&self, config: Encoded, diags: &mut Diagnostics) {
        if let Some(list) = &self.list {
            list.validate(&self.resource, &config, diags);
        }
    }

    async fn list(&self, request: ListRequest<Encoded>, events: &dyn Sink<ListEvent>) {
        if let Some(list) = &self.list {
            let work = list.list(&self.resource, &self.write_only, request, events);
            work.await;
        }
    }

    fn is_move_target(&self) -> bool {
        self.moved.is_some()
    }

    fn move_state(&self, source: MoveRequest, diags: &mut Diagnostics) -> Option<Instance> {
        let moved = self.moved?(&self.resource, source, diags);
        let (state, private) = moved.map_err(|problem| diags.problem(problem)).ok()??;
        self.instance(&state, &private, diags)
    }
}

impl<T> ResourceAdapter<T>
where
    T: Resource + 'static,
    StateOf<T>: DeserializeOwned,
    PrivateOf<T>: DeserializeOwned,
    T::ProviderMetaState<'static>: DeserializeOwned,
{
    /// A value of the resource's schema, decoded.
    pub(super) fn state(&self, value: &Encoded, diags: &mut Diagnostics) -> Option<StateOf<T>> {
        decode(conform(value, &self.schema, diags)?, diags)
    }

    /// No resource reads what a module says about the provider in `provider_meta`.
    pub(super) fn meta(diags: &mut Diagnostics) -> Option<T::ProviderMetaState<'static>> {
        decode(Value::Nil, diags)
    }

    /// The methods for deferral, if the caller allows one.
    fn deferral(&self, client: ClientCapabilities) -> Option<&DeferralMethods<T, StateOf<T>>> {
        let deferral = self.deferral.as_ref();
        deferral.filter(|_| client.deferral_allowed)
    }

    /// Why an object is deferred.
    fn deferred(&self, value: &Encoded, client: ClientCapabilities) -> Option<Deferred> {
        let deferral = self.deferral(client)?;
        // The typed method reports what is wrong with the value.
        let value = self.state(value, &mut Diagnostics::default())?;
        deferral.deferred(&self.resource, &value)
    }

    fn import_id(&self, by: ImportBy, diags: &mut Diagnostics) -> Option<String> {
        match (by, &self.identity) {
            (ImportBy::Id(id), _) => Some(id),
            (ImportBy::Identity(identity), Some(methods)) => {
                methods.import_id(&self.resource, &identity, diags)
            }
            (ImportBy::Identity(_), None) => {
                diags.fail(
                    "Import by identity not supported",
                    "Objects of this resource type have no identity. Set `id` in the `import` \
                     block.",
                    AttributePath::root(),
                );
                None
            }
        }
    }

    async fn read_typed(&self, instance: &Instance, diags: &mut Diagnostics) -> Option<Instance> {
        let state = self.state(&instance.state, diags)?;
        let private = decode_private(&instance.private, diags)?;
        let meta = Self::meta(diags)?;
        let (state, private) = self.resource.read(diags, state, private, meta).await?;
        let read = self.instance(&state, &private, diags)?;
        Some(Instance {
            identity: read.identity.or_else(|| instance.identity.clone()),
            ..read
        })
    }
}
