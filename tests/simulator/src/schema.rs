//! The parameters a call takes, and the texts with which the server refuses others.

use std::collections::BTreeMap;

use crate::params::{Param, Params};
use crate::result::Failure;
use crate::version::Version;
use crate::{grammar, roles};

/// The type a parameter must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    Integer,
    Boolean,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
        }
    }
}

/// The grammar a text must follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    Any,
    UserId,
    UserIds,
    TokenIds,
    GroupId,
    GroupIds,
    RoleId,
    PoolId,
    RoleIds,
    Privileges,
    ConfigIds,
    Realm,
    Node,
    Email,
    /// A pattern instead of a format: the name of a token.
    TokenName,
    /// A pattern: a user or a token.
    UserOrToken,
    /// A pattern: the `keys` of a user.
    Keys,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Grammar {
    fn is_list(self) -> bool {
        matches!(
            self,
            Self::UserIds
                | Self::TokenIds
                | Self::GroupIds
                | Self::RoleIds
                | Self::Privileges
                | Self::ConfigIds
        )
    }
}

/// One parameter of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Property {
    name: &'static str,
    kind: Type,
    optional: bool,
    grammar: Grammar,
    least: Option<usize>,
    most: Option<usize>,
    minimum: Option<i64>,
    requires: Option<&'static str>,
    since: fn(Version) -> bool,
}

impl Property {
    const fn new(name: &'static str, kind: Type, grammar: Grammar) -> Self {
        Self {
            name,
            kind,
            optional: false,
            grammar,
            least: None,
            most: None,
            minimum: None,
            requires: None,
            since: |_| true,
        }
    }

    /// A text without rules of its own.
    pub(crate) const fn string(name: &'static str) -> Self {
        Self::new(name, Type::String, Grammar::Any)
    }

    /// A text that follows a grammar.
    pub(crate) const fn text(name: &'static str, grammar: Grammar) -> Self {
        Self::new(name, Type::String, grammar)
    }

    /// A whole number.
    pub(crate) const fn integer(name: &'static str) -> Self {
        Self::new(name, Type::Integer, Grammar::Any)
    }

    /// `0` or `1`.
    pub(crate) const fn boolean(name: &'static str) -> Self {
        Self::new(name, Type::Boolean, Grammar::Any)
    }

    /// May be left out.
    pub(crate) const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// At least this many characters.
    pub(crate) const fn least(mut self, characters: usize) -> Self {
        self.least = Some(characters);
        self
    }

    /// At most this many characters.
    pub(crate) const fn most(mut self, characters: usize) -> Self {
        self.most = Some(characters);
        self
    }

    /// No smaller number than this.
    pub(crate) const fn minimum(mut self, value: i64) -> Self {
        self.minimum = Some(value);
        self
    }

    /// Only together with another parameter.
    pub(crate) const fn requires(mut self, other: &'static str) -> Self {
        self.requires = Some(other);
        self
    }

    /// Known only to versions for which this holds.
    pub(crate) const fn since(mut self, known: fn(Version) -> bool) -> Self {
        self.since = known;
        self
    }

    /// The user id of a path or form.
    pub(crate) const fn userid() -> Self {
        Self::text("userid", Grammar::UserId).most(64)
    }
}

/// Lists given as JSON arrays become the comma-separated texts the grammars know
/// (385-json-update-delete-list).
fn normalize(property: &Property, value: &Param) -> Option<Param> {
    let Param::List(items) = value else {
        return None;
    };
    if !property.grammar.is_list() {
        return None;
    }
    let texts: Vec<&str> = items.iter().filter_map(Param::text).collect();
    Some(Param::Text(texts.join(",")))
}

/// Checks parameters against what a call takes and brings them into one form.
///
/// # Errors
/// `400 Parameter verification failed.` with a text for each faulty parameter.
pub(crate) fn verify(
    properties: &[Property],
    mut params: Params,
    version: Version,
) -> Result<Params, Failure> {
    let known: Vec<&Property> = properties.iter().filter(|p| (p.since)(version)).collect();
    let mut errors = BTreeMap::new();
    for property in &known {
        if let Some(list) = params
            .get(property.name)
            .and_then(|value| normalize(property, value))
        {
            params.insert(property.name.to_owned(), list);
        }
        if let Err(text) = check(property, params.get(property.name), version) {
            errors.insert(property.name.to_owned(), text);
        }
    }
    for name in params.keys() {
        match known.iter().find(|property| property.name == name) {
            None => {
                let text = "property is not defined in schema \
                            and the schema does not allow additional properties";
                errors.insert(name.clone(), text.to_owned());
            }
            Some(Property {
                requires: Some(other),
                ..
            }) if !is_given(&params, other) => {
                errors.insert(
                    (*other).to_owned(),
                    format!("missing property required by '{name}'"),
                );
            }
            Some(_) => {}
        }
    }
    if errors.is_empty() {
        Ok(params)
    } else {
        Err(Failure::parameters(errors))
    }
}

fn is_given(params: &Params, name: &str) -> bool {
    params
        .get(name)
        .is_some_and(|value| *value != Param::Undefined)
}

fn check(property: &Property, value: Option<&Param>, version: Version) -> Result<(), String> {
    let kind = property.kind.name();
    let got = |what: &str| Err(format!("type check ('{kind}') failed - got {what}"));
    let text = match value {
        None | Some(Param::Undefined) if property.optional => return Ok(()),
        None | Some(Param::Undefined) => {
            return Err("property is missing and it is not optional".to_owned());
        }
        Some(Param::Boolean(_)) if property.kind == Type::Boolean => return Ok(()),
        Some(Param::Boolean(_)) => return got("JSON::PP::Boolean"),
        Some(Param::List(_)) => return got("ARRAY"),
        Some(Param::Hash) => return got("HASH"),
        Some(Param::Text(text)) => text,
    };
    match property.kind {
        Type::Boolean if text != "0" && text != "1" => return got(&format!("'{text}'")),
        Type::Integer if !is_integer(text) => return got(&format!("'{text}'")),
        _ => {}
    }
    check_grammar(property.grammar, text, version)?;
    let length = text.chars().count();
    if let Some(most) = property.most.filter(|&most| length > most) {
        return Err(format!("value may only be {most} characters long"));
    }
    if let Some(least) = property.least.filter(|&least| length < least) {
        return Err(format!("value must be at least {least} characters long"));
    }
    if let Some(minimum) = property.minimum
        && text
            .trim_end()
            .parse::<f64>()
            .is_ok_and(|number| number < minimum as f64)
    {
        return Err(format!("value must have a minimum value of {minimum}"));
    }
    Ok(())
}

fn is_integer(text: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}

fn check_grammar(grammar: Grammar, text: &str, version: Version) -> Result<(), String> {
    let format = |text: String| format!("invalid format - {text}");
    let pattern = |holds: bool| {
        if holds {
            Ok(())
        } else {
            Err("value does not match the regex pattern".to_owned())
        }
    };
    if grammar.is_list() {
        return grammar::split_list(text)
            .into_iter()
            .try_for_each(|item| check_item(grammar, item, version))
            .map_err(format);
    }
    match grammar {
        Grammar::TokenName => pattern(grammar::is_realm(text)),
        Grammar::UserOrToken => {
            pattern(grammar::split_user(text).is_some() || grammar::split_token(text).is_some())
        }
        Grammar::Keys => pattern(
            text.len() <= 4096
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '!' | '=')),
        ),
        Grammar::OneOf(words) if !words.contains(&text) => Err(format!(
            "value '{text}' does not have a value in the enumeration '{}'",
            words.join(", ")
        )),
        other => check_item(other, text, version).map_err(format),
    }
}

fn check_item(grammar: Grammar, text: &str, version: Version) -> Result<(), String> {
    let fault = match grammar {
        Grammar::UserId | Grammar::UserIds => {
            return grammar::verify_username(text).map(|_| ());
        }
        Grammar::TokenIds if grammar::split_token(text).is_none() => {
            format!("value '{text}' does not look like a valid token ID\n")
        }
        Grammar::GroupId | Grammar::GroupIds if !grammar::is_group(text) => {
            format!("group name '{text}' contains invalid characters\n")
        }
        Grammar::PoolId if !text.split('/').all(grammar::is_group) => {
            format!("pool name '{text}' contains invalid characters\n")
        }
        Grammar::RoleId | Grammar::RoleIds if !grammar::is_group(text) => {
            format!("role name '{text}' contains invalid characters\n")
        }
        Grammar::Privileges if !roles::is_privilege(version, text) => {
            format!("invalid privilege '{text}'\n")
        }
        Grammar::ConfigIds if !grammar::is_config_id(text) => {
            format!("invalid configuration ID '{text}'\n")
        }
        Grammar::Realm if !grammar::is_realm(text) => {
            "value does not look like a valid realm\n".to_owned()
        }
        Grammar::Node
            if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') =>
        {
            "value does not look like a valid node name\n".to_owned()
        }
        Grammar::Email if !text.is_empty() && !grammar::is_email(text) => {
            "value does not look like a valid email address\n".to_owned()
        }
        _ => return Ok(()),
    };
    Err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::decode_form;

    const PROPERTIES: &[Property] = &[
        Property::userid(),
        Property::integer("expire").minimum(0).optional(),
        Property::boolean("privsep").optional(),
        Property::text("delete", Grammar::ConfigIds).optional(),
    ];

    fn faults(form: &str) -> BTreeMap<String, String> {
        verify(PROPERTIES, decode_form(form.as_bytes()), Version::V9_1)
            .map(|_| BTreeMap::new())
            .unwrap_or_else(|failure| failure.errors)
    }

    #[test]
    fn all_parameter_errors_are_in_one_response() {
        let faults = faults("userid=demo@pve&foo=bar&expire=x&privsep=maybe");
        assert_eq!(
            faults["privsep"],
            "type check ('boolean') failed - got 'maybe'"
        );
        assert_eq!(faults["expire"], "type check ('integer') failed - got 'x'");
        assert!(faults["foo"].starts_with("property is not defined in schema and the schema"));
    }

    #[test]
    fn values_are_held_to_their_grammar_and_range() {
        assert_eq!(
            faults("userid=demo@pve&expire=-1")["expire"],
            "value must have a minimum value of 0"
        );
        assert!(faults("userid=demo@pve&expire=-0").is_empty());
        assert_eq!(
            faults("userid=demo@pve&delete=!!")["delete"],
            "invalid format - invalid configuration ID '!!'\n"
        );
        assert_eq!(
            faults("")["userid"],
            "property is missing and it is not optional"
        );
    }
}
