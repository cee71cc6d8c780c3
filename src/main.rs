//! The command line. Terraform calls it without arguments and is served; a person gets help, and
//! two commands.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use terraform_provider_proxmox::cli;
use terraform_provider_proxmox::plugin::{self, ServeError};
use terraform_provider_proxmox::provider::catalog;

const HELP: &str = "\
Terraform and OpenTofu start this provider by themselves; it serves them when it is called
without arguments. A person has these, each with a --help of its own:

  check        check the connection to Proxmox VE, from the address to the privileges
  login        log in with a second factor and print a ticket for the environment

  --debug      serve without a parent and print a value for TF_REATTACH_PROVIDERS
  --version    print the version
  --help       print this help
";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_str()).collect();
    match arguments.as_slice() {
        [] => outcome(plugin::serve(catalog)),
        [Some("check"), ..] => cli::check(env::args_os().skip(2)),
        [Some("login"), ..] => cli::login(env::args_os().skip(2)),
        // Go's providers spell it with one dash, and so do many instructions.
        [Some("--debug" | "-debug")] => outcome(plugin::serve_for_debugging(catalog)),
        [Some("--version" | "-V")] => print(concat!(
            env!("CARGO_PKG_NAME"),
            " ",
            env!("CARGO_PKG_VERSION"),
            "\n"
        )),
        [Some("--help" | "-h")] => print(HELP),
        _ => fail(&format!("Unknown arguments.\n\n{HELP}")),
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn outcome(served: Result<(), ServeError>) -> ExitCode {
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error}\n")),
    }
}

/// Not by `eprint`, which panics when nobody reads stderr.
fn fail(text: &str) -> ExitCode {
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}
