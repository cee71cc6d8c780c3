//! The connection check: how far one gets with a host, and what to change when it is not far
//! enough.
//!
//! A [`Report`] says it stage by stage, from the name to the privileges. The check makes as few
//! requests as it can over one connection; the stages before the first answer are told from how
//! that request ended. It never fails: what goes wrong is what it reports.

mod cluster;
mod privileges;
mod product;
mod refusal;
mod remedy;
mod report;
mod run;
mod verdict;

pub use refusal::Refusal;
pub use report::{Report, Requirements, Stage, StageResult, Status};
pub use run::check;
pub use verdict::Verdict;
