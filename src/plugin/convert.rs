//! Conversions between the framework's types and the messages of the protocol.
//!
//! The only file that knows both. The crate's hash maps are sorted here, so that the same provider
//! always sends the same bytes.

use std::collections::HashMap;
use std::time::SystemTime;

use serde::Serialize;
use tf_provider::schema::{
    Attribute, AttributeConstraint, AttributeType, Description, FunctionSchema, Parameter, Schema,
    StringKind,
};
use tf_provider::{AttributePath, AttributePathStep, Diagnostic, Diagnostics};

use super::proto;
use crate::framework::{ClientCapabilities, Deferred, EACH, Encoded, ListEvent, WriteOnly};
use crate::printable::escaped;

/// A value of a message. A field that is absent or empty is null.
pub(super) fn value(value: Option<proto::DynamicValue>) -> Encoded {
    match value {
        Some(value) if !value.msgpack.is_empty() => Encoded::MessagePack(value.msgpack),
        Some(value) if !value.json.is_empty() => Encoded::Json(value.json),
        _ => Encoded::null(),
    }
}

/// A value for a message.
pub(super) fn dynamic(value: Encoded) -> proto::DynamicValue {
    match value {
        Encoded::MessagePack(msgpack) => proto::DynamicValue {
            msgpack,
            json: Vec::new(),
        },
        Encoded::Json(json) => proto::DynamicValue {
            msgpack: Vec::new(),
            json,
        },
    }
}

/// An identity of a message.
pub(super) fn identity(identity: Option<proto::ResourceIdentityData>) -> Option<Encoded> {
    let identity = value(identity?.identity_data);
    Some(identity).filter(|identity| !identity.is_null())
}

/// An identity for a message.
pub(super) fn identity_data(identity: Encoded) -> proto::ResourceIdentityData {
    proto::ResourceIdentityData {
        identity_data: Some(dynamic(identity)),
    }
}

/// A stored value of a message.
pub(super) fn stored(raw: proto::RawState) -> Encoded {
    Encoded::Json(raw.json)
}

/// The capabilities of a caller. One that names none has none.
pub(super) fn client(capabilities: Option<proto::ClientCapabilities>) -> ClientCapabilities {
    let capabilities = capabilities.unwrap_or_default();
    ClientCapabilities {
        deferral_allowed: capabilities.deferral_allowed,
        write_only_attributes_allowed: capabilities.write_only_attributes_allowed,
    }
}

/// The reason of a deferral, for a message.
pub(super) fn deferred(deferred: Deferred) -> proto::Deferred {
    use proto::deferred::Reason;
    let reason = match deferred {
        Deferred::ConfigUnknown => Reason::ResourceConfigUnknown,
        Deferred::ProviderConfigUnknown => Reason::ProviderConfigUnknown,
        Deferred::AbsentPrerequisite => Reason::AbsentPrereq,
    };
    proto::Deferred {
        reason: reason.into(),
    }
}

/// A time for a message.
pub(super) fn timestamp(time: SystemTime) -> prost_types::Timestamp {
    time.into()
}

impl From<ListEvent> for proto::list_resource::Event {
    fn from(event: ListEvent) -> Self {
        Self {
            identity: event.identity.map(identity_data),
            display_name: event.display_name,
            resource_object: event.state.map(dynamic),
            diagnostic: diagnostics(event.diagnostics),
        }
    }
}

impl From<String> for proto::invoke_action::Event {
    /// A line of progress.
    fn from(message: String) -> Self {
        use proto::invoke_action::event::{Progress, Type};
        Self {
            r#type: Some(Type::Progress(Progress { message })),
        }
    }
}

/// Errors first, then warnings, each in the order they were reported.
pub(super) fn diagnostics(diags: Diagnostics) -> Vec<proto::Diagnostic> {
    use proto::diagnostic::Severity::{Error, Warning};
    let errors = diags.errors.into_iter().map(|diag| (Error, diag));
    let warnings = diags.warnings.into_iter().map(|diag| (Warning, diag));
    errors
        .chain(warnings)
        .map(|(severity, diag)| proto::Diagnostic {
            severity: severity.into(),
            summary: diag.summary.into_owned(),
            detail: escaped(diag.detail).into_owned(),
            attribute: Some(path(diag.attribute)).filter(|path| !path.steps.is_empty()),
        })
        .collect()
}

/// The errors of a function as the one error of the protocol. Its argument is the first that an
/// error names. Functions have no warnings.
pub(super) fn function_error(diags: &Diagnostics) -> Option<proto::FunctionError> {
    let text = |error: &Diagnostic| match error.detail.as_ref() {
        "" => error.summary.to_string(),
        detail => format!("{}: {}", error.summary, escaped(detail.into())),
    };
    let argument = |error: &Diagnostic| match error.attribute.steps.first() {
        Some(AttributePathStep::Index(index)) => Some(*index),
        _ => None,
    };
    let texts: Vec<String> = diags.errors.iter().map(text).collect();
    (!texts.is_empty()).then(|| proto::FunctionError {
        text: texts.join("\n"),
        function_argument: diags.errors.iter().find_map(argument),
    })
}

/// A path to an attribute.
pub(super) fn path(path: AttributePath) -> proto::AttributePath {
    use proto::attribute_path::Step;
    use proto::attribute_path::step::Selector;
    let steps = path.steps.into_iter().map(|step| Step {
        selector: Some(match step {
            AttributePathStep::Attribute(name) => Selector::AttributeName(name.into_owned()),
            AttributePathStep::Key(key) => Selector::ElementKeyString(key.into_owned()),
            AttributePathStep::Index(index) => Selector::ElementKeyInt(index),
        }),
    });
    proto::AttributePath {
        steps: steps.collect(),
    }
}

/// A schema of attributes. There are no nested blocks: attributes are nested instead.
pub(super) fn schema(schema: &Schema) -> proto::Schema {
    schema_with_write_only(schema, &WriteOnly::none())
}

/// A schema in which some attributes are write-only.
pub(super) fn schema_with_write_only(schema: &Schema, write_only: &WriteOnly) -> proto::Schema {
    let block = &schema.block;
    let (description, description_kind) = description(&block.description);
    proto::Schema {
        version: schema.version,
        block: Some(proto::schema::Block {
            version: block.version,
            attributes: attributes(&block.attributes, &[], write_only),
            description,
            description_kind,
            deprecated: block.deprecated,
            ..Default::default()
        }),
    }
}

/// The schema of an identity. In it, required and optional are about an import.
pub(super) fn identity_schema(schema: &Schema) -> proto::ResourceIdentitySchema {
    use AttributeConstraint::{Optional, Required};
    let attributes = attributes(&schema.block.attributes, &[], &WriteOnly::none());
    let attributes = attributes.into_iter().map(|attribute| {
        let constraint = &schema.block.attributes[&attribute.name].constraint;
        proto::resource_identity_schema::IdentityAttribute {
            name: attribute.name.clone(),
            r#type: attribute.r#type,
            required_for_import: *constraint == Required,
            optional_for_import: *constraint == Optional,
            description: attribute.description,
        }
    });
    proto::ResourceIdentitySchema {
        version: schema.version,
        identity_attributes: attributes.collect(),
    }
}

/// The attributes at a path, sorted by their names.
fn attributes(
    attributes: &HashMap<String, Attribute>,
    path: &[&str],
    write_only: &WriteOnly,
) -> Vec<proto::schema::Attribute> {
    let mut attributes: Vec<_> = attributes
        .iter()
        .map(|(name, described)| attribute(described, &[path, &[name]].concat(), write_only))
        .collect();
    attributes.sort_by(|one, other| one.name.cmp(&other.name));
    attributes
}

fn attribute(
    attribute: &Attribute,
    path: &[&str],
    write_only: &WriteOnly,
) -> proto::schema::Attribute {
    use AttributeConstraint::{Computed, Optional, OptionalComputed, Required};
    let nested_type = nested(&attribute.attr_type, path, write_only);
    let (description, description_kind) = description(&attribute.description);
    proto::schema::Attribute {
        name: path.last().copied().unwrap_or_default().to_owned(),
        // With both set, Terraform refuses the schema.
        r#type: match nested_type {
            Some(_) => Vec::new(),
            None => type_json(&attribute.attr_type),
        },
        nested_type,
        description,
        description_kind,
        required: attribute.constraint == Required,
        optional: matches!(attribute.constraint, Optional | OptionalComputed),
        computed: matches!(attribute.constraint, Computed | OptionalComputed),
        sensitive: attribute.sensitive,
        deprecated: attribute.deprecated,
        write_only: write_only.contains(path),
        ..Default::default()
    }
}

fn nested(
    attr_type: &AttributeType,
    path: &[&str],
    write_only: &WriteOnly,
) -> Option<proto::schema::Object> {
    use proto::schema::object::NestingMode;
    let (nesting, inner) = match attr_type {
        AttributeType::AttributeSingle(inner) => (NestingMode::Single, inner),
        AttributeType::AttributeList(inner) => (NestingMode::List, inner),
        AttributeType::AttributeSet(inner) => (NestingMode::Set, inner),
        AttributeType::AttributeMap(inner) => (NestingMode::Map, inner),
        _ => return None,
    };
    let element: &[&str] = match nesting {
        NestingMode::Single => &[],
        _ => &[EACH],
    };
    Some(proto::schema::Object {
        attributes: attributes(inner, &[path, element].concat(), write_only),
        nesting: nesting.into(),
    })
}

/// The definition of a function.
pub(super) fn function(function: &FunctionSchema) -> proto::Function {
    let (description, description_kind) = description(&function.description);
    proto::Function {
        parameters: function.parameters.iter().map(parameter).collect(),
        variadic_parameter: function.variadic.as_ref().map(parameter),
        r#return: Some(proto::function::Return {
            r#type: type_json(&function.return_type),
        }),
        summary: function.summary.clone(),
        description,
        description_kind,
        deprecation_message: function.deprecated.clone().unwrap_or_default(),
    }
}

fn parameter(parameter: &Parameter) -> proto::function::Parameter {
    let (description, description_kind) = description(&parameter.description);
    proto::function::Parameter {
        name: parameter.name.clone(),
        r#type: type_json(&parameter.param_type),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: parameter.allow_unknown,
        description,
        description_kind,
    }
}

fn description(description: &Description) -> (String, i32) {
    let kind = match description.kind {
        StringKind::Plain => proto::StringKind::Plain,
        StringKind::Markdown => proto::StringKind::Markdown,
    };
    (description.content.clone(), kind.into())
}

/// A type constraint as JSON. It passes through a `Value`, whose objects are sorted.
fn type_json(constraint: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_value(constraint).unwrap_or_default();
    json.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::Report;
    use crate::framework::schema::{computed, optional, required, sensitive};

    fn object(names: [&str; 3]) -> AttributeType {
        let fields = names.map(|name| (name.to_owned(), AttributeType::String));
        AttributeType::Object(fields.into())
    }

    fn example() -> proto::schema::Block {
        let inner = [("zone", "b"), ("age", "a")].map(|(name, description)| {
            let attribute = optional(AttributeType::Number, description);
            (name.to_owned(), attribute)
        });
        let nested = AttributeType::AttributeList(inner.into());
        let example = crate::framework::schema::schema(
            "An example.",
            [
                ("nested", optional(nested, "nested")),
                ("plain", computed(object(["c", "a", "b"]), "plain")),
                (
                    "secret",
                    sensitive(required(AttributeType::String, "secret")),
                ),
            ],
        );
        schema(&example).block.unwrap()
    }

    #[test]
    fn attributes_are_sorted_at_every_level() {
        let block = example();
        let names: Vec<_> = block.attributes.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["nested", "plain", "secret"]);
        let inner = block.attributes[0].nested_type.as_ref().unwrap();
        let names: Vec<_> = inner.attributes.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["age", "zone"]);
    }

    #[test]
    fn a_nested_attribute_has_no_type_beside_its_nesting() {
        let block = example();
        assert!(block.attributes[0].r#type.is_empty());
        let plain = String::from_utf8(block.attributes[1].r#type.clone()).unwrap();
        assert_eq!(
            plain,
            r#"["object",{"a":"string","b":"string","c":"string"}]"#
        );
        assert!(block.attributes[1].nested_type.is_none());
    }

    #[test]
    fn constraints_and_sensitivity_come_through() {
        let flags =
            |a: &proto::schema::Attribute| (a.required, a.optional, a.computed, a.sensitive);
        let flags: Vec<_> = example().attributes.iter().map(flags).collect();
        let nested = (false, true, false, false);
        let plain = (false, false, true, false);
        let secret = (true, false, false, true);
        assert_eq!(flags, [nested, plain, secret]);
    }

    #[test]
    fn an_absent_value_is_null() {
        assert!(value(None).is_null());
        assert!(value(Some(proto::DynamicValue::default())).is_null());
    }

    #[test]
    fn errors_precede_warnings_and_keep_their_paths() {
        let mut diags = Diagnostics::default();
        diags.warn("W", "", AttributePath::root());
        diags.fail("E", "why", AttributePath::new("a").key("k").index(3));
        let sent = diagnostics(diags);
        assert_eq!((sent[0].severity, sent[1].severity), (1, 2));
        assert_eq!(sent[0].attribute.as_ref().unwrap().steps.len(), 3);
        assert!(sent[1].attribute.is_none());
    }

    #[test]
    fn a_function_error_names_its_argument() {
        let mut diags = Diagnostics::default();
        assert!(function_error(&diags).is_none());
        diags.fail("First", "", AttributePath::root());
        diags.fail("Second", "why", AttributePath::function_argument(1));
        let error = function_error(&diags).unwrap();
        assert_eq!(error.text, "First\nSecond: why");
        assert_eq!(error.function_argument, Some(1));
    }
}
