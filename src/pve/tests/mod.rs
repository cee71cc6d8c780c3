//! The client against a scripted host on the loopback interface.
//!
//! Its answers come from recordings of genuine hosts (`tests/simulator/fixtures/transcripts`)
//! wherever one exists.

mod cached;
mod check;
mod failover;
mod login;
mod odd_certificates;
mod proxied;
mod reachability;
mod recordings;
mod refusals;
mod script;
mod transport;
mod trust;
mod tunnels;
mod writes;
