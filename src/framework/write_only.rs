//! Write-only attributes: a configuration sets them, and they are never stored.
//!
//! The protocol marks such an attribute in the schema, passes its value with the configuration,
//! and demands null in every plan and state. `tf-provider` has no mark for it, so a resource names
//! its write-only attributes by their paths
//! ([`ResourceAdapter::with_write_only`](super::ResourceAdapter::with_write_only)). The adapter
//! removes their values from whatever a typed method returns.

use std::collections::HashMap;

use rmpv::Value;
use tf_provider::schema::{Attribute, AttributeConstraint, AttributeType, Schema};
use tf_provider::{AttributePath, AttributePathStep, Diagnostics};

use super::diagnostics::{Problem, Report, path_text};
use super::{ClientCapabilities, Encoded};

/// The step of a path into each element of a list or a map.
pub const EACH: &str = "*";

/// The ending of the name of a write-only attribute. Without it, the name is that of the attribute
/// for the same value that is stored in the state.
const ENDING: &str = "_wo";

/// The write-only attributes of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOnly(Vec<Path>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Path {
    steps: Vec<&'static str>,
    /// The attribute beside it that stores the same value, if the schema has one.
    stored: Option<&'static str>,
}

impl WriteOnly {
    /// No write-only attributes.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The attributes at these paths, such as `secret_wo`, `login.password_wo` or, in each element
    /// of a list or a map, `users.*.password_wo`. A path to an attribute that cannot be write-only
    /// is a mistake in the definition of the resource.
    pub fn new(paths: &[&'static str], schema: &Schema, diags: &mut Diagnostics) -> Self {
        let attributes = &schema.block.attributes;
        let paths = paths.iter().map(|&path| {
            let steps: Vec<_> = path.split('.').collect();
            if let Err(cause) = check(attributes, &steps) {
                let detail = format!(
                    "`{path}` cannot be write-only: {cause}. This is a bug in the provider."
                );
                diags.fail(
                    "Invalid write-only attribute",
                    detail,
                    AttributePath::root(),
                );
            }
            let stored = stored_beside(attributes, &steps);
            Path { steps, stored }
        });
        Self(paths.collect())
    }

    /// Whether the attribute at this path is write-only.
    pub fn contains(&self, path: &[&str]) -> bool {
        self.0.iter().any(|one| one.steps == path)
    }

    /// The same object with these attributes null.
    pub(super) fn strip(&self, encoded: Encoded) -> Encoded {
        if self.0.is_empty() || encoded.is_null() {
            return encoded;
        }
        let Some(mut tree) = encoded.tree() else {
            return encoded;
        };
        for path in &self.0 {
            let nullify = &mut |value: &mut Value, _: &AttributePath| *value = Value::Nil;
            visit(&mut tree, &path.steps, &AttributePath::root(), nullify);
        }
        Encoded::of_tree(&tree)
    }

    /// An error for each of these attributes that a configuration sets, if the caller would store
    /// it.
    pub(super) fn refuse_where_stored(
        &self,
        config: &Encoded,
        client: ClientCapabilities,
        diags: &mut Diagnostics,
    ) {
        if self.0.is_empty() || client.write_only_attributes_allowed {
            return;
        }
        let Some(mut tree) = config.tree() else {
            return;
        };
        for path in &self.0 {
            let refuse = &mut |value: &mut Value, at: &AttributePath| {
                if !value.is_nil() {
                    diags.problem(would_be_stored(at, path.stored));
                }
            };
            visit(&mut tree, &path.steps, &AttributePath::root(), refuse);
        }
    }
}

fn would_be_stored(path: &AttributePath, stored: Option<&str>) -> Problem {
    let instead = match stored {
        Some(stored) => format!(", or set `{stored}` instead, which is stored in the state"),
        None => String::new(),
    };
    let detail = format!(
        "`{}` is write-only, but this version of Terraform would store its value in the state. Use \
         Terraform 1.11 or later, or OpenTofu 1.11 or later{instead}.",
        path_text(path)
    );
    Problem::new("Write-only attribute not supported", detail, path.clone())
}

/// The attribute beside a write-only one that stores the same value.
fn stored_beside(
    attributes: &HashMap<String, Attribute>,
    path: &[&'static str],
) -> Option<&'static str> {
    use AttributeType::{AttributeList, AttributeMap, AttributeSingle};

    let [name, rest @ ..] = path else { return None };
    if rest.is_empty() {
        let stored = name.strip_suffix(ENDING)?;
        return attributes.contains_key(stored).then_some(stored);
    }
    match (&attributes.get(*name)?.attr_type, rest) {
        (AttributeSingle(inner), rest) => stored_beside(inner, rest),
        (AttributeList(inner) | AttributeMap(inner), [EACH, rest @ ..]) => {
            stored_beside(inner, rest)
        }
        _ => None,
    }
}

/// Calls a function with each value at a path, and with where the value is.
fn visit(
    value: &mut Value,
    path: &[&str],
    at: &AttributePath,
    call: &mut impl FnMut(&mut Value, &AttributePath),
) {
    let Some((step, rest)) = path.split_first() else {
        return call(value, at);
    };
    match value {
        Value::Array(items) if *step == EACH => {
            for (index, item) in (0_i64..).zip(items) {
                let at = at.clone() + AttributePathStep::Index(index);
                visit(item, rest, &at, call);
            }
        }
        Value::Map(fields) => {
            for (name, field) in fields {
                let Some(name) = name.as_str() else { continue };
                let at = at.clone();
                if *step == EACH {
                    let at = at + AttributePathStep::Key(name.to_owned().into());
                    visit(field, rest, &at, call);
                } else if *step == name {
                    let at = at + AttributePathStep::Attribute(name.to_owned().into());
                    visit(field, rest, &at, call);
                }
            }
        }
        _ => {}
    }
}

/// Whether the protocol allows the attribute at a path to be write-only.
fn check(attributes: &HashMap<String, Attribute>, path: &[&str]) -> Result<(), &'static str> {
    use AttributeType::{AttributeList, AttributeMap, AttributeSet, AttributeSingle};

    let [name, rest @ ..] = path else {
        return Err("the path ends at an element");
    };
    let attribute = attributes.get(*name);
    let attribute = attribute.ok_or("the schema has no such attribute")?;
    match (&attribute.attr_type, rest) {
        (_, []) => match attribute.constraint {
            AttributeConstraint::Required | AttributeConstraint::Optional => Ok(()),
            _ => Err("the attribute is computed"),
        },
        (AttributeSingle(inner), rest) => check(inner, rest),
        (AttributeList(inner) | AttributeMap(inner), [EACH, rest @ ..]) => check(inner, rest),
        (AttributeSet(_), _) => Err("the elements of a set cannot have write-only attributes"),
        _ => Err("the schema has no such attribute"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::schema::{
        computed, nested, nested_list, nested_set, optional, required, schema,
    };

    const PATHS: &[&str] = &["secret_wo", "login.password_wo", "users.*.password_wo"];

    fn example() -> Schema {
        use AttributeType::{AttributeMap, String};
        let password = || [("password_wo", optional(String, "A password."))];
        let users = AttributeMap(crate::framework::schema::named(password()));
        let attributes = [
            ("name", required(String, "A name.")),
            ("id", computed(String, "An id.")),
            ("secret_wo", optional(String, "A secret.")),
            ("secret", optional(String, "A secret.")),
            ("login", optional(nested(password()), "A login.")),
            ("users", optional(users, "Users.")),
            ("keys", optional(nested_list(password()), "Keys.")),
            ("set", optional(nested_set(password()), "A set.")),
        ];
        schema("An example.", attributes)
    }

    fn write_only(paths: &[&'static str]) -> (WriteOnly, Vec<String>) {
        let mut diags = Diagnostics::default();
        let write_only = WriteOnly::new(paths, &example(), &mut diags);
        let details = diags.errors.into_iter();
        (write_only, details.map(|one| one.detail.into()).collect())
    }

    fn config() -> Encoded {
        let json = br#"{
            "name": "a",
            "secret_wo": "hunter2",
            "login": {"password_wo": "hunter2"},
            "users": {"bob": {"password_wo": "hunter2"}, "eve": null}
        }"#;
        Encoded::Json(json.to_vec())
    }

    #[test]
    fn attributes_at_any_depth_become_null_and_no_others() {
        let (write_only, mistakes) = write_only(PATHS);
        assert!(mistakes.is_empty());
        let tree = write_only.strip(config()).tree().unwrap();
        assert_eq!(tree["name"], Value::from("a"));
        assert_eq!(tree["secret_wo"], Value::Nil);
        assert_eq!(tree["login"]["password_wo"], Value::Nil);
        assert_eq!(tree["users"]["bob"]["password_wo"], Value::Nil);
        assert_eq!(tree["users"]["eve"], Value::Nil);
    }

    #[test]
    fn elements_of_a_list_are_stripped() {
        let (write_only, _) = write_only(&["keys.*.password_wo"]);
        let keys = Encoded::Json(br#"{"keys": [{"password_wo": "hunter2"}]}"#.to_vec());
        let tree = write_only.strip(keys).tree().unwrap();
        assert_eq!(tree["keys"][0]["password_wo"], Value::Nil);
    }

    #[test]
    fn an_attribute_that_cannot_be_write_only_is_a_mistake() {
        for (path, cause) in [
            ("nothing", "no such attribute"),
            ("name.inner", "no such attribute"),
            ("users.password_wo", "no such attribute"),
            ("users.*", "ends at an element"),
            ("id", "computed"),
            ("set.*.password_wo", "set"),
        ] {
            let (_, mistakes) = write_only(&[path]);
            assert_eq!(mistakes.len(), 1, "{path}");
            assert!(mistakes[0].contains(cause), "{path}: {}", mistakes[0]);
        }
    }

    #[test]
    fn a_caller_that_would_store_the_values_is_refused() {
        let (write_only, _) = write_only(PATHS);
        let refused = |write_only_attributes_allowed| {
            let client = ClientCapabilities {
                write_only_attributes_allowed,
                ..ClientCapabilities::default()
            };
            let mut diags = Diagnostics::default();
            write_only.refuse_where_stored(&config(), client, &mut diags);
            let paths = diags.errors.iter().map(|one| {
                let names_the_stored_one = one.detail.contains("set `secret` instead");
                (path_text(&one.attribute), names_the_stored_one)
            });
            paths.collect::<Vec<_>>()
        };
        let set = [
            ("secret_wo".to_owned(), true),
            ("login.password_wo".to_owned(), false),
            (r#"users["bob"].password_wo"#.to_owned(), false),
        ];
        assert_eq!(refused(false), set);
        assert!(refused(true).is_empty());
    }
}
