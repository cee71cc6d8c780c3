//! The names of settings in messages.

use crate::provider::settings::definition::Definition;

/// How messages name settings.
#[derive(Clone, Copy, Debug)]
pub enum Words {
    /// By their attributes.
    Attributes,
    /// By the options and environment variables that the function returns.
    Options(fn(&Definition) -> String),
}

impl Words {
    /// The name of a setting.
    pub(super) fn name(self, setting: &Definition) -> String {
        match self {
            Self::Attributes => format!("`{}`", setting.name),
            Self::Options(name) => name(setting),
        }
    }

    /// A setting with a value, in the syntax of HCL for an attribute.
    pub(super) fn assignment(self, setting: &Definition, hcl: &str) -> String {
        match self {
            Self::Attributes => format!("`{} = {hcl}`", setting.name),
            Self::Options(name) => {
                let value = hcl.trim_matches(['[', ']', '"']);
                let name = name(setting);
                let separator = if name.starts_with("--") { ' ' } else { '=' };
                format!("{name}{separator}{value}")
            }
        }
    }

    /// The text for attributes, or else the one for a command line.
    pub(super) fn choose(self, attributes: &'static str, options: &'static str) -> &'static str {
        match self {
            Self::Attributes => attributes,
            Self::Options(_) => options,
        }
    }
}
