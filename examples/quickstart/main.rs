//! The main job from beginning to end: `cargo run --example quickstart`.
//!
//! Builds the provider, starts a simulated Proxmox VE whose administrator has a second factor,
//! and drives the real `terraform` or `tofu` through the configuration beside this file. With
//! `PROXMOX_VE_ENDPOINT` and credentials in the environment it does the same on that host,
//! under a token name of its own, and cleans up.

mod server;
mod steps;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
Mints a token on a Proxmox VE, registers a host with it, and revokes it, with the real CLI.

  --keep   stop before the end and leave everything running, with instructions
  --help   print this help

Without PROXMOX_VE_ENDPOINT in the environment it starts a simulated Proxmox VE.";

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
