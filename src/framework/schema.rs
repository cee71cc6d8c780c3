//! Functions that build a schema: one call for each attribute, with the description that becomes its
//! documentation.

use std::collections::HashMap;

use tf_provider::schema::{
    Attribute, AttributeConstraint, AttributeType, Block, Description, Schema,
};

/// A schema of version 0 with a description (Markdown) and attributes.
pub fn schema<'a>(
    description: &str,
    attributes: impl IntoIterator<Item = (&'a str, Attribute)>,
) -> Schema {
    Schema {
        version: 0,
        block: Block {
            version: 0,
            attributes: named(attributes),
            blocks: HashMap::new(),
            description: Description::markdown(description),
            deprecated: false,
        },
    }
}

/// An attribute that a configuration must set.
pub fn required(attr_type: AttributeType, description: &str) -> Attribute {
    attribute(attr_type, AttributeConstraint::Required, description)
}

/// An attribute that a configuration may set, and that is null by default.
pub fn optional(attr_type: AttributeType, description: &str) -> Attribute {
    attribute(attr_type, AttributeConstraint::Optional, description)
}

/// An attribute that a configuration may set, and that the provider sets by default.
pub fn defaulted(attr_type: AttributeType, description: &str) -> Attribute {
    attribute(
        attr_type,
        AttributeConstraint::OptionalComputed,
        description,
    )
}

/// An attribute that only the provider sets.
pub fn computed(attr_type: AttributeType, description: &str) -> Attribute {
    attribute(attr_type, AttributeConstraint::Computed, description)
}

/// The same attribute, hidden in the output of Terraform.
pub fn sensitive(attribute: Attribute) -> Attribute {
    Attribute {
        sensitive: true,
        ..attribute
    }
}

/// A set of nested attributes.
pub fn nested_set<'a>(attributes: impl IntoIterator<Item = (&'a str, Attribute)>) -> AttributeType {
    AttributeType::AttributeSet(named(attributes))
}

/// A list of nested attributes.
pub fn nested_list<'a>(
    attributes: impl IntoIterator<Item = (&'a str, Attribute)>,
) -> AttributeType {
    AttributeType::AttributeList(named(attributes))
}

/// One object of nested attributes.
pub fn nested<'a>(attributes: impl IntoIterator<Item = (&'a str, Attribute)>) -> AttributeType {
    AttributeType::AttributeSingle(named(attributes))
}

/// A map of strings.
pub fn map_of_strings() -> AttributeType {
    AttributeType::Map(Box::new(AttributeType::String))
}

/// A list of strings.
pub fn list_of_strings() -> AttributeType {
    AttributeType::List(Box::new(AttributeType::String))
}

/// A map of sets of strings.
pub fn map_of_string_sets() -> AttributeType {
    let set = AttributeType::Set(Box::new(AttributeType::String));
    AttributeType::Map(Box::new(set))
}

fn attribute(
    attr_type: AttributeType,
    constraint: AttributeConstraint,
    description: &str,
) -> Attribute {
    Attribute {
        attr_type,
        description: Description::markdown(description),
        constraint,
        sensitive: false,
        deprecated: false,
    }
}

/// Attributes, by their names.
pub fn named<'a>(
    attributes: impl IntoIterator<Item = (&'a str, Attribute)>,
) -> HashMap<String, Attribute> {
    attributes
        .into_iter()
        .map(|(name, attribute)| (name.to_owned(), attribute))
        .collect()
}
