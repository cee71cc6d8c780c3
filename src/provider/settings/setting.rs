//! A value that a person may have given, and where.
//!
//! A setting can come from a block, from the environment or from a command line, and while
//! planning it can be unknown.
//! Messages say where a value came from, never what it is.

use std::fmt;
use std::sync::Arc;

use tf_provider::AttributePath;
use tf_provider::value::Value;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An attribute of the block that is being looked at.
    Attribute(&'static str),
    /// An attribute of a named cluster in the provider block.
    ClusterAttribute(Arc<str>, &'static str),
    /// An environment variable.
    Variable(&'static str),
    /// An option of a command, or what was answered when the command asked.
    CommandLine(&'static str),
}

impl Source {
    /// The path for a diagnostic: the attribute, or the block as a whole for anything else.
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

/// A value that may be absent, not known yet, or known together with its source.
#[derive(Clone, Debug, Default)]
pub enum Setting<T> {
    /// Nobody set it.
    #[default]
    Absent,
    /// Set, to something that is known only later. An unknown value counts as set.
    Unknown(Source),
    /// Set and known.
    Known(T, Source),
}

impl<T> Setting<T> {
    /// Takes an attribute of a block. Null counts as absent.
    pub fn attribute(name: &'static str, value: Value<T>) -> Self {
        Self::from(Source::Attribute(name), value)
    }

    /// Takes a value that stands there. Null counts as absent.
    pub fn from(source: Source, value: Value<T>) -> Self {
        match value {
            Value::Value(value) => Self::Known(value, source),
            Value::Null => Self::Absent,
            Value::Unknown => Self::Unknown(source),
        }
    }

    /// Where it was set, if it was.
    pub fn source(&self) -> Option<Source> {
        match self {
            Self::Absent => None,
            Self::Unknown(source) | Self::Known(_, source) => Some(source.clone()),
        }
    }

    /// Whether anybody set it, known or not.
    pub fn is_given(&self) -> bool {
        self.source().is_some()
    }

    /// Where it was set, if it was set to something known only later.
    pub fn unknown(&self) -> Option<Source> {
        match self {
            Self::Unknown(source) => Some(source.clone()),
            _ => None,
        }
    }

    /// The same with another value, where it is known.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Setting<U> {
        match self {
            Self::Absent => Setting::Absent,
            Self::Unknown(source) => Setting::Unknown(source),
            Self::Known(value, source) => Setting::Known(map(value), source),
        }
    }

    /// This one if it was given, else the other.
    pub fn or(self, other: Self) -> Self {
        if self.is_given() { self } else { other }
    }
}
