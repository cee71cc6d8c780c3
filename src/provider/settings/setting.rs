//! The value of a setting, and where it came from.
//!
//! A setting comes from a block, from the environment or from the command line, and it can be
//! unknown during a plan. Messages name the source of a value and never the value itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tf_provider::AttributePath;
use tf_provider::value::Value;

pub use crate::framework::Problem;
use crate::provider::attributes::secret::StoredSecret;

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An attribute of the block at hand.
    Attribute(&'static str),
    /// An attribute of a named cluster in the provider block.
    ClusterAttribute(Arc<str>, &'static str),
    /// An environment variable.
    Variable(&'static str),
    /// An option of a command, or the answer to a question of the command.
    CommandLine(&'static str),
}

impl Source {
    /// The path for a diagnostic: the attribute, or the whole block for any other source.
    pub fn path(&self) -> AttributePath {
        match self {
            Self::Attribute(name) => AttributePath::new(*name),
            Self::ClusterAttribute(cluster, name) => AttributePath::new("clusters")
                .key(cluster.to_string())
                .attribute(*name),
            Self::Variable(_) | Self::CommandLine(_) => AttributePath::root(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(name) => write!(f, "`{name}`"),
            Self::ClusterAttribute(cluster, name) => write!(f, "`clusters[{cluster:?}].{name}`"),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::CommandLine(name) => f.write_str(name),
        }
    }
}

/// A value that is absent, unknown, or known together with its source.
#[derive(Clone, Debug, Default)]
pub enum Setting<T> {
    /// Not set.
    #[default]
    Absent,
    /// Set to a value that is known only after apply. An unknown value counts as set.
    Unknown(Source),
    /// Set and known.
    Known(T, Source),
}

impl<T> Setting<T> {
    /// Takes an attribute of a block. Null counts as absent.
    pub fn attribute(name: &'static str, value: Value<T>) -> Self {
        Self::from(Source::Attribute(name), value)
    }

    /// Takes a value from a source. Null counts as absent.
    pub fn from(source: Source, value: Value<T>) -> Self {
        match value {
            Value::Value(value) => Self::Known(value, source),
            Value::Null => Self::Absent,
            Value::Unknown => Self::Unknown(source),
        }
    }

    /// The source, if it is set.
    pub fn source(&self) -> Option<Source> {
        match self {
            Self::Absent => None,
            Self::Unknown(source) | Self::Known(_, source) => Some(source.clone()),
        }
    }

    /// Whether it is set, known or not.
    pub fn is_set(&self) -> bool {
        self.source().is_some()
    }

    /// The source, if the value is unknown.
    pub fn unknown(&self) -> Option<Source> {
        match self {
            Self::Unknown(source) => Some(source.clone()),
            _ => None,
        }
    }

    /// Applies a function to a known value.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Setting<U> {
        match self {
            Self::Absent => Setting::Absent,
            Self::Unknown(source) => Setting::Unknown(source),
            Self::Known(value, source) => Setting::Known(map(value), source),
        }
    }

    /// This setting if it is set, else the other.
    pub fn or(self, other: Self) -> Self {
        if self.is_set() { self } else { other }
    }

    /// The known value, `None` where it is absent.
    pub fn known(&self) -> Result<Option<(&T, &Source)>, SettingError> {
        match self {
            Self::Absent => Ok(None),
            Self::Unknown(source) => Err(SettingError::Unknown(source.clone())),
            Self::Known(value, source) => Ok(Some((value, source))),
        }
    }
}

/// Whether a value says nothing: an empty text, list or map.
pub trait Blank {
    /// Whether it is empty.
    fn is_blank(&self) -> bool;
}

impl Blank for String {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

impl Blank for StoredSecret {
    fn is_blank(&self) -> bool {
        self.secret().is_empty()
    }
}

impl<T> Blank for Vec<T> {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

impl<K, V> Blank for BTreeMap<K, V> {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

impl Blank for bool {
    fn is_blank(&self) -> bool {
        false
    }
}

impl Blank for i64 {
    fn is_blank(&self) -> bool {
        false
    }
}

/// Whether an attribute is set to something. An empty value counts as not set.
pub fn is_given<T: Blank>(value: &Value<T>) -> bool {
    match value {
        Value::Value(value) => !value.is_blank(),
        Value::Unknown => true,
        Value::Null => false,
    }
}

impl<T: Blank> Setting<T> {
    /// The setting, absent where its value is empty, as in the environment.
    #[must_use]
    pub fn unless_blank(self) -> Self {
        match self {
            Self::Known(value, _) if value.is_blank() => Self::Absent,
            other => other,
        }
    }
}

impl<T> Setting<Vec<T>> {
    /// The last of several values.
    pub fn last(self) -> Setting<T> {
        match self {
            Self::Absent => Setting::Absent,
            Self::Unknown(source) => Setting::Unknown(source),
            Self::Known(mut values, source) => match values.pop() {
                Some(value) => Setting::Known(value, source),
                None => Setting::Absent,
            },
        }
    }
}

/// Why a setting has no usable value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingError {
    /// Its value is known only after apply.
    Unknown(Source),
    /// Its value is missing or invalid.
    Invalid(Problem),
}

impl SettingError {
    /// An invalid value, reported on the attribute that it came from.
    pub fn invalid(
        summary: &'static str,
        detail: impl Into<Cow<'static, str>>,
        source: &Source,
    ) -> Self {
        Problem::new(summary, detail, source.path()).into()
    }

    /// The problem in a plan, which an unknown value is not.
    pub fn problem(self) -> Option<Problem> {
        match self {
            Self::Unknown(_) => None,
            Self::Invalid(problem) => Some(problem),
        }
    }

    /// The problem of a data source that needs the value.
    pub fn of_data_source(self, data_source: &str) -> Problem {
        match self {
            Self::Unknown(source) => Problem::new(
                "Data source cannot be read yet",
                format!(
                    "{source} is known only after apply, so `{data_source}` cannot be read during \
                     this plan. Add `depends_on` to the data block, with the resources that the \
                     value comes from, to read it during apply."
                ),
                AttributePath::root(),
            ),
            Self::Invalid(problem) => problem,
        }
    }
}

/// The problem of an operation that needs the value.
impl From<SettingError> for Problem {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::Unknown(source) => Self::new(
                "Provider not configured yet",
                format!(
                    "{source} is known only after apply, but is needed now. Apply the resources \
                     that it comes from first, for example with `-target`, or move them to a \
                     separate configuration. A data source can wait for them with `depends_on`."
                ),
                AttributePath::root(),
            ),
            SettingError::Invalid(problem) => problem,
        }
    }
}

impl From<Problem> for SettingError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(problem)
    }
}

/// The problem in a plan of a value that was resolved, if there is one.
pub fn problem<T>(resolved: Result<T, SettingError>) -> Option<Problem> {
    resolved.err().and_then(SettingError::problem)
}

/// A list of strings, which is unknown while any of its items is.
pub fn known_items(list: Value<Vec<Value<String>>>) -> Value<Vec<String>> {
    match list {
        Value::Value(items) if items.iter().any(Value::is_unknown) => Value::Unknown,
        Value::Value(items) => {
            let items = items.into_iter().filter_map(Value::as_option);
            Value::Value(items.filter(|item| !item.trim().is_empty()).collect())
        }
        Value::Null => Value::Null,
        Value::Unknown => Value::Unknown,
    }
}
