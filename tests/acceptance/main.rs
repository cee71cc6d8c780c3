//! Acceptance tests: the real `terraform` and `tofu` run the provider against the simulator.
//!
//! Every scenario runs with every command line found: on PATH, and the pinned versions that are
//! built (`cargo run -p cli-harness`). A pinned version that is not built is listed as ignored,
//! with the command that builds it. Without any command line the run fails.

/// Lists scenarios under the paths of their functions, such as `drift::a_changed_comment_is_put_back`.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*]
    };
}

mod activity;
mod advice;
mod audit;
mod bad_input;
mod capabilities;
mod clusters;
mod complaints;
mod connections;
mod diagnosis;
mod downtime;
mod drift;
mod ephemeral;
mod examples;
mod faults;
mod hosts;
mod journeys;
mod leak_scan;
mod life;
mod logs;
mod mocks;
mod privileges;
mod processes;
mod prospects;
mod recovery;
mod rotation;
mod samples;
mod saved_states;
mod scope;
mod secrets;
mod statuses;
mod test_server;
mod tokens;

use std::process::ExitCode;

use cli_harness::{Cli, PINS};
use libtest_mimic::{Arguments, Trial};

/// A named test that runs with each command line.
type Scenario = (&'static str, fn(&Cli));

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let found = Cli::found();
    let mut trials = Vec::new();
    for (name, scenario) in scenarios() {
        for cli in &found {
            let cli = cli.clone();
            trials.push(Trial::test(format!("{cli}: {name}"), move || {
                scenario(&cli);
                Ok(())
            }));
        }
    }
    for (path, scenario, needs) in capabilities::SCENARIOS {
        let name = without_crate(path);
        for cli in &found {
            let cli = cli.clone();
            trials.push(match (needs.is_met_by)(&cli) {
                true => Trial::test(format!("{cli}: {name}"), move || {
                    scenario(&cli);
                    Ok(())
                }),
                false => {
                    let name = format!("{cli}: {name}: needs {}", needs.what);
                    Trial::test(name, || Ok(())).with_ignored_flag(true)
                }
            });
        }
    }
    for (name, row) in faults::rows() {
        for cli in &found {
            let (cli, row) = (cli.clone(), row.clone());
            trials.push(Trial::test(format!("{cli}: {name}"), move || {
                row(&cli);
                Ok(())
            }));
        }
    }
    for pin in PINS.iter().filter(|pin| pin.cached().is_none()) {
        let name = format!(
            "{} {}: not built, `cargo run -p cli-harness` builds it",
            pin.folder,
            pin.version()
        );
        trials.push(Trial::test(name, || Ok(())).with_ignored_flag(true));
    }
    if found.is_empty() {
        // Whatever was filtered: without a command line nothing would be tested.
        eprintln!(
            "Neither `terraform` nor `tofu`, 1.11 or newer, is on PATH: install one, or build the \
             pinned versions with `cargo run -p cli-harness` (needs Go)."
        );
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    faults::print_matrix();
    leak_scan::report();
    conclusion.exit_code()
}

fn scenarios() -> impl Iterator<Item = Scenario> {
    [
        tokens::SCENARIOS,
        scope::SCENARIOS,
        advice::SCENARIOS,
        drift::SCENARIOS,
        ephemeral::SCENARIOS,
        hosts::SCENARIOS,
        clusters::SCENARIOS,
        connections::SCENARIOS,
        complaints::SCENARIOS,
        statuses::SCENARIOS,
        diagnosis::SCENARIOS,
        audit::SCENARIOS,
        activity::SCENARIOS,
        bad_input::SCENARIOS,
        privileges::SCENARIOS,
        prospects::SCENARIOS,
        recovery::SCENARIOS,
        rotation::SCENARIOS,
        saved_states::SCENARIOS,
        secrets::SCENARIOS,
        life::SCENARIOS,
        logs::SCENARIOS,
        downtime::SCENARIOS,
        examples::SCENARIOS,
        journeys::SCENARIOS,
        mocks::SCENARIOS,
    ]
    .into_iter()
    .flatten()
    .map(|&(path, scenario)| (without_crate(path), scenario))
}

fn without_crate(path: &'static str) -> &'static str {
    path.split_once("::").map_or(path, |(_, name)| name)
}
