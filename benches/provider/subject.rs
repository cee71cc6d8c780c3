//! The providers under comparison.

use std::env::consts::EXE_SUFFIX;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::options::Options;

/// A provider binary, and a configuration that uses it.
pub struct Subject {
    /// What the table calls it.
    pub name: &'static str,
    pub binary: PathBuf,
    /// Where Terraform looks for it, in the words of `dev_overrides`.
    pub source: &'static str,
    /// Without one, it cannot be measured through the command line.
    pub configuration: Option<String>,
    /// The directory that was made for the binary.
    _directory: Option<TempDir>,
}

impl Subject {
    /// This provider, and the peer if there is one.
    pub fn all(options: &Options) -> Result<Vec<Self>, Box<dyn Error>> {
        let mut all = vec![Self::ours()];
        if let Some(peer) = &options.peer {
            all.push(Self::peer(peer, options.peer_config.as_deref())?);
        }
        Ok(all)
    }

    /// Whether its configuration makes as many resources as the variable `number` says.
    pub fn can_be_many(&self) -> bool {
        let configuration = self.configuration.as_deref();
        configuration.is_some_and(|text| text.contains("var.number"))
    }

    /// This provider.
    pub fn ours() -> Self {
        Self {
            name: "ours",
            binary: env!("CARGO_BIN_EXE_terraform-provider-proxmox").into(),
            source: "depl0y/proxmox",
            configuration: Some(include_str!("ours.tf").to_owned()),
            _directory: None,
        }
    }

    /// A copy of the peer, under the name that its source address demands.
    fn peer(original: &Path, configuration: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let directory = TempDir::new()?;
        let name = format!("terraform-provider-peer{EXE_SUFFIX}");
        let binary = directory.path().join(name);
        fs::copy(original, &binary).map_err(|error| format!("{}: {error}", original.display()))?;
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(Self {
            name: "peer",
            binary,
            source: "local/peer",
            configuration: configuration.map(read).transpose()?,
            _directory: Some(directory),
        })
    }
}
