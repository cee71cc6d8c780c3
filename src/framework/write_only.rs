//! Attributes that a configuration sets and that are never kept.
//!
//! The protocol marks such an attribute in the schema, hands its value over with the
//! configuration, and demands null wherever something would be stored. `tf-provider` has no mark
//! for it, so a resource names its write-only attributes when it is wrapped
//! ([`super::ResourceAdapter::with_write_only`]), and the adapter holds to the demand: whatever a
//! typed method returns, these attributes leave as null.

use rmpv::Value;

use super::Encoded;

/// The same object with these attributes null.
pub(super) fn forget(encoded: Encoded, write_only: &[&str]) -> Encoded {
    if write_only.is_empty() || encoded.is_null() {
        return encoded;
    }
    let Some(Value::Map(mut fields)) = encoded.tree() else {
        return encoded;
    };
    for (name, value) in &mut fields {
        if name.as_str().is_some_and(|name| write_only.contains(&name)) {
            *value = Value::Nil;
        }
    }
    Encoded::of_tree(&Value::Map(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_attributes_become_null() {
        let object = Encoded::Json(br#"{"name":"a","secret_wo":"hunter2"}"#.to_vec());
        let kept = forget(object, &["secret_wo"]).tree().unwrap();
        assert_eq!(kept["name"], Value::from("a"));
        assert_eq!(kept["secret_wo"], Value::Nil);
    }
}
