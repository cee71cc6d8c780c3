//! Deferral: a response that leaves an object for a later plan.
//!
//! A caller that allows it plans what it can and asks again once more is known. OpenTofu never
//! allows it, and Terraform only with `-allow-deferral`, so a deferral is never the only response
//! to an unknown value: without it, the typed method is called as usual.

use std::collections::HashMap;

use rmpv::Value;
use tf_provider::schema::{Attribute, AttributeConstraint, AttributeType, Schema};

use super::Encoded;

/// Why a response is deferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferred {
    /// The configuration of the object is not fully known.
    ConfigUnknown,
    /// The configuration of the provider is not fully known.
    ProviderConfigUnknown,
    /// Something that the object depends on does not exist yet.
    AbsentPrerequisite,
}

/// A resource or data source that can be deferred. Its methods are called only if the caller allows
/// a deferral.
pub trait Deferral<State> {
    /// Why an object with this configuration or state cannot be planned or read now, or `None` if
    /// it can.
    fn deferred(&self, object: &State) -> Option<Deferred>;

    /// Why no object can be imported now, or `None` if one can.
    fn import_deferred(&self) -> Option<Deferred> {
        None
    }
}

/// The methods of [`Deferral`].
pub(super) struct DeferralMethods<T, State> {
    object: fn(&T, &State) -> Option<Deferred>,
    import: fn(&T) -> Option<Deferred>,
}

impl<State, T: Deferral<State>> DeferralMethods<T, State> {
    /// The methods of a resource or data source.
    pub fn new() -> Self {
        Self {
            object: T::deferred,
            import: T::import_deferred,
        }
    }
}

impl<T, State> DeferralMethods<T, State> {
    /// Why an object is deferred.
    pub fn deferred(&self, one: &T, object: &State) -> Option<Deferred> {
        (self.object)(one, object)
    }

    /// Why an import is deferred.
    pub fn import_deferred(&self, one: &T) -> Option<Deferred> {
        (self.import)(one)
    }
}

/// A planned state in which every computed attribute that has no value is unknown.
pub(super) fn with_unknown(proposed: Value, schema: &Schema) -> Encoded {
    Encoded::of_tree(&object(proposed, &schema.block.attributes))
}

fn object(value: Value, attributes: &HashMap<String, Attribute>) -> Value {
    use AttributeConstraint::{Computed, OptionalComputed};
    let Value::Map(fields) = value else {
        return value;
    };
    let fields = fields.into_iter().map(|(name, value)| {
        let attribute = name.as_str().and_then(|name| attributes.get(name));
        let value = match attribute {
            Some(attribute) => match attribute.constraint {
                Computed | OptionalComputed if value.is_nil() => unknown(),
                _ => nested(value, &attribute.attr_type),
            },
            None => value,
        };
        (name, value)
    });
    Value::Map(fields.collect())
}

fn nested(value: Value, attr_type: &AttributeType) -> Value {
    use AttributeType::{AttributeList, AttributeMap, AttributeSet, AttributeSingle};
    match (attr_type, value) {
        (AttributeSingle(inner), value) => object(value, inner),
        (AttributeList(inner) | AttributeSet(inner), Value::Array(items)) => {
            let items = items.into_iter().map(|item| object(item, inner));
            Value::Array(items.collect())
        }
        (AttributeMap(inner), Value::Map(entries)) => {
            let entries = entries.into_iter();
            let entries = entries.map(|(key, entry)| (key, object(entry, inner)));
            Value::Map(entries.collect())
        }
        (_, value) => value,
    }
}

/// The unknown value of any type.
pub(super) fn unknown() -> Value {
    Value::Ext(0, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema::{computed, nested_list, optional, required, schema};

    #[test]
    fn computed_attributes_without_a_value_are_unknown_at_every_depth() {
        let inner = [
            ("key", required(AttributeType::String, "A key.")),
            ("id", computed(AttributeType::String, "An id.")),
        ];
        let schema = schema(
            "An example.",
            [
                ("id", computed(AttributeType::String, "An id.")),
                ("note", optional(AttributeType::String, "A note.")),
                ("keys", optional(nested_list(inner), "Keys.")),
            ],
        );
        let json = br#"{"id":null,"note":null,"keys":[{"key":"a","id":null}]}"#;
        let proposed = Encoded::Json(json.to_vec()).tree().unwrap();
        let planned = with_unknown(proposed, &schema).tree().unwrap();
        assert_eq!(planned["id"], unknown());
        assert_eq!(planned["note"], Value::Nil);
        assert_eq!(planned["keys"][0]["key"], Value::from("a"));
        assert_eq!(planned["keys"][0]["id"], unknown());
    }
}
