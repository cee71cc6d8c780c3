//! The framework and the plugin server, with a toy provider in place of the real one.
//!
//! [`provider`] is built with the public API of the library, as a newcomer would. [`calls`] makes
//! the calls of the protocol one by one, also those for capabilities that the real provider does
//! not announce. [`command_line`] runs the real `terraform` and `tofu`, for which this test binary
//! is the provider too.

mod calls;
mod command_line;
mod provider;

use std::env;
use std::process::ExitCode;

use cli_harness::Cli;
use libtest_mimic::{Arguments, Trial};
use terraform_provider_proxmox::plugin;

use self::command_line::SCENARIOS;

fn main() -> ExitCode {
    if env::var_os("TF_PLUGIN_MAGIC_COOKIE").is_some() {
        return serve();
    }
    let arguments = Arguments::from_args();
    let calls = calls::tests().map(|(name, test)| {
        let name = name.split_once("::").map_or(name, |(_, name)| name);
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    let found = Cli::found();
    let scenarios = SCENARIOS.iter().flat_map(|scenario| {
        let able = found.iter().filter(|cli| (scenario.is_supported_by)(cli));
        able.map(move |cli| {
            let cli = cli.clone();
            Trial::test(format!("{cli}: {}", scenario.name), move || {
                (scenario.run)(&cli);
                Ok(())
            })
        })
    });
    libtest_mimic::run(&arguments, calls.chain(scenarios).collect()).exit_code()
}

/// Serves the toy provider to the Terraform that started this process.
fn serve() -> ExitCode {
    match plugin::serve(|| provider::catalog(&provider::Store::default())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
