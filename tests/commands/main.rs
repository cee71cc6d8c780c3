//! The commands of the binary, as a person or a script runs them, against the simulator.

mod check;
mod completions;
mod login;
mod shell;
