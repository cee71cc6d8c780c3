//! Prompts for missing values.
//!
//! If stdin is a terminal, questions are shown on stderr and secrets are typed without echo.
//! Otherwise answers are read from stdin line by line, in the order in which they are needed.

use std::io::{self, ErrorKind, IsTerminal};

use crate::cli::exit::Failure;
use crate::cli::terminal::write_stderr;
use crate::pve::Secret;

/// Prompts for a value that may be visible. `instead` names another way to set it.
pub async fn ask(question: &str, instead: &str) -> Result<String, Failure> {
    let answer = answer(question, instead, line).await?;
    Ok(answer.trim().to_owned())
}

/// Prompts for a secret.
pub async fn ask_secretly(question: &str, instead: &str) -> Result<Secret, Failure> {
    let read = if io::stdin().is_terminal() {
        rpassword::read_password
    } else {
        line
    };
    Ok(Secret::new(answer(question, instead, read).await?))
}

async fn answer(
    question: &str,
    instead: &str,
    read: fn() -> io::Result<String>,
) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        write_stderr(&format!("{question}: "));
    }
    let read = tokio::task::spawn_blocking(read).await;
    match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(answer) if !answer.is_empty() => Ok(answer),
        Err(error) if error.kind() == ErrorKind::Interrupted => Err(Failure::interrupted()),
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(Failure::configuration(
            format!("Unable to read an answer: {error}. Alternatively, {instead}."),
        )),
        Ok(_) | Err(_) => Err(Failure::configuration(format!(
            "No answer to \"{question}\". Answer it, or {instead}."
        ))),
    }
}

/// The next line of stdin without its line ending; empty at the end of the input.
fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let text = line.trim_end_matches(['\r', '\n']);
    Ok(text.to_owned())
}
