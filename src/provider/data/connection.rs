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
        connection::{Connection, call},
        credentials::Unresolved,
        explain::{unproven, unreadable},
        facts::{Facts, NodeFacts, PrivilegeMap, required_privileges},
    },
    pve::diagnosis::{self, Report, StageResult},
};

/// The check of the provider's own connection.
pub struct ConnectionData {
    connection: Connection,
}

impl ConnectionData {
    /// A data source that checks the provider's own connection.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }
}

/// One `proxmox_connection`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    required_privileges: PrivilegeMap,
    fail_on_error: Value<bool>,
    ok: Value<bool>,
    status: Value<String>,
    message: Value<String>,
    remedy: Value<String>,
    stages: Value<Vec<Stage>>,
    latency_ms: Value<i64>,
    endpoint: Value<String>,
    api_url: Value<String>,
    identity: Value<String>,
    auth_method: Value<String>,
    version: Value<String>,
    release: Value<String>,
    repoid: Value<String>,
    cluster_name: Value<String>,
    quorate: Value<bool>,
    nodes: Value<Vec<NodeFacts>>,
    certificate_fingerprint: Value<String>,
    privileges: Value<BTreeMap<String, Vec<String>>>,
    missing_privileges: Value<BTreeMap<String, Vec<String>>>,
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
            endpoint: facts.endpoint,
            api_url: facts.api_url,
            auth_method: facts.auth_method,
            version: facts.version,
            release: facts.release,
            repoid: facts.repoid,
            cluster_name: facts.cluster_name,
            quorate: facts.quorate,
            nodes: facts.nodes,
            certificate_fingerprint: facts.certificate_fingerprint,
            privileges: facts.privileges,
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

        Some(schema::schema(
            "Checks the provider's connection, stage by stage from the address to the \
             privileges, and reports what it finds. It does not fail by itself, so it suits \
             `check` blocks, preconditions and outputs.",
            [
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
                        "The stages that were reached, in order; the first that fails is the last.",
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
                    "endpoint",
                    computed(String, "The address in full, as connected to."),
                ),
                ("api_url", computed(String, "Base of the API's URLs.")),
                (
                    "identity",
                    computed(
                        String,
                        "Who the server takes the credential for: a token or user id.",
                    ),
                ),
                (
                    "auth_method",
                    computed(String, "`api_token` or `password`."),
                ),
                (
                    "version",
                    computed(String, "Version of Proxmox VE, such as `9.1.5`."),
                ),
                (
                    "release",
                    computed(String, "Release of Proxmox VE, such as `9.1`."),
                ),
                (
                    "repoid",
                    computed(String, "Revision that the version was built from."),
                ),
                (
                    "cluster_name",
                    computed(
                        String,
                        "Name of the cluster; null for a single host, or without `Sys.Audit` on \
                         `/`.",
                    ),
                ),
                (
                    "quorate",
                    computed(
                        Bool,
                        "Whether the cluster has a majority; null without `Sys.Audit` on `/`.",
                    ),
                ),
                (
                    "nodes",
                    computed(
                        schema::nested_list([
                            ("name", computed(String, "Name of the node.")),
                            (
                                "online",
                                computed(Bool, "Whether the cluster sees it online."),
                            ),
                            (
                                "local",
                                computed(
                                    Bool,
                                    "Whether it is the node that answered; null if unknown.",
                                ),
                            ),
                            (
                                "address",
                                computed(String, "Its address in the cluster; null if unknown."),
                            ),
                        ]),
                        "The nodes, sorted by name.",
                    ),
                ),
                (
                    "certificate_fingerprint",
                    computed(
                        String,
                        "SHA-256 fingerprint of the certificate that was seen.",
                    ),
                ),
                (
                    "privileges",
                    computed(
                        schema::map_of_string_sets(),
                        "What the credential may do at the paths of `required_privileges`.",
                    ),
                ),
                (
                    "missing_privileges",
                    computed(
                        schema::map_of_string_sets(),
                        "What it lacks of `required_privileges`, by path; empty when nothing.",
                    ),
                ),
            ],
        ))
    }

    async fn read<'a>(&self, diags: &mut Diagnostics, config: State, _meta: ()) -> Option<State> {
        let target = self.connection.client(diags);
        let target = target
            .and_then(|client| Ok((client, required_privileges(&config.required_privileges)?)));
        let (client, requirements) = match target {
            Ok(target) => target,
            Err(Unresolved::Unknown(source)) => {
                unreadable("proxmox_connection", source, diags);
                return None;
            }
            Err(Unresolved::Invalid) => return None,
        };
        let report = diagnosis::check(&client, &requirements, &call()).await;
        if !report.status.is_ok() && config.fail_on_error == Value::Value(true) {
            unproven(&client.settings().endpoint.to_string(), &report, diags);
            return None;
        }
        let facts = Facts::of(&client, &report);
        Some(State::of(config, facts, report))
    }
}
