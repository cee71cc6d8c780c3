//! Why a setting has no usable value.

use std::borrow::Cow;

use tf_provider::AttributePath;

pub use crate::framework::Problem;
use crate::provider::settings::setting::Source;

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
