//! The attribute `timeouts`: the maximum duration of each operation on a resource.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tf_provider::AttributePath;
use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;

use crate::framework::{Problem, schema};
use crate::provider::attributes::duration;

/// The limits of a resource, by operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeouts(BTreeMap<String, Value<String>>);

/// The attribute `timeouts` of a resource with these operations.
pub fn attribute(operations: &[&'static str]) -> (&'static str, Attribute) {
    let limits = operations.iter().map(|operation| {
        let limit = schema::optional(
            AttributeType::String,
            "Maximum duration of this operation, such as `2m`, including the wait for other writes. \
             Unlimited by default. A change that has been sent is never abandoned before \
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

/// The problems of the limits.
pub fn problems(timeouts: &Value<Timeouts>) -> impl Iterator<Item = Problem> {
    let limits = timeouts.iter().flat_map(|timeouts| &timeouts.0);
    limits.filter_map(|(operation, limit)| {
        let reason = duration::parse(limit.as_ref_option()?).err()?;
        Some(Problem::new(
            "Invalid time limit",
            format!("`timeouts.{operation}` is invalid: {reason}."),
            AttributePath::new("timeouts").attribute(operation.clone()),
        ))
    })
}
