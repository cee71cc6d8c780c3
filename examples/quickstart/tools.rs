//! Tools of the quickstart: the provider, and a command line that runs it.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli_harness::{Cli, PINS};

/// Prints a text. Nobody reading is no reason to stop before the clean-up.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// `terraform` or `tofu` from PATH; else a pinned one from the cache; else OpenTofu, built.
pub fn command_line() -> Result<Cli, String> {
    if let Some(cli) = Cli::found().into_iter().next() {
        return Ok(cli);
    }
    let [opentofu, ..] = &PINS;
    say("Neither `terraform` nor `tofu`, version 1.11 or later, is on PATH.");
    if Command::new("go").arg("version").output().is_err() {
        return Err(format!(
            "Go is not installed either. Install OpenTofu or Terraform 1.11 or later, or Go 1.26.6 or \
             later to build OpenTofu {} from source.",
            opentofu.version()
        ));
    }
    say(&format!(
        "Building OpenTofu {} with Go. This takes several minutes, only once.",
        opentofu.version()
    ));
    let path = opentofu.build()?;
    Cli::at(opentofu.program, &path).ok_or(format!("{} does not run", path.display()))
}

/// Builds the provider and returns the folder its binary is in.
pub fn provider() -> Result<PathBuf, String> {
    say("Building the provider.");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo told this program about itself would make build scripts run again.
    for (name, _) in env::vars_os() {
        let about_us = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ];
        if about_us
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            cargo.env_remove(name);
        }
    }
    let status = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--bin", "terraform-provider-proxmox"])
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err("the build of the provider failed".to_owned());
    }
    // This program is in `examples`, beside which cargo puts the binaries.
    let own = env::current_exe()
        .map_err(|error| format!("cannot determine the path of this program: {error}"))?;
    let folder = own.parent().and_then(Path::parent);
    folder
        .filter(|folder| folder.join("terraform-provider-proxmox").is_file())
        .map(Path::to_owned)
        .ok_or("the binary of the provider is not in the build directory of cargo".to_owned())
}
