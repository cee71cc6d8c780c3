//! The archive of one target.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::{Problem, workspace};

/// Writes an archive with the binary under the given name, and with the licence.
pub fn write(archive: &Path, binary: &Path, name: &str) -> Result<(), Problem> {
    let program = fs::read(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    let licence = fs::read(workspace::root().join("LICENSE"))?;
    let mut zip = ZipWriter::new(File::create(archive)?);
    for (name, bytes, mode) in [(name, program, 0o755), ("LICENSE.txt", licence, 0o644)] {
        // The oldest date that an archive can have: the time of the build must not show.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(DateTime::default())
            .unix_permissions(mode);
        zip.start_file(name, options)?;
        zip.write_all(&bytes)?;
    }
    zip.finish()?;
    Ok(())
}
