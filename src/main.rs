//! The command line. Without arguments it serves Terraform. Users get help and a few commands.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use terraform_provider_proxmox::cli;
use terraform_provider_proxmox::plugin::{self, ServeError};
use terraform_provider_proxmox::provider::catalog;

const HELP: &str = "\
Terraform and OpenTofu start this provider themselves, without arguments.

Commands:
  check        Check the connection to Proxmox VE, from the address to the privileges
  login        Log in with a second factor and print a ticket for the environment
  completions  Print the completions for bash, zsh, fish or powershell

Options:
  --debug      Serve without a parent process and print a value for TF_REATTACH_PROVIDERS
  --version    Print the version
  --help       Print this help

Run a command with --help for its options.
";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_str()).collect();
    // A debugger attaches to a process that is started for it.
    if !matches!(arguments.as_slice(), [Some("--debug" | "-debug")]) {
        without_core_dumps();
    }
    match arguments.as_slice() {
        [] => serve(),
        [Some("check"), ..] => cli::check(env::args_os().skip(2)),
        [Some("login"), ..] => cli::login(env::args_os().skip(2)),
        [Some("completions"), ..] => cli::completions(env::args_os().skip(2)),
        // Go's providers spell it with one dash, and so do many instructions.
        [Some("--debug" | "-debug")] => outcome(plugin::serve_for_debugging(catalog)),
        [Some("version" | "--version" | "-version" | "-V" | "-v")] => print(concat!(
            env!("CARGO_PKG_NAME"),
            " ",
            env!("CARGO_PKG_VERSION"),
            "\n"
        )),
        [Some("help" | "--help" | "-help" | "-h")] => print(HELP),
        [Some("help"), Some("check")] => cli::check(["--help".into()]),
        [Some("help"), Some("login")] => cli::login(["--help".into()]),
        [first, ..] => fail(&format!("{}\n\n{HELP}", unknown(*first))),
    }
}

/// Names an unknown argument, unless it may be a misplaced secret.
fn unknown(argument: Option<&str>) -> String {
    const LONGEST: usize = 20;
    let is_word = |text: &&str| {
        text.len() <= LONGEST && text.bytes().all(|c| c.is_ascii_lowercase() || c == b'-')
    };
    match argument.filter(is_word) {
        Some(word) => format!("Unknown command or option {word:?}."),
        None => "The first argument is neither a command nor an option.".to_owned(),
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Keeps the memory of this process, which holds secrets, out of core dumps and from other processes
/// of the user, where the system allows it.
fn without_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};

        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
    }
    // A handler of core dumps that the kernel calls is not bound by the limit.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};

        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Serves the Terraform that started this process. It shows the first line of a plugin that does
/// not start, and not its standard error.
fn serve() -> ExitCode {
    let served = plugin::serve(catalog);
    if let Err(error) = &served
        && !matches!(error, ServeError::NotStartedByTerraform)
    {
        let _ = io::stdout().write_all(format!("{error}\n").as_bytes());
    }
    outcome(served)
}

fn outcome(served: Result<(), ServeError>) -> ExitCode {
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{error}\n")),
    }
}

/// Prints to stderr without `eprint`, which panics if stderr is closed.
fn fail(text: &str) -> ExitCode {
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}
