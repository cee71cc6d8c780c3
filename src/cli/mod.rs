//! The commands of the binary: [`check()`], the connection check, and [`login()`], which logs in to
//! get a ticket where the second factor requires interaction.
//!
//! Both read their settings from the environment, as the provider does, and from options, which
//! take precedence. Secrets are never options, since any user of the machine can read the arguments
//! of a process: they come from the environment or from a prompt. Results go to stdout, and
//! questions, notices and errors to stderr, so that `eval "$(terraform-provider-proxmox login)"`
//! works.

mod args;
mod check;
mod exit;
mod log;
mod login;
mod options;
mod prompt;
mod settings;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime;

use crate::cli::exit::{Exit, Failure};
use crate::cli::terminal::{print, write_stderr};

/// The time that an interrupted prompt has to restore the echo of the terminal.
const GRACE: Duration = Duration::from_millis(200);

/// Checks the connection in stages and prints the result. The exit status is the class of the
/// failure; `--help` lists them.
pub fn check(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(check::run(arguments.into_iter().collect()), "")
}

/// Logs in, prompts for missing values, and prints the ticket as `export` lines.
pub fn login(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(login::run(arguments.into_iter().collect()), login::FAILED)
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
