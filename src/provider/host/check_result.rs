//! The result of a connection check, as the attributes of `proxmox_connection` and as the JSON of
//! the command `check`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::provider::diagnostics::Explanation;
use crate::provider::host::facts::Facts;
use crate::pve::diagnosis::{Report, StageResult};

/// The result of a check, with the facts that it found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
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

impl Outcome {
    /// The result of a check, with the facts and the explanation of its report.
    pub fn of(facts: Facts, report: Report, explanation: Explanation) -> Self {
        Self {
            ok: (report.status().is_ok()).into(),
            status: report.status().as_str().to_owned().into(),
            stages: Value::Value(report.stages.iter().map(Stage::from).collect()),
            latency_ms: report.latency.map(milliseconds).into(),
            identity: report.identity.into(),
            missing_privileges: Value::Value(report.missing_privileges),
            message: explanation.message.into(),
            remedy: explanation.remedy.into(),
            facts,
        }
    }

    /// With durations rounded up to a second: an output that shows the whole result
    /// would change with each run otherwise.
    pub fn with_steady_durations(mut self) -> Self {
        self.latency_ms = steady(self.latency_ms);
        if let Value::Value(stages) = &mut self.stages {
            for stage in stages {
                stage.duration_ms = steady(stage.duration_ms);
            }
        }
        self
    }
}

/// Rounded up to a second.
fn steady(milliseconds: Value<i64>) -> Value<i64> {
    milliseconds.map(|milliseconds| milliseconds.saturating_add(999) / 1000 * 1000)
}

/// Rounded up: only what took no time of its own has none.
fn milliseconds(duration: Duration) -> i64 {
    let milliseconds = duration.as_nanos().div_ceil(1_000_000);
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}
