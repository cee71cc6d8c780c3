//! The folders of the workspace, and the provider that is built in it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Problem;

/// The top folder of the repository.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// The cargo that runs this program.
pub fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Builds the provider as for a test, and returns the folder of its binary.
pub fn built_provider() -> Result<PathBuf, Problem> {
    let status = Command::new(cargo())
        .args(["build", "--locked", "--quiet"])
        .args(["--bin", "terraform-provider-proxmox"])
        .current_dir(root())
        .status()?;
    if !status.success() {
        return Err("The provider does not build.".into());
    }
    // This program is in the same folder.
    let this = env::current_exe()?;
    let folder = this.parent().ok_or("This program is in no folder.")?;
    Ok(folder.to_owned())
}
