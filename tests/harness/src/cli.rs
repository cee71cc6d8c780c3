//! The command lines that are available.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PINS;

/// One command line program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cli {
    /// `terraform` or `tofu`.
    pub name: &'static str,
    /// Its version, such as `1.11.4`.
    pub version: String,
    /// Where it is.
    pub path: PathBuf,
}

impl fmt::Display for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

impl Cli {
    /// Every program that is here and new enough, each version once: on PATH first, then the
    /// pinned ones that were built before.
    pub fn found() -> Vec<Self> {
        let on_path = ["terraform", "tofu"].into_iter().filter_map(Self::on_path);
        let on_path = on_path.filter(Self::is_new_enough);
        let built = PINS
            .iter()
            .filter_map(|pin| Self::at(pin.program, &pin.cached()?));
        let mut found: Vec<Self> = Vec::new();
        for cli in on_path.chain(built) {
            if !found
                .iter()
                .any(|other| other.to_string() == cli.to_string())
            {
                found.push(cli);
            }
        }
        found
    }

    /// The program of this name on PATH, if it runs.
    pub fn on_path(name: &'static str) -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .filter(|path| path.is_file())
            .find_map(|path| Self::at(name, &path))
    }

    /// The program at this path, if it runs.
    pub fn at(name: &'static str, path: &Path) -> Option<Self> {
        let output = Command::new(path)
            .args(["version", "-json"])
            .env_clear()
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .ok()?;
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        Some(Self {
            name,
            version: answer["terraform_version"].as_str()?.to_owned(),
            path: path.to_owned(),
        })
    }

    /// Whether this is 1.11 or newer, the oldest that is promised everything but what came later.
    pub fn is_new_enough(&self) -> bool {
        self.is_at_least(1, 11)
    }

    /// Whether it has list resources and actions.
    pub fn has_lists_and_actions(&self) -> bool {
        self.name == "terraform" && self.is_at_least(1, 14)
    }

    /// Whether its version is this one or newer.
    pub fn is_at_least(&self, major: u32, minor: u32) -> bool {
        let mut numbers = self
            .version
            .split('.')
            .map(|part| part.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
    }
}
