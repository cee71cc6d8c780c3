//! Values of the plugin protocol, as far as a schedule needs them.

use std::collections::BTreeMap;

use rmpv::Value;
use terraform_provider_proxmox::plugin::proto::DynamicValue;

/// The attributes of a resource.
pub type Attributes = BTreeMap<String, Value>;

/// The message of an object; of null for `None`.
pub fn encode(attributes: Option<&Attributes>) -> Option<DynamicValue> {
    let value = match attributes {
        None => Value::Nil,
        Some(attributes) => {
            let fields = attributes.iter();
            let fields = fields.map(|(name, value)| (Value::from(name.as_str()), value.clone()));
            Value::Map(fields.collect())
        }
    };
    let mut msgpack = Vec::new();
    rmpv::encode::write_value(&mut msgpack, &value).expect("a buffer takes everything");
    Some(DynamicValue {
        msgpack,
        ..Default::default()
    })
}

/// The object of a message; `None` for null.
pub fn decode(value: Option<DynamicValue>) -> Option<Attributes> {
    let bytes = value?.msgpack;
    let tree = rmpv::decode::read_value(&mut bytes.as_slice()).expect("a value");
    let Value::Map(fields) = tree else {
        return None;
    };
    let name = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let fields = fields.into_iter();
    Some(fields.map(|(key, value)| (name(key), value)).collect())
}

/// Whether a value is unknown, or contains one that is.
pub fn is_unknown(value: &Value) -> bool {
    match value {
        Value::Ext(..) => true,
        Value::Array(items) => items.iter().any(is_unknown),
        Value::Map(fields) => fields.iter().any(|(_, value)| is_unknown(value)),
        _ => false,
    }
}

/// Whether two values are equal. The elements of a set and the fields of an object have no order.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|item| other.iter().any(|other| same(item, other)))
        }
        (Value::Map(one), Value::Map(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| {
                    other
                        .iter()
                        .any(|(name, other)| name == key && same(value, other))
                })
        }
        _ => one == other,
    }
}

/// The text of an attribute; empty for null.
pub fn text(attributes: &Attributes, name: &str) -> String {
    let value = attributes.get(name).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}
