//! The data source `proxmox_connection`: the connection check on demand.
//!
//! It reports and does not fail, so that a `check` block or a precondition can judge.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::{
    DataSource, Diagnostics,
    schema::{AttributeType, Schema},
    value::Value,
};

use crate::{
    framework::schema,
    provider::{
        connection::{Connections, call, cluster_attribute},
        credentials::Unresolved,
        explain::{unproven, unreadable},
        facts::{self, Facts, PrivilegeMap, required_privileges, validate_required_privileges},
    },
    pve::diagnosis::{self, Report, StageResult},
};

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
    ok: Value<bool>,
    status: Value<String>,
    message: Value<String>,
    remedy: Value<String>,
    stages: Value<Vec<Stage>>,
    latency_ms: Value<i64>,
    identity: Value<String>,
    missing_privileges: Value<BTreeMap<String, Vec<String>>>,
    #[serde(flatten)]
    facts: Facts,
}

/// One stage of the check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stage {
    name: Value<String>,
    ok: Value<bool>,
    duration_ms: Value<i64>,
}

impl From<&StageResult> for Stage {
    fn from(stage: &StageResult) -> Self {
        Self {
            name: stage.name.as_str().to_owned().into(),
            ok: stage.ok.into(),
            duration_ms: milliseconds(stage.elapsed).into(),
        }
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl State {
    fn of(config: Self, facts: Facts, report: Report) -> Self {
        Self {
            ok: (report.status.is_ok()).into(),
            status: report.status.as_str().to_owned().into(),
            stages: Value::Value(report.stages.iter().map(Stage::from).collect()),
            latency_ms: report.latency.map(milliseconds).into(),
            identity: report.identity.into(),
            missing_privileges: Value::Value(report.missing_privileges),
            message: report.message.into(),
            remedy: report.remedy.unwrap_or_default().into(),
            facts,
            ..config
        }
    }
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
                    "Whether anything but `ok` is an error instead of a report. False unless \
                         set.",
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
                    "The stages that were reached, in order. After one that fails come only such as do not depend on it.",
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
        let target = self.connections.client(&config.cluster, diags);
        let target = target
            .and_then(|client| Ok((client, required_privileges(&config.required_privileges)?)));
        let (client, requirements) = match target {
            Ok(target) => target,
            Err(Unresolved::Unknown(source)) => {
                unreadable("proxmox_connection", &source, diags);
                return None;
            }
            Err(Unresolved::Invalid) => return None,
        };
        let report = diagnosis::check(&client, &requirements, &call()).await;
        if report.status.is_failure() && config.fail_on_error == Value::Value(true) {
            unproven(&client.settings().endpoint.to_string(), &report, diags);
            return None;
        }
        let facts = Facts::of(&client, &report);
        Some(State::of(config, facts, report))
    }
}
