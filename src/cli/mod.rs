//! The commands of the binary: [`check()`], the connection check, [`login()`], which logs in to get a
//! ticket where the second factor requires interaction, and [`completions()`] for a shell.
//!
//! The first two read their settings from the environment, as the provider does, and from options, which
//! take precedence. Secrets are never options, since any user of the machine can read the arguments
//! of a process: they come from the environment or from a prompt. Results go to stdout, and
//! questions, notices and errors to stderr, so that `eval "$(terraform-provider-proxmox login)"`
//! works.

mod args;
mod check;
mod completions;
mod exit;
mod log;
mod login;
mod options;
mod prompt;
mod settings;
mod shell;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime;

use crate::cli::args::Options;
use crate::cli::exit::{Exit, Failure};
use crate::cli::options::Command;
use crate::cli::shell::Shell;
use crate::cli::terminal::{print, write_stderr};

/// The time that an interrupted prompt has to restore the echo of the terminal.
const GRACE: Duration = Duration::from_millis(200);

/// Checks the connection in stages and prints the result. The exit status is the class of the
/// failure; `--help` lists them.
pub fn check(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Options::parse(Command::Check, arguments.into_iter().collect()) {
        Ok(options) => run(check::run(options), ""),
        Err(failure) => ended(Err(failure), ""),
    }
}

/// Logs in, prompts for missing values, and prints the ticket as lines for a shell.
pub fn login(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Options::parse(Command::Login, arguments.into_iter().collect()) {
        Ok(options) => {
            let shell = options.as_ref().map(|options| options.shell);
            let if_it_fails = shell.unwrap_or_default().failure();
            run(login::run(options), if_it_fails)
        }
        Err(failure) => ended(Err(failure), Shell::default().failure()),
    }
}

/// Prints the completions of the command line for a shell.
pub fn completions(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ended(completions::run(arguments.into_iter().collect()), "")
}

/// Runs a command until it ends or is interrupted. After a failure it prints `if_it_fails`.
fn run(command: impl Future<Output = Result<Exit, Failure>>, if_it_fails: &str) -> ExitCode {
    log::start();
    let outcome = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let outcome = runtime.block_on(until_interrupted(command));
            runtime.shutdown_timeout(GRACE);
            outcome
        }
        Err(error) => Err(Failure::new(
            Exit::Other,
            format!("Unable to start: {error}."),
        )),
    };
    ended(outcome, if_it_fails)
}

/// The exit status of a command, after a failure has been printed.
fn ended(outcome: Result<Exit, Failure>, if_it_fails: &str) -> ExitCode {
    let exit = outcome.unwrap_or_else(|failure| {
        write_stderr(&format!("{}\n", failure.text));
        // Without a standard output there is nobody to tell.
        let _ = print(if_it_fails);
        failure.exit
    });
    ExitCode::from(exit as u8)
}

async fn until_interrupted(
    command: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    tokio::select! {
        outcome = command => outcome,
        Ok(()) = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
    }
}
