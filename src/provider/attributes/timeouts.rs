//! `timeouts`: the longest that each operation on a resource may take.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Report, schema};
use crate::provider::attributes::duration;

/// The limits of one resource, by operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeouts(BTreeMap<String, Value<String>>);

/// The attribute `timeouts` of a resource with these operations.
pub fn attribute(operations: &[&'static str]) -> (&'static str, Attribute) {
    let limits = operations.iter().map(|operation| {
        let limit = schema::optional(
            AttributeType::String,
            "The longest that this may take, waiting for other writes included, such as `2m`. No \
             limit unless set; a change that has been sent is never given up before \
             `request_timeout`.",
        );
        (*operation, limit)
    });
    let limits = schema::optional(schema::nested(limits), "Time limits by operation.");
    ("timeouts", limits)
}

/// The configured limit of an operation.
pub fn limit(timeouts: &Value<Timeouts>, operation: &str) -> Option<Duration> {
    duration::known(timeouts.as_ref_option()?.0.get(operation)?)
}

/// Reports limits that are none.
pub fn validate(timeouts: &Value<Timeouts>, diags: &mut Diagnostics) {
    let limits = timeouts.iter().flat_map(|timeouts| &timeouts.0);
    for (operation, limit) in limits {
        if let Some(Err(problem)) = limit.as_ref_option().map(|limit| duration::parse(limit)) {
            diags.fail(
                "Invalid time limit",
                format!("`timeouts.{operation}` cannot be used: {problem}."),
                AttributePath::new("timeouts").attribute(operation.clone()),
            );
        }
    }
}
