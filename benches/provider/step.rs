//! One run of a command line, with its time and peak memory.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use cli_harness::{Cli, Run, Scratch};

use crate::memory;

/// What a command took.
pub struct Step {
    pub seconds: f64,
    /// At its peak, in MB, where the system tells.
    pub memory: Option<f64>,
    pub run: Run,
}

/// Runs a command, and watches the processes of the provider meanwhile.
pub fn step(directory: &Scratch, provider: &Path, arguments: &[&str]) -> Step {
    let begin = Instant::now();
    let (run, memory) = memory::peak(provider, || directory.run(arguments));
    Step {
        seconds: begin.elapsed().as_secs_f64(),
        memory,
        run,
    }
}

impl Step {
    /// The same, if the command succeeded.
    pub fn succeeded(self) -> Result<Self, Box<dyn Error>> {
        if self.run.ok() {
            Ok(self)
        } else {
            Err(format!("a command failed: {}", self.run.text()).into())
        }
    }
}

/// A directory in which a command line runs a configuration that needs no provider.
pub fn without_provider(cli: &Cli, configuration: &str) -> Result<Scratch, Box<dyn Error>> {
    let directory = Scratch::new(cli.clone(), Path::new(""))?;
    directory.write("main.tf", configuration)?;
    Ok(directory)
}
