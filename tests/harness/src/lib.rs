//! Finds, builds and runs the real command lines `terraform` and `tofu`.
//!
//! The tests and the quickstart run the real programs. [`Cli::found`] lists those that are
//! available: on PATH, and pinned versions that were built before (their Go modules are in
//! `tests/cli`). [`Pin::build`] builds a pinned version with Go into a cache outside the
//! repository. [`Scratch`] runs a command line in a directory of its own, with a clean environment
//! and a given provider binary.

mod cli;
mod pin;
mod scratch;

pub use cli::Cli;
pub use pin::{PINS, Pin, TFPLUGINDOCS};
pub use scratch::{LEAK_SCAN, Printed, Run, Scratch, TRACE_LOG};
