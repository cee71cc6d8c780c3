//! The proof of a client's identity: tokens, and logins with a second factor.

pub mod credentials;
pub mod fresh_tokens;
pub mod login;
pub mod session;
pub mod totp;
pub mod used_codes;
