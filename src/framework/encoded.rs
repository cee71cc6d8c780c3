//! A value as it travels between Terraform and the provider.
//!
//! The protocol sends values as MessagePack, and states and imports as JSON.

use rmpv::Value;
use serde::{Serialize, de::DeserializeOwned};
use tf_provider::Diagnostics;

use super::diagnostics::Report;

/// The deepest nesting that is decoded. Schemas nest a handful of levels; anything deeper is
/// refused before it can exhaust the stack.
const MAX_DEPTH: usize = 64;

/// An encoded value. Empty bytes of either kind mean null.
#[derive(Clone, PartialEq, Eq)]
pub enum Encoded {
    /// MessagePack, the protocol's encoding of values.
    MessagePack(Vec<u8>),
    /// JSON, the encoding of stored states.
    Json(Vec<u8>),
}

impl std::fmt::Debug for Encoded {
    /// Prints the kind and the length only: values carry secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MessagePack(bytes) => write!(f, "MessagePack({} bytes)", bytes.len()),
            Self::Json(bytes) => write!(f, "Json({} bytes)", bytes.len()),
        }
    }
}

impl Encoded {
    /// The encoded null.
    pub fn null() -> Self {
        Self::MessagePack(vec![0xc0])
    }

    /// Whether this is null: no object on this side of a change.
    pub fn is_null(&self) -> bool {
        match self {
            Self::MessagePack(bytes) => bytes.is_empty() || bytes == &[0xc0],
            Self::Json(bytes) => bytes.is_empty() || bytes == b"null",
        }
    }

    /// The value as a tree, or `None` when the bytes are not a value or nest too deep.
    pub(super) fn tree(&self) -> Option<Value> {
        if self.is_null() {
            return Some(Value::Nil);
        }
        match self {
            Self::MessagePack(bytes) => {
                let mut rest = bytes.as_slice();
                let value = rmpv::decode::read_value_with_max_depth(&mut rest, MAX_DEPTH).ok()?;
                rest.is_empty().then_some(value)
            }
            Self::Json(bytes) => serde_json::from_slice(bytes).ok().map(tree_of_json),
        }
    }

    /// Encodes a tree as MessagePack.
    pub(super) fn of_tree(tree: &Value) -> Self {
        let mut bytes = Vec::new();
        // Writing to a vector cannot fail; an empty one would read as null.
        let _ = rmpv::encode::write_value(&mut bytes, tree);
        Self::MessagePack(bytes)
    }
}

/// Turns JSON into the tree that the same value has in MessagePack. serde_json refuses nesting
/// over 128 levels by itself.
fn tree_of_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(flag) => Value::Boolean(flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(float)) => Value::F64(float),
            (None, None) => Value::Nil,
        },
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(items) => {
            Value::Array(items.into_iter().map(tree_of_json).collect())
        }
        serde_json::Value::Object(fields) => Value::Map(
            fields
                .into_iter()
                .map(|(name, value)| (Value::from(name), tree_of_json(value)))
                .collect(),
        ),
    }
}

/// Decodes a tree that has been walked against its schema into the struct that stands for it.
///
/// Reports a fault of the provider and returns `None` when the struct and the schema disagree:
/// whatever the user can get wrong was reported by the walk.
pub(super) fn decode<T: DeserializeOwned>(tree: &Value, diags: &mut Diagnostics) -> Option<T> {
    let Encoded::MessagePack(bytes) = Encoded::of_tree(tree) else {
        return None;
    };
    let decoded = rmp_serde::from_slice(&bytes).ok();
    if decoded.is_none() {
        diags.fail_if_silent("A value that fits its schema could not be decoded");
    }
    decoded
}

/// Encodes what a typed method returned.
pub(super) fn encode<T: Serialize>(value: &T, diags: &mut Diagnostics) -> Option<Encoded> {
    encode_bytes(value, diags).map(Encoded::MessagePack)
}

/// Decodes a private state. What an older release wrote and this one cannot read counts as
/// absent: a private state only ever holds notes that can be made again.
pub(super) fn decode_private<T: DeserializeOwned>(
    bytes: &[u8],
    diags: &mut Diagnostics,
) -> Option<T> {
    let readable = rmp_serde::from_slice(if bytes.is_empty() { &[0xc0] } else { bytes }).ok();
    readable.or_else(|| decode(&Value::Nil, diags))
}

/// Encodes a private state.
pub(super) fn encode_bytes<T: Serialize>(value: &T, diags: &mut Diagnostics) -> Option<Vec<u8>> {
    let encoded = rmp_serde::to_vec_named(value).ok();
    if encoded.is_none() {
        diags.fail_if_silent("A value could not be encoded");
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_bytes_of_either_kind_are_null() {
        assert!(Encoded::MessagePack(vec![]).is_null());
        assert!(Encoded::Json(vec![]).is_null());
        assert!(Encoded::null().is_null());
    }

    #[test]
    fn bytes_behind_the_value_or_endless_nesting_are_refused() {
        assert_eq!(Encoded::MessagePack(vec![0xc3, 0xc3]).tree(), None);
        assert_eq!(Encoded::MessagePack(vec![0x91; 100_000]).tree(), None);
        assert_eq!(Encoded::Json(vec![b'['; 100_000]).tree(), None);
    }

    #[test]
    fn debug_shows_no_content() {
        let text = format!("{:?}", Encoded::Json(b"\"hunter2\"".to_vec()));
        assert_eq!(text, "Json(9 bytes)");
    }

    #[test]
    fn an_unreadable_private_state_counts_as_absent() {
        let mut diags = Diagnostics::default();
        let read: Option<Option<i64>> = decode_private(b"\x81\xa1a", &mut diags);
        assert_eq!(read, Some(None));
        assert!(diags.errors.is_empty());
    }
}
