//! The checksums of a release.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};

use crate::Problem;
use crate::package::NAME;

/// The files of a release in a folder, by name: archives, manifest and bill of materials, with those
/// that were packaged on other machines.
pub fn files(folder: &Path, version: &str) -> Result<Vec<PathBuf>, Problem> {
    let prefix = format!("{NAME}_{version}_");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&prefix) && (name.ends_with(".zip") || name.ends_with(".json")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The checksums of these files, in the form of `sha256sum`.
pub fn of(folder: &Path, version: &str) -> Result<String, Problem> {
    let mut text = String::new();
    for path in files(folder, version)? {
        for byte in digest(&SHA256, &fs::read(&path)?).as_ref() {
            write!(text, "{byte:02x}")?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        writeln!(text, "  {name}")?;
    }
    Ok(text)
}
