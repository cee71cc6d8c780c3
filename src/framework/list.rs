//! Lists of the existing objects of a resource type, for `terraform query`.
//!
//! A list shows identities, so only a resource with an [`Identity`] can have one. Its results are a
//! stream, and Terraform may stop to read it at any time.

use std::pin::Pin;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tf_provider::Diagnostics;
use tf_provider::schema::Schema;

use super::conform::conform;
use super::diagnostics::{Problem, Report};
use super::encoded::{Encoded, decode, encode};
use super::identity::Identity;
use super::resource::StateOf;
use super::sink::Sink;
use super::write_only::WriteOnly;
use crate::framework::read_only::conform_config;

/// A resource whose existing objects can be listed.
#[async_trait]
pub trait List: Identity {
    /// The configuration of a list: what to list.
    type Filter: DeserializeOwned + Send;

    /// The schema of the `config` of a list block.
    fn list_schema(&self) -> Schema;

    /// Validates the configuration of a list, without any connection.
    ///
    /// # Errors
    ///
    /// When the configuration is invalid.
    fn validate_list(&self, filter: Self::Filter) -> Result<(), Problem> {
        drop(filter);
        Ok(())
    }

    /// Sends each object to `results`, until these take no more.
    ///
    /// # Errors
    ///
    /// When the list is not complete.
    async fn list(
        &self,
        request: ListRequest<Self::Filter>,
        results: &mut Results<'_, Self>,
    ) -> Result<(), Problem>;
}

/// What to list.
pub struct ListRequest<F> {
    /// The configuration of the list.
    pub filter: F,
    /// Whether the results hold whole states, and not only identities.
    pub include_state: bool,
    /// The number of results after which the caller wants no more.
    pub limit: usize,
}

/// One object of a list.
pub struct Listed<T: Identity + ?Sized> {
    /// The name to display.
    pub display_name: String,
    /// The identity.
    pub identity: T::Identity,
    /// The state, if the request includes it.
    pub state: Option<StateOf<T>>,
}

/// One event of a list: an object, or diagnostics.
#[derive(Default)]
pub struct ListEvent {
    /// The name to display.
    pub display_name: String,
    /// The identity of the object.
    pub identity: Option<Encoded>,
    /// The state of the object.
    pub state: Option<Encoded>,
    /// Warnings, or the error that ended the list.
    pub diagnostics: Diagnostics,
}

/// The results of a running list.
pub struct Results<'a, T: ?Sized> {
    events: &'a dyn Sink<ListEvent>,
    write_only: &'a WriteOnly,
    remaining: usize,
    resource: std::marker::PhantomData<fn(&T)>,
}

impl<T: Identity + ?Sized> Results<'_, T> {
    /// Sends an object. Returns whether the caller wants more.
    pub async fn push(&mut self, listed: Listed<T>) -> bool {
        let Some(remaining) = self.remaining.checked_sub(1) else {
            return false;
        };
        self.remaining = remaining;
        let event = self.event(listed);
        self.events.send(event).await && remaining > 0
    }

    fn event(&self, listed: Listed<T>) -> ListEvent {
        let mut diagnostics = Diagnostics::default();
        let identity = encode(&listed.identity, &mut diagnostics);
        let state = listed.state;
        let state = state.and_then(|state| encode(&state, &mut diagnostics));
        ListEvent {
            display_name: listed.display_name,
            identity,
            state: state.map(|state| self.write_only.strip(state)),
            diagnostics,
        }
    }
}

/// The work of a list.
type Listing<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The methods of [`List`], over encoded values.
pub(super) struct ListMethods<T> {
    /// The schema of a list's configuration.
    pub schema: Schema,
    validate: fn(&T, &Schema, &Encoded, &mut Diagnostics),
    list: for<'a> fn(&'a T, ListWork<'a>) -> Listing<'a>,
}

/// The arguments of a list over encoded values.
pub(super) struct ListWork<'a> {
    /// The schema of the configuration.
    pub schema: &'a Schema,
    /// The attributes that are never stored.
    pub write_only: &'a WriteOnly,
    /// What to list.
    pub request: ListRequest<Encoded>,
    /// The receiver of the results.
    pub events: &'a dyn Sink<ListEvent>,
}

impl<T: List> ListMethods<T> {
    /// The methods of a resource's list.
    pub fn of(resource: &T) -> Self {
        Self {
            schema: resource.list_schema(),
            validate,
            list: |resource, work| Box::pin(list(resource, work)),
        }
    }
}

impl<T> ListMethods<T> {
    /// Validates the configuration of a list.
    pub fn validate(&self, resource: &T, config: &Encoded, diags: &mut Diagnostics) {
        (self.validate)(resource, &self.schema, config, diags);
    }

    /// Lists objects.
    pub fn list<'a>(
        &'a self,
        resource: &'a T,
        write_only: &'a WriteOnly,
        request: ListRequest<Encoded>,
        events: &'a dyn Sink<ListEvent>,
    ) -> Listing<'a> {
        let work = ListWork {
            schema: &self.schema,
            write_only,
            request,
            events,
        };
        (self.list)(resource, work)
    }
}

fn validate<T: List>(resource: &T, schema: &Schema, config: &Encoded, diags: &mut Diagnostics) {
    let filter = conform_config(config, schema, diags).and_then(|tree| decode(tree, diags));
    if let Some(filter) = filter
        && let Err(problem) = resource.validate_list(filter)
    {
        diags.problem(problem);
    }
}

async fn list<T: List>(resource: &T, work: ListWork<'_>) {
    let mut diagnostics = Diagnostics::default();
    let config = &work.request.filter;
    let filter = conform(config, work.schema, &mut diagnostics);
    let filter = filter.and_then(|tree| decode(tree, &mut diagnostics));
    if let Some(filter) = filter {
        let request = ListRequest {
            filter,
            include_state: work.request.include_state,
            limit: work.request.limit,
        };
        let mut results = Results {
            events: work.events,
            write_only: work.write_only,
            remaining: work.request.limit,
            resource: std::marker::PhantomData,
        };
        if let Err(problem) = resource.list(request, &mut results).await {
            diagnostics.problem(problem);
        }
    }
    if !diagnostics.errors.is_empty() {
        let event = ListEvent {
            diagnostics,
            ..ListEvent::default()
        };
        work.events.send(event).await;
    }
}
