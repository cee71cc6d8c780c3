//! The benchmark of the provider: time, memory, disk and requests.
//!
//! `cargo bench --bench provider` measures the optimized binary, alone or beside another provider
//! (`-- --peer PATH`), and prints one table. Both alternate within one run, so that other load on
//! the machine affects both. `docs/benchmark.md` explains the figures.
//!
//! A scenario is a module with a `measure` function that returns rows of the table. [`SCENARIOS`]
//! lists it.

mod audit;
mod check;
mod command_line;
mod ephemeral;
mod fleet;
mod host;
mod list;
mod memory;
mod options;
mod size;
mod start;
mod step;
mod subject;
mod table;
mod tokens;
mod writers;

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use options::{HELP, Options};
use subject::Subject;
use table::Row;

/// A scenario's rows, or why it could not be measured.
type Measured = Result<Vec<Row>, Box<dyn Error>>;

/// A part of the benchmark: its name for `--only`, and how it is measured.
type Scenario = (&'static str, fn(&[Subject], &Options) -> Measured);

/// Everything that is measured, in the order of the table.
const SCENARIOS: [Scenario; 9] = [
    ("start", start::measure),
    ("command-line", command_line::measure),
    ("size", size::measure),
    ("check", check::measure),
    ("tokens", tokens::measure),
    ("fleet", fleet::measure),
    ("audit", audit::measure),
    ("ephemeral", ephemeral::measure),
    ("list", list::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match Options::parse(arguments).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.help {
        return Ok(io::stdout().write_all(HELP.as_bytes())?);
    }
    let unknown = options.unknown_parts(&SCENARIOS.map(|(name, _)| name));
    if !unknown.is_empty() {
        return Err(format!("There is no {} to measure.\n\n{HELP}", unknown.join(", ")).into());
    }
    let subjects = Subject::all(options)?;
    let mut rows = Vec::new();
    for (_, measure) in SCENARIOS.iter().filter(|(name, _)| options.wants(name)) {
        rows.extend(measure(&subjects, options)?);
    }
    if cfg!(debug_assertions) {
        eprintln!("Not an optimised build: the figures say nothing.");
    }
    Ok(io::stdout().write_all(table::format(&rows).as_bytes())?)
}
