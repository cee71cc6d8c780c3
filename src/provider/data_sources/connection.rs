//! The data source `proxmox_connection`: the connection check on demand.
//!
//! It returns the result and does not fail, so that a `check` block or a precondition can use it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{DataSource, Diagnostics};

use crate::framework::{Problem, Report, schema};
use crate::provider::clients::{Connections, cluster_attribute, connection_name, context};
use crate::provider::diagnostics::{Words, check_failed, explain_check, reported};
use crate::provider::host::check_result::Outcome;
use crate::provider::host::facts;
use crate::provider::host::facts::{
    Facts, PrivilegeMap, invalid_required_privileges, required_privileges,
};
use crate::pve::diagnosis;

/// The connection check.
pub struct ConnectionData {
    connections: Connections,
}

impl ConnectionData {
    /// Creates the data source.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// A `proxmox_connection`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    cluster: Value<String>,
    required_privileges: PrivilegeMap,
    fail_on_error: Value<bool>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[async_trait]
impl DataSource for ConnectionData {
    type State<'a> = State;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _diags: &mut Diagnostics) -> Option<Schema> {
        use AttributeType::{Bool, Number, String};
        use schema::{computed, optional};

        let report = [
            cluster_attribute(
                "Key in `clusters` of the provider block to check. Defaults to the provider's own connection.",
            ),
            (
                "required_privileges",
                optional(
                    schema::map_of_string_sets(),
                    "Privileges that the credential should have, by path: \
                         `{ \"/vms\" = [\"VM.Allocate\"] }`. `missing_privileges` lists those \
                         that it lacks.",
                ),
            ),
            (
                "fail_on_error",
                optional(
                    Bool,
                    "Whether to fail if the connection check fails. A degraded cluster is not a \
                         failure. Defaults to `false`.",
                ),
            ),
            (
                "ok",
                computed(
                    Bool,
                    "Whether the connection can be used as required: `status` is `ok` or \
                         `cluster_degraded`.",
                ),
            ),
            (
                "status",
                computed(
                    String,
                    "Result of the connection check: `ok`, `dns_failure`, `connection_refused`, \
                         `timeout`, `tls_untrusted`, `tls_name_mismatch`, `tls_expired`, \
                         `tls_fingerprint_mismatch`, `not_proxmox`, `unauthenticated`, \
                         `second_factor_required`, `permission_denied`, `missing_privileges`, \
                         `no_quorum`, `cluster_degraded`, `server_error` or \
                         `unsupported_version`.",
                ),
            ),
            ("message", computed(String, "Description of the result.")),
            (
                "remedy",
                computed(
                    String,
                    "Required change, with the name of the attribute. Empty if there is none.",
                ),
            ),
            (
                "stages",
                computed(
                    schema::nested_list([
                        ("name", computed(String, "Name of the stage.")),
                        ("ok", computed(Bool, "Whether the stage succeeded.")),
                        (
                            "duration_ms",
                            computed(
                                Number,
                                "Duration of the stage in milliseconds, rounded up to whole seconds.",
                            ),
                        ),
                    ]),
                    "Stages of the connection check that were run, in order: `endpoint`, `dns`, \
                     `tcp`, `tls`, `proxmox`, `authentication`, `second_factor` (succeeds if none \
                     is required), `privileges` (for a token, or with `required_privileges`) and \
                     `cluster`. After a failure, only stages that do not depend on the failed one \
                     are run.",
                ),
            ),
            (
                "latency_ms",
                computed(
                    Number,
                    "Duration of one request in milliseconds, rounded up to whole seconds, so \
                     that the result does not differ from run to run. The command `check` shows the exact \
                     durations.",
                ),
            ),
            (
                "identity",
                computed(
                    String,
                    "Identity that the server authenticated: a user or token ID.",
                ),
            ),
            (
                "missing_privileges",
                computed(
                    schema::map_of_string_sets(),
                    "Privileges in `required_privileges` that the credential lacks, by path. Empty if it has all of them.",
                ),
            ),
        ];
        Some(schema::schema(
            "Checks the connection of the provider in stages, from the address to the privileges, \
             and returns the result. By default it does not fail, so it can be used in `check` \
             blocks, preconditions and outputs.",
            report.into_iter().chain(facts::attributes()),
        ))
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        diags.problems(invalid_required_privileges(&config.required_privileges));
        Some(())
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        reported(self.check(config).await, diags)
    }
}

impl ConnectionData {
    async fn check(&self, config: State) -> Result<State, Problem> {
        const NAME: &str = "proxmox_connection";
        let client = self.connections.reader(NAME, &config.cluster)?;
        let requirements = required_privileges(&config.required_privileges);
        let requirements = requirements.map_err(|error| error.of_data_source(NAME))?;
        let report = diagnosis::check(&client, None, &requirements, &context()).await;
        if !report.status().is_ok() && config.fail_on_error == Value::Value(true) {
            return Err(check_failed(&connection_name(&config.cluster), &report));
        }
        let facts = Facts::of(&client, &report);
        let explanation = explain_check(&report, Words::Attributes);
        Ok(State {
            outcome: Outcome::of(facts, report, explanation).with_steady_durations(),
            ..config
        })
    }
}
