//! The definition of a connection's attribute.
//!
//! The provider block, each entry of its `clusters` and the resource `proxmox_host` share most
//! attributes of a connection. A [`Definition`] holds what an attribute is in all of these places,
//! and the environment variables that set it.

use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;

use crate::framework::schema;
use crate::provider::settings::setting::{Blank, Setting, Source};

/// An attribute of a connection.
#[derive(Debug)]
pub struct Definition {
    /// Name of the attribute.
    pub name: &'static str,
    /// Type of its value.
    pub kind: Kind,
    /// Description for the documentation, in Markdown.
    pub description: &'static str,
    /// Environment variables that set it. The first that is set takes effect.
    pub variables: &'static [&'static str],
    /// Form of the value in an environment variable, where it needs an explanation.
    pub format: &'static str,
}

/// The type of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A string that Terraform hides in its output.
    Secret,
    /// A boolean.
    Flag,
    /// A whole number.
    Number,
    /// A list of strings.
    TextList,
    /// A map of strings that Terraform hides in its output.
    SecretMap,
}

impl Kind {
    /// Whether the value is a secret.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretMap)
    }

    fn attribute_type(self) -> AttributeType {
        match self {
            Self::Text | Self::Secret => AttributeType::String,
            Self::Flag => AttributeType::Bool,
            Self::Number => AttributeType::Number,
            Self::TextList => schema::list_of_strings(),
            Self::SecretMap => schema::map_of_strings(),
        }
    }
}

impl Definition {
    /// The attribute with a note behind its description.
    pub fn attribute(&self, note: &str) -> (&'static str, Attribute) {
        let description = format!("{} {note}", self.description);
        let attribute = schema::optional(self.kind.attribute_type(), description.trim_end());
        let attribute = match self.kind.is_secret() {
            true => schema::sensitive(attribute),
            false => attribute,
        };
        (self.name, attribute)
    }

    /// The setting that a value of the attribute is, from the place that `source` names for it. An
    /// empty value counts as not set, as it does in the environment.
    pub fn setting<T: Blank>(
        &self,
        source: impl Fn(&'static str) -> Source,
        value: Value<T>,
    ) -> Setting<T> {
        Setting::from(source(self.name), value).unless_blank()
    }

    /// The attribute as the provider block has it, with its environment variables.
    pub fn in_block(&self) -> (&'static str, Attribute) {
        let variables: Vec<String> = self
            .variables
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        self.attribute(&format!(
            "Environment: {}{}.",
            variables.join(", else "),
            self.format
        ))
    }
}
