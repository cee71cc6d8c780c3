//! Conformance of a value to its schema, checked before any typed code sees it.
//!
//! `tf-provider` decodes with serde, whose errors name neither the attribute nor the cause, and
//! its numbers are whole (`i64`), while Terraform sends whole numbers as integers, floats or
//! strings of digits. [`conform`] brings a value into the form that the structs expect: every
//! attribute present, whole numbers as integers, unknown values unchanged. A value of the wrong
//! type is reported on the attribute's path and never quoted, since it may be a secret.

use std::collections::HashMap;

use rmpv::Value;
use tf_provider::schema::{Attribute, AttributeType, Schema};
use tf_provider::{AttributePath, AttributePathStep, Diagnostics};

use super::Encoded;
use super::diagnostics::{Problem, Report, path_text};

/// Brings an encoded object into the form of its schema.
///
/// Returns the tree ([`Value::Nil`] for null), or `None` after reporting every mismatch.
/// Attributes that the schema does not have are dropped: a state written by a newer release may
/// have them.
pub(super) fn conform(value: &Encoded, schema: &Schema, diags: &mut Diagnostics) -> Option<Value> {
    let Some(tree) = value.tree() else {
        diags.fail(
            "Unreadable value",
            "Terraform sent a value that is not well-formed or is nested too deep.",
            AttributePath::root(),
        );
        return None;
    };
    let mut mismatches = Vec::new();
    let tree = match tree {
        Value::Nil => Value::Nil,
        tree => object(
            tree,
            &schema.block.attributes,
            &AttributePath::root(),
            &mut mismatches,
        ),
    };
    if mismatches.is_empty() {
        return Some(tree);
    }
    mismatches.into_iter().for_each(|one| diags.problem(one));
    None
}

fn object(
    tree: Value,
    attributes: &HashMap<String, Attribute>,
    path: &AttributePath,
    mismatches: &mut Vec<Problem>,
) -> Value {
    let Value::Map(fields) = tree else {
        return type_mismatch("an object", path, mismatches);
    };
    let mut fields: HashMap<String, Value> = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value)))
        .collect();
    Value::Map(
        attributes
            .iter()
            .map(|(name, attribute)| {
                let value = fields.remove(name).unwrap_or(Value::Nil);
                let path = path.clone() + AttributePathStep::Attribute(name.clone().into());
                let value = any(value, &attribute.attr_type, &path, mismatches);
                (Value::from(name.as_str()), value)
            })
            .collect(),
    )
}

fn any(
    value: Value,
    expected: &AttributeType,
    path: &AttributePath,
    mismatches: &mut Vec<Problem>,
) -> Value {
    use AttributeType as Type;
    match (value, expected) {
        // Null is a value of every type, and so is unknown (an extension, types 0 and 12).
        (value @ (Value::Nil | Value::Ext(..)), _) => value,
        (value @ Value::String(_), Type::String) if value.as_str().is_some() => value,
        (value @ Value::Boolean(_), Type::Bool) => value,
        (value, Type::Number) => number(value, path, mismatches),
        (Value::Array(items), Type::List(item) | Type::Set(item)) => {
            each_item(items, path, |value, path| {
                any(value, item, path, mismatches)
            })
        }
        (Value::Array(items), Type::AttributeList(nested) | Type::AttributeSet(nested)) => {
            each_item(items, path, |value, path| {
                nested_object(value, nested, path, mismatches)
            })
        }
        (Value::Map(entries), Type::Map(item)) => each_entry(entries, path, |value, path| {
            any(value, item, path, mismatches)
        }),
        (Value::Map(entries), Type::AttributeMap(nested)) => {
            each_entry(entries, path, |value, path| {
                nested_object(value, nested, path, mismatches)
            })
        }
        (value, Type::AttributeSingle(nested)) => nested_object(value, nested, path, mismatches),
        (value, Type::Object(fields)) => typed_object(value, fields, path, mismatches),
        (Value::Array(items), Type::Tuple(types)) if items.len() == types.len() => {
            let mut types = types.iter();
            each_item(items, path, |value, path| match types.next() {
                Some(expected) => any(value, expected, path, mismatches),
                None => value,
            })
        }
        (value, Type::Any) => value,
        (_, expected) => type_mismatch(describe(expected), path, mismatches),
    }
}

fn nested_object(
    value: Value,
    attributes: &HashMap<String, Attribute>,
    path: &AttributePath,
    mismatches: &mut Vec<Problem>,
) -> Value {
    match value {
        value @ (Value::Nil | Value::Ext(..)) => value,
        value => object(value, attributes, path, mismatches),
    }
}

fn typed_object(
    value: Value,
    fields: &HashMap<String, AttributeType>,
    path: &AttributePath,
    mismatches: &mut Vec<Problem>,
) -> Value {
    let Value::Map(entries) = value else {
        return type_mismatch("an object", path, mismatches);
    };
    each_entry(entries, path, |value, path| match path.steps.last() {
        Some(AttributePathStep::Key(name)) => match fields.get(name.as_ref()) {
            Some(expected) => any(value, expected, path, mismatches),
            None => Value::Nil,
        },
        _ => value,
    })
}

fn each_item(
    items: Vec<Value>,
    path: &AttributePath,
    mut conform: impl FnMut(Value, &AttributePath) -> Value,
) -> Value {
    Value::Array(
        items
            .into_iter()
            .zip(0_i64..)
            .map(|(value, index)| conform(value, &(path.clone() + AttributePathStep::Index(index))))
            .collect(),
    )
}

fn each_entry(
    entries: Vec<(Value, Value)>,
    path: &AttributePath,
    mut conform: impl FnMut(Value, &AttributePath) -> Value,
) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(key, value)| {
                let step =
                    AttributePathStep::Key(key.as_str().unwrap_or_default().to_owned().into());
                let value = conform(value, &(path.clone() + step));
                (key, value)
            })
            .collect(),
    )
}

/// A whole number in any of the protocol's encodings, as an integer.
fn number(value: Value, path: &AttributePath, mismatches: &mut Vec<Problem>) -> Value {
    let whole = match &value {
        Value::Integer(integer) => integer.as_i64(),
        Value::F32(float) => whole_float(f64::from(*float)),
        Value::F64(float) => whole_float(*float),
        Value::String(digits) => digits.as_str().and_then(|digits| digits.parse().ok()),
        _ => return type_mismatch("a number", path, mismatches),
    };
    match whole {
        Some(whole) => Value::from(whole),
        None => type_mismatch("a whole number that fits in 64 bits", path, mismatches),
    }
}

/// The whole number that a float represents, within the range in which floats are exact.
fn whole_float(float: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
    (float.fract() == 0.0 && float.abs() <= EXACT).then_some(float as i64)
}

fn type_mismatch(expected: &str, path: &AttributePath, mismatches: &mut Vec<Problem>) -> Value {
    mismatches.push(Problem::new(
        "Incorrect attribute value type",
        format!("`{}` must be {expected}.", path_text(path)),
        path.clone(),
    ));
    Value::Nil
}

fn describe(expected: &AttributeType) -> &'static str {
    use AttributeType as Type;
    match expected {
        Type::String => "a string",
        Type::Number => "a number",
        Type::Bool => "`true` or `false`",
        Type::List(_) | Type::AttributeList(_) | Type::Tuple(_) => "a list",
        Type::Set(_) | Type::AttributeSet(_) => "a set",
        Type::Map(_) | Type::AttributeMap(_) => "a map",
        Type::Object(_) | Type::AttributeSingle(_) => "an object",
        Type::Any => "any value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema;

    fn example() -> Schema {
        schema::schema(
            "An example.",
            [
                ("name", schema::required(AttributeType::String, "A name.")),
                ("count", schema::optional(AttributeType::Number, "A count.")),
                (
                    "acl",
                    schema::optional(
                        schema::nested_set([(
                            "path",
                            schema::required(AttributeType::String, "A path."),
                        )]),
                        "Entries.",
                    ),
                ),
            ],
        )
    }

    fn conformed(json: &str) -> (Option<Value>, Vec<String>) {
        let mut diags = Diagnostics::default();
        let tree = conform(&Encoded::Json(json.into()), &example(), &mut diags);
        let paths = diags.errors.iter().map(|error| path_text(&error.attribute));
        (tree, paths.collect())
    }

    fn field(tree: &Value, name: &str) -> Value {
        tree[name].clone()
    }

    #[test]
    fn absent_attributes_become_null_and_foreign_ones_are_dropped() {
        let (tree, errors) = conformed(r#"{"name":"a","colour":"red"}"#);
        let tree = tree.unwrap();
        assert!(errors.is_empty());
        assert_eq!(field(&tree, "count"), Value::Nil);
        assert!(
            tree.as_map()
                .unwrap()
                .iter()
                .all(|(k, _)| k.as_str() != Some("colour"))
        );
    }

    #[test]
    fn whole_numbers_in_every_encoding_become_integers() {
        for encoding in ["3", "3.0", "\"3\""] {
            let (tree, errors) = conformed(&format!(r#"{{"count":{encoding}}}"#));
            assert!(errors.is_empty(), "{encoding}");
            assert_eq!(field(&tree.unwrap(), "count"), Value::from(3), "{encoding}");
        }
    }

    #[test]
    fn fractions_and_huge_numbers_are_reported_on_their_attribute() {
        for encoding in [
            "3.5",
            "1e300",
            "\"99999999999999999999\"",
            "\"three\"",
            "[]",
        ] {
            let (tree, errors) = conformed(&format!(r#"{{"count":{encoding}}}"#));
            assert_eq!(tree, None, "{encoding}");
            assert_eq!(errors, ["count"], "{encoding}");
        }
    }

    #[test]
    fn a_wrong_type_deep_inside_is_reported_with_its_path() {
        let (tree, errors) = conformed(r#"{"acl":[{"path":"/"},{"path":7}]}"#);
        assert_eq!(tree, None);
        assert_eq!(errors, ["acl[1].path"]);
    }

    #[test]
    fn unknown_values_pass_through_every_type() {
        let unknown = Value::Ext(0, vec![]);
        let refined = Value::Ext(12, vec![0x80]);
        let value = Encoded::of_tree(&Value::Map(vec![
            ("name".into(), unknown.clone()),
            ("count".into(), refined.clone()),
            ("acl".into(), unknown.clone()),
        ]));
        let mut diags = Diagnostics::default();
        let tree = conform(&value, &example(), &mut diags).unwrap();
        assert_eq!(field(&tree, "name"), unknown);
        assert_eq!(field(&tree, "count"), refined);
        assert_eq!(field(&tree, "acl"), unknown);
    }

    #[test]
    fn a_diagnostic_never_quotes_the_value() {
        let mut diags = Diagnostics::default();
        conform(
            &Encoded::Json(br#"{"count":"hunter2"}"#.to_vec()),
            &example(),
            &mut diags,
        );
        assert!(
            diags
                .errors
                .iter()
                .all(|error| !error.detail.contains("hunter2"))
        );
    }
}
