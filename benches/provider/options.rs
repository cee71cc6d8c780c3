//! The command line of the benchmark.

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;

use cli_harness::Cli;

pub const HELP: &str = "\
Measures time, memory and requests of the provider, and prints one table.

  cargo bench --bench provider [-- OPTIONS]

  --peer PATH         binary of another provider to measure in the same run
  --peer-config FILE  configuration of the peer, for the rows validate and plan. It must use
                      source = \"local/peer\" and contain a resource, because Terraform does not
                      start a provider that no resource uses. If it creates var.number resources,
                      their refresh is measured as well
  --earlier PATH      binary of an earlier version of this provider, to measure in the same rounds.
                      The fleet is measured without it
  --only NAME[,NAME]  parts to run: start, command-line, size, check, tokens, fleet, audit,
                      ephemeral, list
  --tokens N[,N]      numbers of tokens to create and destroy. Defaults to 50,500
  --endpoint URL      host for check, tokens and audit, instead of the simulator. Credentials and
                      certificates are read from the PROXMOX_VE_* variables. Tokens named
                      tf-benchmark-... are created and removed on the host
  --owner USER        owner of these tokens. Can be repeated. Required with --endpoint
  --cli NAME          command line to run, such as tofu or \"terraform 1.15\". Defaults to the first
                      one found
  --rounds N          rounds of each measurement. The default depends on the measurement
  --help              print this help
";

/// What to measure, and how often.
#[derive(Debug, Default)]
pub struct Options {
    pub help: bool,
    pub peer: Option<PathBuf>,
    pub peer_config: Option<PathBuf>,
    /// An earlier version of this provider.
    pub earlier: Option<PathBuf>,
    /// A real host in place of the simulator.
    pub endpoint: Option<String>,
    /// Whose tokens are made there.
    pub owners: Vec<String>,
    /// What the name of the command line begins with.
    cli: String,
    only: Vec<String>,
    tokens: Vec<usize>,
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
                Some("--earlier") => options.earlier = Some(value()?.into()),
                Some("--only") => options.only = list(&value()?),
                Some("--tokens") => {
                    let numbers = list(&value()?);
                    let numbers: Result<_, _> = numbers.iter().map(|text| text.parse()).collect();
                    options.tokens = numbers.map_err(|_| "--tokens needs numbers.")?;
                }
                Some("--endpoint") => {
                    options.endpoint = Some(value()?.to_string_lossy().into_owned());
                }
                Some("--owner") => options.owners.push(value()?.to_string_lossy().into_owned()),
                Some("--cli") => options.cli = value()?.to_string_lossy().into_owned(),
                Some("--rounds") => {
                    let rounds = value()?.to_string_lossy().parse();
                    options.rounds = Some(rounds.map_err(|_| "--rounds needs a number.")?);
                }
                _ => unknown = Some(name),
            }
        }
        if options.endpoint.is_some() && options.owners.is_empty() {
            return Err("--endpoint needs --owner: whose tokens are to be made there?".into());
        }
        match unknown {
            // `cargo test` hands every target what is meant for the standard test harness.
            Some(name) if options.bench => {
                Err(format!("Unknown argument {}.\n\n{HELP}", name.display()).into())
            }
            _ => Ok(options),
        }
    }

    /// Whether a part of the benchmark is wanted.
    pub fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    /// The names in `--only` that none of these parts has.
    pub fn unknown_parts(&self, parts: &[&str]) -> Vec<&str> {
        let only = self.only.iter().map(String::as_str);
        only.filter(|only| !parts.contains(only)).collect()
    }

    /// The command line to run, if there is one. Says which.
    pub fn command_line(&self) -> Option<Cli> {
        let mut found = Cli::found().into_iter();
        let cli = found.find(|cli| cli.to_string().starts_with(&self.cli));
        match &cli {
            Some(cli) => eprintln!("the command line is {cli}"),
            None => eprintln!("not measured: there is no such command line"),
        }
        cli
    }

    /// How many tokens to create and destroy.
    pub fn tokens(&self) -> Vec<usize> {
        match (self.tokens.as_slice(), self.bench) {
            ([], true) => vec![50, 500],
            ([], false) => vec![2],
            (tokens, _) => tokens.to_vec(),
        }
    }

    /// The size of something that is usually this large, and small where nothing is measured.
    pub fn size(&self, usual: usize) -> usize {
        if self.bench { usual } else { usual.min(4) }
    }

    /// How often to measure what is usually measured `usual` times. At least once.
    pub fn rounds(&self, usual: usize) -> usize {
        let usual = if self.bench { usual } else { 1 };
        self.rounds.unwrap_or(usual).max(1)
    }
}

/// The parts of a list with commas.
fn list(text: &OsString) -> Vec<String> {
    let text = text.to_string_lossy();
    text.split(',').map(str::to_owned).collect()
}
