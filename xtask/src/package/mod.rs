//! The task `package`: the files of a release, as the registries require them.
//!
//! Each target becomes a zip archive with the binary. Beside the archives stand the manifest of the
//! registry, a software bill of materials, the checksums of all of these, and the signature of the
//! checksums if a key is given. Two runs of one commit make the same files, byte for byte, except for
//! the signature.

mod archive;
mod build;
mod checksums;
mod materials;
mod target;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::package::target::Target;
use crate::{Problem, workspace};

/// The name of the provider, with which every file begins.
const NAME: &str = "terraform-provider-proxmox";

/// What the task was asked for.
struct Request {
    out: PathBuf,
    targets: Vec<Target>,
    /// A binary to pack instead of building one, for the only target.
    binary: Option<PathBuf>,
    builds: bool,
    key: Option<String>,
}

impl Request {
    fn parse(mut arguments: lexopt::Parser) -> Result<Self, Problem> {
        use lexopt::Arg::Long;
        use lexopt::ValueExt;

        let mut request = Self {
            out: workspace::root().join("target/package"),
            targets: Vec::new(),
            binary: None,
            builds: true,
            key: None,
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("out") => request.out = PathBuf::from(arguments.value()?),
                Long("target") => {
                    let target = arguments
                        .value()?
                        .parse_with(|text| text.parse::<Target>())?;
                    request.targets.push(target);
                }
                Long("binary") => request.binary = Some(PathBuf::from(arguments.value()?)),
                Long("no-build") => request.builds = false,
                Long("key") => request.key = Some(arguments.value()?.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        if request.targets.is_empty() && request.builds {
            request.targets.push(Target::of_this_machine()?);
        }
        if request.binary.is_some() && request.targets.len() != 1 {
            return Err("--binary needs exactly one --target.".into());
        }
        Ok(request)
    }
}

/// Runs the task.
pub fn run(arguments: lexopt::Parser) -> Result<(), Problem> {
    let request = Request::parse(arguments)?;
    let version = env!("CARGO_PKG_VERSION");
    fs::create_dir_all(&request.out)?;
    for target in &request.targets {
        let binary = match &request.binary {
            Some(binary) => binary.clone(),
            None => build::release(target)?,
        };
        let (os, arch) = (target.os, target.arch);
        let zip = request
            .out
            .join(format!("{NAME}_{version}_{os}_{arch}.zip"));
        archive::write(
            &zip,
            &binary,
            &format!("{NAME}_v{version}{}", target.suffix()),
        )?;
    }
    let at = |name: &str| request.out.join(format!("{NAME}_{version}_{name}"));
    fs::write(at("manifest.json"), manifest())?;
    fs::write(at("sbom.cdx.json"), materials::bill()?)?;
    let sums = at("SHA256SUMS");
    fs::write(&sums, checksums::of(&request.out, version)?)?;
    if let Some(key) = &request.key {
        sign(&sums, key)?;
    }
    for entry in checksums::files(&request.out, version)? {
        eprintln!("{}", entry.display());
    }
    Ok(())
}

/// The manifest of the registry: the version of the plugin protocol.
fn manifest() -> String {
    let manifest = serde_json::json!({
        "version": 1,
        "metadata": { "protocol_versions": ["6.0"] },
    });
    format!("{manifest:#}\n")
}

/// Signs the checksums with a key of GnuPG, in the binary form that the registries read.
fn sign(sums: &Path, key: &str) -> Result<(), Problem> {
    let mut signature = sums.as_os_str().to_owned();
    signature.push(".sig");
    let status = Command::new("gpg")
        .args(["--batch", "--yes", "--local-user", key, "--detach-sign"])
        .arg("--output")
        .args([signature.as_os_str(), sums.as_os_str()])
        .status()
        .map_err(|error| format!("gpg cannot be run ({error}): install GnuPG"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("gpg cannot sign with the key {key:?}.").into()),
    }
}
