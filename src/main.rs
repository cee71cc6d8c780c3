//! The command line. Terraform calls it without arguments and is served; a person gets help.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use terraform_provider_proxmox::{
    plugin::{self, ServeError},
    provider::catalog,
};

const HELP: &str = "\
Terraform and OpenTofu start this provider by themselves; it serves them when it is called
without arguments.

  --debug      serve without a parent and print a value for TF_REATTACH_PROVIDERS
  --version    print the version
  --help       print this help
";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_str()).collect();
    match arguments.as_slice() {
        [] => outcome(plugin::serve(catalog)),
        // Go's providers spell it with one dash, and so do many instructions.
        [Some("--debug" | "-debug")] => outcome(plugin::serve_for_debugging(catalog)),
        [Some("--version" | "-V")] => print(concat!(
            env!("CARGO_PKG_NAME"),
            " ",
            env!("CARGO_PKG_VERSION"),
            "\n"
        )),
        [Some("--help" | "-h")] => print(HELP),
        _ => {
            eprint!("Unknown arguments.\n\n{HELP}");
            ExitCode::FAILURE
        }
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
        Err(error) => {
            // Not eprintln, which panics when nobody reads stderr.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
