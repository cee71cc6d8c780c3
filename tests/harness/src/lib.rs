//! Finds, builds and runs the real command lines: `terraform` and `tofu`.
//!
//! The tests and the quickstart drive the genuine programs. [`Cli::found`] lists what is here:
//! whatever is on PATH, and the pinned versions that were built from source before (their
//! modules are in `tests/cli`). [`Pin::build`] builds one, with Go alone, into a cache outside
//! the repository. [`Scratch`] runs a command line in a directory of its own with a clean
//! environment and a provider binary of one's choice.

mod cli;
mod pin;
mod scratch;

pub use cli::Cli;
pub use pin::{PINS, Pin};
pub use scratch::{Run, Scratch};
