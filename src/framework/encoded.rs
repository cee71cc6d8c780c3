//! Encoded values, as Terraform and the provider exchange them.
//!
//! The protocol sends values as MessagePack, and stored states as JSON.

use rmpv::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tf_provider::Diagnostics;

use super::diagnostics::Report;

/// The deepest nesting that is decoded. Schemas have a handful of levels, and a deeper value is
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

    /// Whether the value is null: no object on this side of a change.
    pub fn is_null(&self) -> bool {
        match self {
            Self::MessagePack(bytes) => bytes.is_empty() || bytes == &[0xc0],
            Self::Json(bytes) => bytes.is_empty() || bytes == b"null",
        }
    }

    /// The value as JSON. Null, unless it is encoded as JSON and can be read.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Json(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
            Self::MessagePack(_) => serde_json::Value::Null,
        }
    }

    /// The value as a tree, or `None` when the bytes are not a value or are nested too deep.
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
        // Writing to a vector cannot fail, and an empty one would be null.
        let _ = rmpv::encode::write_value(&mut bytes, tree);
        Self::MessagePack(bytes)
    }
}

/// The tree that a JSON value has in MessagePack. serde_json refuses more than 128 levels.
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

/// Decodes a tree that conforms to its schema into the struct of that schema.
///
/// Reports a bug in the provider and returns `None` when struct and schema disagree: every mistake
/// of a user was reported before.
pub(super) fn decode<T: DeserializeOwned>(tree: Value, diags: &mut Diagnostics) -> Option<T> {
    let decoded = rmpv::ext::from_value(tree).ok();
    if decoded.is_none() {
        diags.fail_if_silent("A value that conforms to its schema could not be decoded");
    }
    decoded
}

/// Encodes the struct that a typed method returned.
pub(super) fn encode<T: Serialize>(value: &T, diags: &mut Diagnostics) -> Option<Encoded> {
    encode_bytes(value, diags).map(Encoded::MessagePack)
}

/// Decodes a private state. One that an older release wrote and this release cannot read counts as
/// absent: a private state only holds what can be found out again.
pub(super) fn decode_private<T: DeserializeOwned>(
    bytes: &[u8],
    diags: &mut Diagnostics,
) -> Option<T> {
    let readable = rmp_serde::from_slice(if bytes.is_empty() { &[0xc0] } else { bytes }).ok();
    readable.or_else(|| decode(Value::Nil, diags))
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
    fn bytes_after_the_value_and_endless_nesting_are_refused() {
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
