//! The providers under comparison.

use std::env::consts::EXE_SUFFIX;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::options::Options;

/// The source address of this provider.
const OURS: &str = "depl0y/proxmox";

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
    /// This provider, and the earlier version and the peer if there are any.
    pub fn all(options: &Options) -> Result<Vec<Self>, Box<dyn Error>> {
        let mut all = vec![Self::ours()];
        if let Some(earlier) = &options.earlier {
            let name = format!("terraform-provider-proxmox{EXE_SUFFIX}");
            let (binary, directory) = copy(earlier, &name)?;
            all.push(Self {
                name: "earlier",
                binary,
                _directory: Some(directory),
                ..Self::ours()
            });
        }
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

    /// Those of them that are versions of this provider, and so can be given its resources.
    pub fn versions(all: &[Self]) -> Vec<&Self> {
        let is_version = |subject: &&Self| subject.source == OURS;
        all.iter().filter(is_version).collect()
    }

    /// This provider.
    pub fn ours() -> Self {
        Self {
            name: "ours",
            binary: env!("CARGO_BIN_EXE_terraform-provider-proxmox").into(),
            source: OURS,
            configuration: Some(include_str!("ours.tf").to_owned()),
            _directory: None,
        }
    }

    /// A copy of the peer, under the name that its source address demands.
    fn peer(original: &Path, configuration: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let name = format!("terraform-provider-peer{EXE_SUFFIX}");
        let (binary, directory) = copy(original, &name)?;
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

/// A copy of a binary, alone in a directory, under the name by which Terraform finds it.
fn copy(original: &Path, name: &str) -> Result<(PathBuf, TempDir), Box<dyn Error>> {
    let directory = TempDir::new()?;
    let binary = directory.path().join(name);
    fs::copy(original, &binary).map_err(|error| format!("{}: {error}", original.display()))?;
    Ok((binary, directory))
}
