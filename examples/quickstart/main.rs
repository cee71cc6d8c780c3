//! The quickstart: `cargo run --example quickstart`.
//!
//! Builds the provider, starts a simulated Proxmox VE whose administrator has a second factor, and
//! runs the real `terraform` or `tofu` with the configuration beside this file. With
//! `PROXMOX_VE_ENDPOINT` and credentials in the environment, it uses that host instead, with a
//! dedicated token name, and cleans up.

mod server;
mod steps;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
Creates a token on Proxmox VE, registers a host with it, and revokes it, with terraform or tofu.

  --keep   stop before the token is revoked, and print how to continue
  --help   print this help

Without PROXMOX_VE_ENDPOINT in the environment, the quickstart starts a simulated Proxmox VE.";

fn main() -> ExitCode {
    let mut keep = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--keep" => keep = true,
            "--help" | "-h" => {
                tools::say(HELP);
                return ExitCode::SUCCESS;
            }
            other => {
                tools::say(&format!("Unknown argument {other:?}.\n\n{HELP}"));
                return ExitCode::FAILURE;
            }
        }
    }
    match steps::run(keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tools::say(&format!("\nThe quickstart stopped: {problem}"));
            ExitCode::FAILURE
        }
    }
}
