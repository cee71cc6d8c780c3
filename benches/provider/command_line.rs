//! Additional time of a whole command: the same configuration with and without a provider.
//!
//! A command takes far longer than the provider's part of it. So each round also runs the command
//! without a provider, and the figures are differences within a round.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Instant;

use cli_harness::{Cli, Scratch};

use crate::Measured;
use crate::options::Options;
use crate::subject::Subject;
use crate::table::Row;

const ROUNDS: usize = 10;

const COMMANDS: [&str; 2] = ["validate", "plan"];

/// In every configuration. It needs no provider but the one inside Terraform.
const COMMON: &str = r#"resource "terraform_data" "one" {}
"#;

/// Runs the commands without a provider and with each, in turn.
pub fn measure(subjects: &[Subject], options: &Options) -> Measured {
    let Some(cli) = options.command_line() else {
        return Ok(Vec::new());
    };
    let alone = Scratch::new(cli.clone(), Path::new(""))?;
    alone.write("common.tf", COMMON)?;
    let with: io::Result<Vec<_>> = subjects.iter().map(|one| directory(&cli, one)).collect();
    let with = with?;

    let mut rows = Vec::new();
    for command in COMMANDS {
        // Fills the system's caches.
        for directory in with.iter().flatten() {
            milliseconds(directory, command)?;
        }
        let mut whole = Vec::new();
        let mut extra = vec![Vec::new(); subjects.len()];
        for _ in 0..options.rounds(ROUNDS) {
            let base = milliseconds(&alone, command)?;
            whole.push(base);
            for (directory, extra) in with.iter().zip(&mut extra) {
                if let Some(directory) = directory {
                    extra.push(milliseconds(directory, command)? - base);
                }
            }
        }
        rows.push(Row::without(command, "ms", whole));
        rows.extend(Row::each(command, "+ms", subjects, extra));
    }
    Ok(rows)
}

/// A directory in which the commands use a provider, if it has a configuration.
pub fn directory(cli: &Cli, subject: &Subject) -> io::Result<Option<Scratch>> {
    let Some(configuration) = &subject.configuration else {
        return Ok(None);
    };
    let binaries = subject.binary.parent().unwrap_or(Path::new(""));
    let mut directory = Scratch::new(cli.clone(), binaries)?;
    directory.write("common.tf", COMMON)?;
    directory.write("provider.tf", configuration)?;
    let settings = format!(
        r"provider_installation {{
  dev_overrides {{
    {:?} = {binaries:?}
  }}
}}
",
        subject.source
    );
    directory.write("subject.tfrc", &settings)?;
    let settings = directory.file("subject.tfrc");
    directory.set("TF_CLI_CONFIG_FILE", &settings.to_string_lossy());
    Ok(Some(directory))
}

/// How long a command takes.
fn milliseconds(directory: &Scratch, command: &str) -> Result<f64, Box<dyn Error>> {
    let begin = Instant::now();
    let run = directory.run([command]);
    let time = begin.elapsed();
    if !run.ok() {
        return Err(format!("{} {command} failed: {}", directory.cli(), run.text()).into());
    }
    Ok(time.as_secs_f64() * 1e3)
}
