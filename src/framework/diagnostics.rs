//! The one place where diagnostics are built.
//!
//! `tf-provider`'s own constructors append a backtrace when `RUST_BACKTRACE` is set, so diagnostics
//! are built here by struct literal. A summary is a constant: Terraform folds warnings with equal
//! summaries, and a constant can be searched for. The detail holds the specifics.

use std::borrow::Cow;

use tf_provider::{AttributePath, Diagnostic, Diagnostics};

/// An error as a value: a function that only computes returns it, and the method that Terraform
/// called reports it once, with [`Report::problem`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What failed: a constant.
    pub summary: &'static str,
    /// The object, the cause, and what to change.
    pub detail: Cow<'static, str>,
    /// The attribute at fault, or [`AttributePath::root`].
    pub attribute: AttributePath,
}

impl Problem {
    /// An error about an attribute.
    pub fn new(
        summary: &'static str,
        detail: impl Into<Cow<'static, str>>,
        attribute: AttributePath,
    ) -> Self {
        Self {
            summary,
            detail: detail.into(),
            attribute,
        }
    }

    /// The same problem with one more sentence of detail.
    #[must_use]
    pub fn with_sentence(self, sentence: &str) -> Self {
        Self {
            detail: format!("{} {sentence}", self.detail).into(),
            ..self
        }
    }
}

/// Adds errors and warnings to the diagnostics of a call.
pub trait Report {
    /// Adds an error that a function returned.
    fn problem(&mut self, problem: Problem);

    /// Adds every error that a function returned.
    fn problems(&mut self, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            self.problem(problem);
        }
    }

    /// Adds what a function returned as warnings.
    fn warnings(&mut self, warnings: impl IntoIterator<Item = Problem>) {
        for warning in warnings {
            self.warn(warning.summary, warning.detail, warning.attribute);
        }
    }

    /// Adds an error: what failed (`summary`, constant), on which object, why and what to change
    /// (`detail`), and the attribute it is about ([`AttributePath::root`] when about none).
    fn fail(
        &mut self,
        summary: &'static str,
        detail: impl Into<Cow<'static, str>>,
        attribute: AttributePath,
    );

    /// Adds a warning, in the same form as [`Report::fail`].
    fn warn(
        &mut self,
        summary: &'static str,
        detail: impl Into<Cow<'static, str>>,
        attribute: AttributePath,
    );

    /// Adds an error that only a bug in the provider can cause, unless there is an error already.
    fn fail_if_silent(&mut self, what: &'static str);
}

impl Report for Diagnostics {
    fn problem(&mut self, problem: Problem) {
        self.fail(problem.summary, problem.detail, problem.attribute);
    }

    fn fail(
        &mut self,
        summary: &'static str,
        detail: impl Into<Cow<'static, str>>,
        attribute: AttributePath,
    ) {
        self.errors.push(Diagnostic {
            summary: summary.into(),
            detail: detail.into(),
            attribute,
        });
    }

    fn warn(
        &mut self,
        summary: &'static str,
        detail: impl Into<Cow<'static, str>>,
        attribute: AttributePath,
    ) {
        self.warnings.push(Diagnostic {
            summary: summary.into(),
            detail: detail.into(),
            attribute,
        });
    }

    fn fail_if_silent(&mut self, what: &'static str) {
        if self.errors.is_empty() {
            self.fail(
                "Bug in the provider",
                format!("{what}. This is a bug in the provider. Please report it."),
                AttributePath::root(),
            );
        }
    }
}

/// An attribute's path as a configuration writes it: `acl[1].path`.
pub fn path_text(path: &AttributePath) -> String {
    use std::fmt::Write;

    use tf_provider::AttributePathStep as Step;

    let mut text = String::new();
    for step in &path.steps {
        // Writing to a string cannot fail.
        let _ = match step {
            Step::Attribute(name) if text.is_empty() => write!(text, "{name}"),
            Step::Attribute(name) => write!(text, ".{name}"),
            Step::Key(key) => write!(text, "[{key:?}]"),
            Step::Index(index) => write!(text, "[{index}]"),
        };
    }
    text
}
