//! Actions: operations that Terraform invokes and that leave nothing in the state.
//!
//! An action can report progress and diagnostics, and nothing else.

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tf_provider::Diagnostics;
use tf_provider::schema::Schema;

use super::client::ClientCapabilities;
use super::deferral::Deferred;
use super::diagnostics::{Problem, Report};
use super::encoded::{Encoded, decode};
use super::read_only::conform_config;
use super::sink::Sink;

/// A typed action. Warnings go into `diags`.
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// The configuration of the action.
    type Config: DeserializeOwned + Send;

    /// The schema of the action's `config`.
    fn schema(&self) -> Schema;

    /// Validates a configuration, without any connection.
    ///
    /// # Errors
    ///
    /// When the configuration is invalid.
    fn validate(&self, config: Self::Config) -> Result<(), Problem> {
        drop(config);
        Ok(())
    }

    /// Why the action cannot be planned now, or `None` if it can. Called only if the caller allows
    /// a deferral.
    fn deferred(&self, config: &Self::Config) -> Option<Deferred> {
        let _ = config;
        None
    }

    /// Checks in a plan whether the action can succeed.
    ///
    /// # Errors
    ///
    /// When it cannot.
    async fn plan(&self, config: Self::Config, diags: &mut Diagnostics) -> Result<(), Problem> {
        let _ = (config, diags);
        Ok(())
    }

    /// Invokes the action. Lines sent to `progress` are displayed while it runs.
    ///
    /// # Errors
    ///
    /// When the action did not succeed.
    async fn invoke(
        &self,
        config: Self::Config,
        progress: &dyn Sink<String>,
        diags: &mut Diagnostics,
    ) -> Result<(), Problem>;
}

/// An action to plan.
pub struct PlanActionRequest {
    /// The configuration of the action.
    pub config: Encoded,
    /// The capabilities of the caller.
    pub client: ClientCapabilities,
}

/// An action, as the server calls it. The diagnostics that a call fills are empty at its start.
#[async_trait]
pub trait ErasedAction: Send + Sync + 'static {
    /// The schema of the action's `config`.
    fn schema(&self) -> &Schema;

    /// Validates a configuration, without any connection.
    fn validate(&self, config: Encoded, diags: &mut Diagnostics);

    /// Plans the action. Returns why it was not planned.
    async fn plan(&self, request: PlanActionRequest, diags: &mut Diagnostics) -> Option<Deferred>;

    /// Invokes the action.
    async fn invoke(&self, config: Encoded, progress: &dyn Sink<String>, diags: &mut Diagnostics);
}

/// An [`ErasedAction`] from a typed action.
pub(super) struct ActionAdapter<T> {
    action: T,
    schema: Schema,
}

impl<T: Action> ActionAdapter<T> {
    /// Adapts an action.
    pub fn new(action: T) -> Self {
        let schema = action.schema();
        Self { action, schema }
    }

    fn config(&self, config: &Encoded, diags: &mut Diagnostics) -> Option<T::Config> {
        decode(conform_config(config, &self.schema, diags)?, diags)
    }
}

#[async_trait]
impl<T: Action> ErasedAction for ActionAdapter<T> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: Encoded, diags: &mut Diagnostics) {
        if let Some(config) = self.config(&config, diags)
            && let Err(problem) = self.action.validate(config)
        {
            diags.problem(problem);
        }
    }

    async fn plan(&self, request: PlanActionRequest, diags: &mut Diagnostics) -> Option<Deferred> {
        let config = self.config(&request.config, diags)?;
        if request.client.deferral_allowed
            && let Some(deferred) = self.action.deferred(&config)
        {
            return Some(deferred);
        }
        if let Err(problem) = self.action.plan(config, diags).await {
            diags.problem(problem);
        }
        None
    }

    async fn invoke(&self, config: Encoded, progress: &dyn Sink<String>, diags: &mut Diagnostics) {
        let Some(config) = self.config(&config, diags) else {
            return;
        };
        if let Err(problem) = self.action.invoke(config, progress, diags).await {
            diags.problem(problem);
        }
    }
}
