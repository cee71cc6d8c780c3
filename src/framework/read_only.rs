//! Read-only attributes: the provider sets them, and a configuration must not.
//!
//! The command lines accept a configured value for such an attribute and send it along, so the
//! validation of every configuration refuses it here. Otherwise the value would take the place of
//! the one that the server gave.

use std::collections::HashMap;

use rmpv::Value;
use tf_provider::schema::{Attribute, AttributeConstraint, AttributeType, Schema};
use tf_provider::{AttributePath, AttributePathStep, Diagnostics};

use super::Encoded;
use super::conform::conform;
use super::diagnostics::{Problem, Report, path_text};

/// Brings a configuration into the form of its schema, as [`conform`], for its validation. Also
/// returns `None` after reporting each read-only attribute that it sets, to whatever value, known
/// or not.
pub(super) fn conform_config(
    config: &Encoded,
    schema: &Schema,
    diags: &mut Diagnostics,
) -> Option<Value> {
    let tree = conform(config, schema, diags)?;
    let mut configured = Vec::new();
    let root = AttributePath::root();
    object(&tree, &schema.block.attributes, &root, &mut configured);
    if configured.is_empty() {
        return Some(tree);
    }
    diags.problems(configured);
    None
}

fn object(
    tree: &Value,
    attributes: &HashMap<String, Attribute>,
    path: &AttributePath,
    configured: &mut Vec<Problem>,
) {
    for (name, value) in tree.as_map().into_iter().flatten() {
        let Some((name, attribute)) = name
            .as_str()
            .and_then(|name| attributes.get_key_value(name))
        else {
            continue;
        };
        let here = path.clone() + AttributePathStep::Attribute(name.clone().into());
        match attribute.constraint {
            AttributeConstraint::Computed if !value.is_nil() => {
                configured.push(read_only(attribute, &here, path));
            }
            _ => nested(value, &attribute.attr_type, &here, configured),
        }
    }
}

fn nested(
    value: &Value,
    expected: &AttributeType,
    path: &AttributePath,
    configured: &mut Vec<Problem>,
) {
    use AttributeType as Type;
    match expected {
        Type::AttributeSingle(attributes) => object(value, attributes, path, configured),
        Type::AttributeList(attributes) => {
            for (item, index) in value.as_array().into_iter().flatten().zip(0_i64..) {
                let path = path.clone() + AttributePathStep::Index(index);
                object(item, attributes, &path, configured);
            }
        }
        // An element of a set has no address of its own.
        Type::AttributeSet(attributes) => {
            for item in value.as_array().into_iter().flatten() {
                object(item, attributes, path, configured);
            }
        }
        Type::AttributeMap(attributes) => {
            for (key, item) in value.as_map().into_iter().flatten() {
                let key = key.as_str().unwrap_or_default().to_owned();
                let path = path.clone() + AttributePathStep::Key(key.into());
                object(item, attributes, &path, configured);
            }
        }
        _ => {}
    }
}

fn read_only(attribute: &Attribute, path: &AttributePath, parent: &AttributePath) -> Problem {
    Problem::new(
        "Read-only attribute configured",
        format!(
            "`{}` is set by the provider and cannot be configured. Remove it from the \
             configuration.",
            path_text(path)
        ),
        // The command lines print the line that a diagnostic points at.
        match attribute.sensitive {
            true => parent.clone(),
            false => path.clone(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema;

    fn example() -> Schema {
        use AttributeType::String;
        let inner = || {
            [
                ("path", schema::optional(String, "A path.")),
                ("id", schema::computed(String, "An id.")),
            ]
        };
        schema::schema(
            "An example.",
            [
                ("name", schema::required(String, "A name.")),
                ("id", schema::computed(String, "An id.")),
                (
                    "secret",
                    schema::sensitive(schema::computed(String, "A secret.")),
                ),
                ("switch", schema::defaulted(String, "A switch.")),
                ("one", schema::optional(schema::nested(inner()), "One.")),
                (
                    "acl",
                    schema::optional(schema::nested_set(inner()), "Entries."),
                ),
            ],
        )
    }

    /// The paths of the errors, and whether the configuration conforms.
    fn validated(config: &Encoded) -> (bool, Vec<String>) {
        let mut diags = Diagnostics::default();
        let tree = conform_config(config, &example(), &mut diags);
        let paths = diags.errors.iter().map(|error| path_text(&error.attribute));
        (tree.is_some(), paths.collect())
    }

    #[test]
    fn an_attribute_that_only_the_provider_sets_is_refused_at_every_depth() {
        for (config, expected) in [
            (r#"{"name":"a","switch":"on","one":{"path":"/"}}"#, None),
            (r#"{"id":null,"one":{"id":null}}"#, None),
            (r#"{"id":"mine"}"#, Some("id")),
            (r#"{"secret":"hunter2"}"#, Some("")),
            (r#"{"one":{"id":"mine"}}"#, Some("one.id")),
            (r#"{"acl":[{"id":"mine"}]}"#, Some("acl.id")),
        ] {
            let (valid, errors) = validated(&Encoded::Json(config.into()));
            assert_eq!(valid, expected.is_none(), "{config}");
            assert_eq!(errors.first().map(String::as_str), expected, "{config}");
        }
    }

    #[test]
    fn a_value_that_is_not_known_yet_is_configured_too() {
        let unknown = Value::Map(vec![("id".into(), Value::Ext(0, vec![]))]);
        let (valid, errors) = validated(&Encoded::of_tree(&unknown));
        assert!(!valid);
        assert_eq!(errors, ["id"]);
    }
}
