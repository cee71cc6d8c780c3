//! The command line of the benchmark.

use std::{error::Error, ffi::OsString, path::PathBuf};

pub const HELP: &str = "\
Measures what the provider costs, and prints one table.

  cargo bench --bench provider [-- OPTIONS]

  --peer PATH         measure this other provider's binary in the same run
  --peer-config FILE  the peer's configuration, for the rows of validate and plan. It names the
                      provider by source = \"local/peer\" and needs a resource: Terraform does not
                      start a provider that no resource uses
  --cli NAME          run this command line, such as tofu or \"terraform 1.15\"; else the first found
  --rounds N          rounds of each measurement, in place of 20 starts and 10 command line runs
  --help              print this help
";

/// What to measure, and how often.
#[derive(Debug, Default)]
pub struct Options {
    pub help: bool,
    pub peer: Option<PathBuf>,
    pub peer_config: Option<PathBuf>,
    /// What the name of the command line begins with.
    pub cli: String,
    rounds: Option<usize>,
    /// Cargo says `--bench` when it measures. When it tests it does not: then one round of
    /// everything shows that the benchmark still works.
    bench: bool,
}

impl Options {
    /// Reads the arguments.
    pub fn parse(arguments: Vec<OsString>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self::default();
        let mut unknown = None;
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = || {
                let missing = || format!("{} needs a value.", name.display());
                arguments.next().ok_or_else(missing)
            };
            match name.to_str() {
                Some("--bench") => options.bench = true,
                Some("--help" | "-h") => options.help = true,
                Some("--peer") => options.peer = Some(value()?.into()),
                Some("--peer-config") => options.peer_config = Some(value()?.into()),
                Some("--cli") => options.cli = value()?.to_string_lossy().into_owned(),
                Some("--rounds") => {
                    let rounds = value()?.to_string_lossy().parse();
                    options.rounds = Some(rounds.map_err(|_| "--rounds needs a number.")?);
                }
                _ => unknown = Some(name),
            }
        }
        match unknown {
            // `cargo test` hands every target what is meant for the standard test harness.
            Some(name) if options.bench => {
                Err(format!("Unknown argument {}.\n\n{HELP}", name.display()).into())
            }
            _ => Ok(options),
        }
    }

    /// How often to measure what is usually measured `usual` times. At least once.
    pub fn rounds(&self, usual: usize) -> usize {
        let usual = if self.bench { usual } else { 1 };
        self.rounds.unwrap_or(usual).max(1)
    }
}
