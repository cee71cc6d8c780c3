//! Random schedules: a seeded run of operations on some tokens, with faults, kills, clock jumps and
//! other people's changes in between. At the end the faults stop, and one apply must bring
//! configuration, state and server to agree (`model`).
//!
//! Some schedules run with every `cargo test`. For more, or to repeat one that failed:
//!
//! ```sh
//! cargo test --test schedules -- --schedules 500
//! cargo test --test schedules -- --seed 42 --trace
//! ```

mod cli;
mod model;
mod operations;
mod soak;
mod value;
mod world;

use std::process::ExitCode;
use std::time::Instant;

use crate::world::World;

/// What is run, from the command line.
struct Options {
    schedules: u64,
    first: u64,
    steps: usize,
    soak: usize,
    trace: bool,
}

impl Options {
    fn parse() -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;

        let mut options = Self {
            schedules: 12,
            first: 1,
            steps: 40,
            soak: 60,
            trace: false,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("schedules") => options.schedules = parser.value()?.parse()?,
                Long("steps") => options.steps = parser.value()?.parse()?,
                Long("soak") => options.soak = parser.value()?.parse()?,
                Long("trace") => options.trace = true,
                Long("seed") => {
                    options.first = parser.value()?.parse()?;
                    (options.schedules, options.soak) = (1, 0);
                }
                // What `cargo test` passes to every test is not for this one.
                Long(_) | Short(_) | Value(_) => {}
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let (begun, mut failed, mut operations) = (Instant::now(), Vec::new(), 0);
    for seed in options.first..options.first + options.schedules {
        let world = World::run(seed, options.steps, options.trace);
        operations += world.operations();
        if let Err(disagreement) = model::check(&world) {
            eprintln!(
                "schedule {seed} disagrees: {disagreement}\n{}",
                world.story()
            );
            eprintln!("again: cargo test --test schedules -- --seed {seed} --trace\n");
            failed.push(seed);
        }
    }
    let soak = soak::run(options.soak);
    eprintln!(
        "schedules: {} (seeds {} to {}), {operations} operations, {} disagreements {failed:?}, {} s",
        options.schedules,
        options.first,
        options.first + options.schedules.saturating_sub(1),
        failed.len(),
        begun.elapsed().as_secs()
    );
    match soak {
        Ok(figures) => eprintln!("{figures}"),
        Err(problem) => {
            eprintln!("soak: {problem}");
            return ExitCode::FAILURE;
        }
    }
    match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
