//! What a command writes: results to stdout, all else to stderr.

use std::io::{self, Write};

use crate::cli::exit::{Exit, Failure};

/// Writes a result to stdout.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(|error| {
        Failure::new(
            Exit::Other,
            format!("Unable to write the result to standard output: {error}."),
        )
    })
}

/// Writes to stderr. A failure cannot be reported anywhere.
pub fn write_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
