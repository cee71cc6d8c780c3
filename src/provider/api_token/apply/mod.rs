//! What happens on the server: one file for each operation on a token, and the words for what
//! can go wrong ([`messages`]).

pub(crate) mod create;
pub(crate) mod grants;
pub(crate) mod import;
pub(crate) mod messages;
pub(crate) mod mint;
pub(crate) mod outcome;
pub(crate) mod read;
pub(crate) mod revoke;
pub(crate) mod roles;
pub(crate) mod rotate;
pub(crate) mod stale;
pub(crate) mod update;
pub(crate) mod verify;
