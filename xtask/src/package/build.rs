//! The build of a binary for a release.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::package::NAME;
use crate::package::target::Target;
use crate::{Problem, workspace};

/// Builds the binary for a target, and returns its path. Its bytes do not depend on the folders that
/// it is built in.
pub fn release(target: &Target) -> Result<PathBuf, Problem> {
    add(target)?;
    let root = workspace::root();
    // A folder of its own, since the flags differ from those of other builds.
    let folder = root.join("target/release-build");
    let status = Command::new(workspace::cargo())
        .args(["build", "--locked", "--release", "--bin", NAME])
        .args(["--target", target.triple])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&folder)?)
        .envs(compiler(target))
        .current_dir(&root)
        .status()?;
    if !status.success() {
        return Err(format!("The release for {} does not build.", target.triple).into());
    }
    let binary = format!("{NAME}{}", target.suffix());
    Ok(folder.join(target.triple).join("release").join(binary))
}

/// Adds the target to the toolchain.
fn add(target: &Target) -> Result<(), Problem> {
    let status = Command::new("rustup")
        .args(["target", "add", target.triple])
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!(
            "The target {} cannot be added to the toolchain, so nothing is packaged.",
            target.triple
        )
        .into()),
        Err(error) => Err(format!(
            "rustup cannot be run ({error}). It is needed to add the target {}.",
            target.triple
        )
        .into()),
    }
}

/// The C compiler for *ring*: that of this machine. rustc brings the C library of a static target, and
/// *ring* calls nothing of it that differs between libraries, so no `musl-gcc` has to be installed.
fn compiler(target: &Target) -> Option<(String, &'static str)> {
    let variable = format!("CC_{}", target.triple.replace('-', "_"));
    let is_own = Target::of_this_machine().is_ok_and(|own| own.triple == target.triple);
    let is_chosen = env::var_os(&variable).is_some();
    (is_own && target.os == "linux" && !is_chosen).then_some((variable, "cc"))
}

/// The flags of rustc, which replace the folders of this machine in messages of panics.
fn flags(target_folder: &std::path::Path) -> Result<String, Problem> {
    let home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => PathBuf::from(env::var_os("HOME").ok_or("HOME is not set.")?).join(".cargo"),
    };
    let remapped = [
        (target_folder, "/target"),
        (&workspace::root(), "/source"),
        (&home, "/cargo"),
    ];
    // The last one that fits counts.
    let flags = remapped
        .into_iter()
        .rev()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    Ok(flags.collect::<Vec<_>>().join("\u{1f}"))
}
