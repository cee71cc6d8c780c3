//! The client against a scripted host on the loopback interface.
//!
//! What the host answers is taken from recordings of genuine hosts (`tests/fixtures/pve`)
//! wherever one shows it.

mod check;
mod failover;
mod kept;
mod login;
mod proxied;
mod reach;
mod recordings;
mod refusals;
mod script;
mod transport;
mod trust;
mod writes;
