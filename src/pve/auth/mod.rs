//! The proof of a client's identity: tokens, and logins with a second factor.

pub mod credentials;
pub mod fresh_tokens;
pub mod login;
mod private_file;
pub mod session;
pub mod totp;
pub mod used_codes;
