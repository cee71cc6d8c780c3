//! Values of attributes that several blocks share.

pub(crate) mod duration;
pub(crate) mod secret;
pub(crate) mod timeouts;
pub(crate) mod timestamp;
