//! An explanation: what happened, and what to change.

/// The result of a connection check or the failure of a request, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, in whole sentences.
    pub message: String,
    /// What to change; empty if nothing needs to change.
    pub remedy: String,
}

impl Explanation {
    /// Message and remedy as one text.
    pub fn text(&self) -> String {
        format!("{} {}", self.message, self.remedy)
            .trim_end()
            .to_owned()
    }
}
