//! The connection check: which stage a connection reaches, and why it fails there.
//!
//! A [`Report`] holds a status, the stages from the name to the privileges, and a structured
//! [`Cause`]. The check makes as few requests as it can, over one connection; the stages before the
//! first response follow from how that request ended. It never fails: what goes wrong is its
//! result. Which setting solves the problem is for the caller to say.

mod cause;
mod classify;
mod cluster;
mod forbidden;
mod privileges;
mod product;
mod rejection;
mod report;
mod run;
mod status;

pub use cause::{
    Cause, Lacking, MissingPrivileges, OwnerRights, Rejected, RoleFor, TokenOwner, UnknownRealm,
};
pub use forbidden::Forbidden;
pub use rejection::Rejection;
pub use report::{Report, Requirements, Stage, StageResult};
pub use run::check;
pub use status::Status;
