//! Where diagnostics may point.
//!
//! The command lines print the configuration line that a diagnostic points at, and for a nested
//! attribute the whole expression around it. A diagnostic about a sensitive attribute would print
//! its literal value, so it points at the block, and its text names the attribute. [`Pointing`] is
//! applied to every response, so no caller can get it wrong. Other diagnostics about a nested
//! attribute get the path that the command lines can follow.

use tf_provider::schema::{Attribute, AttributeType, Schema};
use tf_provider::{AttributePath, AttributePathStep, Diagnostic, Diagnostics};

use super::diagnostics::path_text;

/// Moves diagnostics away from attributes whose configuration may hold a secret.
pub trait Pointing {
    /// The same diagnostics, about the block as a whole where they are about an attribute that is
    /// sensitive or has a sensitive attribute inside.
    #[must_use]
    fn away_from_secrets(self, schema: &Schema) -> Self;
}

impl Pointing for Diagnostics {
    fn away_from_secrets(mut self, schema: &Schema) -> Self {
        for diagnostic in self.errors.iter_mut().chain(&mut self.warnings) {
            if points_at_a_secret(&diagnostic.attribute, schema) {
                name_instead(diagnostic);
            } else {
                point_inside(&mut diagnostic.attribute);
            }
        }
        self
    }
}

/// Points at an attribute inside of another one as at the key of a map. The command lines look for
/// an attribute in nested blocks only, and for a key in the expression of an attribute. What is
/// deeper inside, they do not find.
fn point_inside(path: &mut AttributePath) {
    path.steps.truncate(2);
    if let [AttributePathStep::Attribute(_), inner] = path.steps.as_mut_slice()
        && let AttributePathStep::Attribute(name) = inner
    {
        *inner = AttributePathStep::Key(std::mem::take(name));
    }
}

fn points_at_a_secret(path: &AttributePath, schema: &Schema) -> bool {
    let Some(AttributePathStep::Attribute(name)) = path.steps.first() else {
        return false;
    };
    let attribute = schema.block.attributes.get(name.as_ref());
    attribute.is_some_and(holds_a_secret)
}

fn holds_a_secret(attribute: &Attribute) -> bool {
    use AttributeType as Type;
    attribute.sensitive
        || match &attribute.attr_type {
            Type::AttributeSingle(nested)
            | Type::AttributeList(nested)
            | Type::AttributeSet(nested)
            | Type::AttributeMap(nested) => nested.values().any(holds_a_secret),
            _ => false,
        }
}

/// Points at no attribute. The detail names it, if it does not yet.
fn name_instead(diagnostic: &mut Diagnostic) {
    let path = std::mem::replace(&mut diagnostic.attribute, AttributePath::root());
    let last = path.steps.iter().rev().find_map(|step| match step {
        AttributePathStep::Attribute(name) => Some(name.as_ref()),
        AttributePathStep::Key(_) | AttributePathStep::Index(_) => None,
    });
    if last.is_some_and(|name| !diagnostic.detail.contains(name)) {
        let detail = format!("`{}`: {}", path_text(&path), diagnostic.detail);
        diagnostic.detail = detail.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::Report;
    use crate::framework::schema::{nested, optional, schema, sensitive};

    fn shop() -> Schema {
        let text = || optional(AttributeType::String, "");
        let inner = [("name", text()), ("key", sensitive(text()))];
        schema(
            "",
            [
                ("name", text()),
                ("key", sensitive(text())),
                ("door", optional(nested(inner), "")),
            ],
        )
    }

    fn pointed(path: AttributePath, detail: &'static str) -> (String, String) {
        let mut diags = Diagnostics::default();
        diags.warn("Summary", detail, path);
        let diagnostic = diags.away_from_secrets(&shop()).warnings.remove(0);
        (path_text(&diagnostic.attribute), diagnostic.detail.into())
    }

    #[test]
    fn a_harmless_attribute_is_pointed_at() {
        let path = AttributePath::new("name");
        assert_eq!(
            pointed(path, "Bad."),
            ("name".to_owned(), "Bad.".to_owned())
        );
    }

    #[test]
    fn an_attribute_inside_of_another_is_pointed_at_by_its_key() {
        let inside = AttributePath::new("name").attribute("a");
        assert_eq!(pointed(inside, "Bad.").0, r#"name["a"]"#);
        let deep = AttributePath::new("name").index(1).attribute("a");
        assert_eq!(pointed(deep, "Bad.").0, "name[1]");
    }

    #[test]
    fn a_secret_is_named_and_not_pointed_at() {
        for (path, detail, expected) in [
            (AttributePath::new("key"), "Bad.", "`key`: Bad."),
            (AttributePath::new("key"), "`key` is bad.", "`key` is bad."),
            (
                AttributePath::new("door").attribute("key"),
                "Bad.",
                "`door.key`: Bad.",
            ),
            // The whole of `door` would be printed.
            (
                AttributePath::new("door").attribute("name"),
                "Bad.",
                "`door.name`: Bad.",
            ),
        ] {
            assert_eq!(pointed(path, detail), (String::new(), expected.to_owned()));
        }
    }
}
