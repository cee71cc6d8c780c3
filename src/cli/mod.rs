//! What the binary does for a person in a shell, beside serving Terraform: [`check()`] the
//! connection, and [`login()`] for a ticket where the second factor needs a person.
//!
//! Both take their settings from the environment, as the provider does, and from options, which
//! win. Secrets are never options, since the arguments of a process can be read by everybody on
//! the machine: they come from the environment or are asked for. Results go to stdout; questions,
//! notices and errors to stderr, so that `eval "$(terraform-provider-proxmox login)"` works.

mod args;
mod check;
mod exit;
mod log;
mod login;
mod prompt;
mod settings;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime;

use crate::cli::exit::{Exit, Failure};
use crate::cli::terminal::tell;

/// How long a question that was interrupted has to give the terminal its echo back.
const GRACE: Duration = Duration::from_millis(200);

/// Checks the connection stage by stage and prints what it finds. The exit status tells the class
/// of what is wrong; `--help` lists them.
pub fn check(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(check::run(arguments.into_iter().collect()))
}

/// Logs in, asks for what it needs to, and prints the ticket as `export` lines.
pub fn login(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(login::run(arguments.into_iter().collect()))
}

/// Runs a command to its end or to an interrupt.
fn run(command: impl Future<Output = Result<Exit, Failure>>) -> ExitCode {
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
        tell(&format!("{}\n", failure.text));
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
