//! The data source `proxmox_connection`: the connection check on demand.
//!
//! It reports and does not fail, so that a `check` block or a precondition can judge.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{DataSource, Diagnostics};

use crate::framework::{Report, schema};
use crate::provider::clients::{Connections, cluster_attribute, context};
use crate::provider::diagnostics::check_result::Outcome;
use crate::provider::diagnostics::unproven;
use crate::provider::host::facts;
use crate::provider::host::facts::{
    Facts, PrivilegeMap, required_privileges, validate_required_privileges,
};
use crate::pve::diagnosis;

/// The check of the provider's own connection.
pub struct ConnectionData {
    connections: Connections,
}

impl ConnectionData {
    /// A data source that checks the provider's own connection.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// One `proxmox_connection`.
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
                "Key of the provider's `clusters` to check; the provider's own connection unless set.",
            ),
            (
                "required_privileges",
                optional(
                    schema::map_of_string_sets(),
                    "Privileges the credential should have, by path: \
                         `{ \"/vms\" = [\"VM.Allocate\"] }`. What is missing is in \
                         `missing_privileges`.",
                ),
            ),
            (
                "fail_on_error",
                optional(
                    Bool,
                    "Whether a connection that cannot be used as required is an error instead of \
                         a report. A degraded cluster is none. False unless set.",
                ),
            ),
            (
                "ok",
                computed(Bool, "Whether everything is as it should be."),
            ),
            (
                "status",
                computed(
                    String,
                    "One word for what was found: `ok`, `dns_failure`, `connection_refused`, \
                         `timeout`, `tls_untrusted`, `tls_name_mismatch`, `tls_expired`, \
                         `tls_fingerprint_mismatch`, `not_proxmox`, `unauthenticated`, \
                         `second_factor_required`, `permission_denied`, `missing_privileges`, \
                         `no_quorum`, `cluster_degraded`, `server_error` or \
                         `unsupported_version`.",
                ),
            ),
            (
                "message",
                computed(String, "What was found, in a sentence."),
            ),
            (
                "remedy",
                computed(
                    String,
                    "What to change, naming the attribute; empty when ok.",
                ),
            ),
            (
                "stages",
                computed(
                    schema::nested_list([
                        ("name", computed(String, "Name of the stage.")),
                        ("ok", computed(Bool, "Whether it was passed.")),
                        (
                            "duration_ms",
                            computed(Number, "How long it took, in milliseconds."),
                        ),
                    ]),
                    "The stages that were reached, in order: `endpoint`, `dns`, `tcp`, `tls`, \
                     `proxmox`, `authentication`, `second_factor` (passed at once where none is \
                     asked for), `privileges` (for a token, or where some are required) and `cluster`. After one \
                     that fails come only such as do not depend on it.",
                ),
            ),
            (
                "latency_ms",
                computed(
                    Number,
                    "How long one request took to be answered, in milliseconds.",
                ),
            ),
            (
                "identity",
                computed(
                    String,
                    "Who the server takes the credential for: a token or user id.",
                ),
            ),
            (
                "missing_privileges",
                computed(
                    schema::map_of_string_sets(),
                    "What it lacks of `required_privileges`, by path; empty when nothing.",
                ),
            ),
        ];
        Some(schema::schema(
            "Checks the provider's connection, stage by stage from the address to the \
             privileges, and reports what it finds. It does not fail by itself, so it suits \
             `check` blocks, preconditions and outputs.",
            report.into_iter().chain(facts::attributes()),
        ))
    }

    async fn validate<'a>(&self, diags: &mut Diagnostics, config: State) -> Option<()> {
        validate_required_privileges(&config.required_privileges, diags);
        Some(())
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        let connections = &self.connections;
        let client = connections.reader("proxmox_connection", &config.cluster, diags)?;
        let Ok(requirements) = required_privileges(&config.required_privileges) else {
            diags.fail_if_silent("A data source with unknown `required_privileges`");
            return None;
        };
        let report = diagnosis::check(&client, None, &requirements, &context()).await;
        if report.status.is_failure() && config.fail_on_error == Value::Value(true) {
            unproven(&client.settings().endpoint.to_string(), &report, diags);
            return None;
        }
        let facts = Facts::of(&client, &report);
        Some(State {
            outcome: Outcome::of(facts, report),
            ..config
        })
    }
}
