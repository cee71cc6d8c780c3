//! What the checks of a plan have found.

use tf_provider::Diagnostics;

use crate::framework::{Problem, Report};

/// The findings of a check.
#[derive(Debug, Default)]
pub struct Findings {
    /// What would make the apply fail.
    pub problems: Vec<Problem>,
    /// What may, or what has another effect than it seems to.
    pub warnings: Vec<Problem>,
}

impl Findings {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty() && self.warnings.is_empty()
    }

    /// Reports errors and warnings.
    pub fn report(self, diags: &mut Diagnostics) {
        diags.problems(self.problems);
        diags.warnings(self.warnings);
    }
}
