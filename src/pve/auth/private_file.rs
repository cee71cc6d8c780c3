//! Files and directories of this user alone.
//!
//! A program that runs as root may have another user's `HOME`. Nothing that this user could have put
//! there is followed, waited for or written to: no link, no pipe, no file or directory of somebody
//! else.

use std::fs::File;
use std::io;
use std::path::Path;

#[cfg(unix)]
pub(super) use self::unix::{check_directory, check_parent, create_directory, open};

#[cfg(unix)]
mod unix {
    use std::fs::{DirBuilder, Metadata, OpenOptions};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};

    use rustix::fs::OFlags;
    use rustix::process::geteuid;

    use super::{File, Path, io, refused};

    /// Opens a regular file of this user for reading and writing, or creates it. Never waits.
    pub fn open(path: &Path) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags.bits().cast_signed())
            .open(path)?;
        let found = file.metadata()?;
        match found.is_file() && is_own(&found) && found.nlink() == 1 {
            true => Ok(file),
            false => Err(refused("the file is not a regular file of this user alone")),
        }
    }

    /// Creates a directory that only this user may enter.
    pub fn create_directory(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// Refuses anything but a directory of this user that is closed to others.
    pub fn check_directory(path: &Path) -> io::Result<()> {
        let found = path.symlink_metadata()?;
        match found.is_dir() && is_own(&found) && found.permissions().mode() & 0o077 == 0 {
            true => Ok(()),
            false => Err(refused("the directory is not of this user alone")),
        }
    }

    /// Refuses a directory in which another user than root could replace things.
    pub fn check_parent(path: &Path) -> io::Result<()> {
        let found = path.metadata()?;
        match is_own(&found) || found.uid() == 0 {
            true => Ok(()),
            false => Err(refused("the directory around it belongs to another user")),
        }
    }

    fn is_own(found: &Metadata) -> bool {
        found.uid() == geteuid().as_raw()
    }
}

#[cfg(not(unix))]
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(refused("it is not a regular file")),
    }
}

#[cfg(not(unix))]
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

#[cfg(not(unix))]
pub(super) fn check_directory(path: &Path) -> io::Result<()> {
    match path.symlink_metadata()?.is_dir() {
        true => Ok(()),
        false => Err(refused("it is not a directory")),
    }
}

#[cfg(not(unix))]
pub(super) fn check_parent(_: &Path) -> io::Result<()> {
    Ok(())
}

fn refused(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}
