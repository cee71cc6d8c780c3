//! The commands of the binary, run as a person or a script runs them, against the simulator.

mod check;
mod login;
mod shell;
