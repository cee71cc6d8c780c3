//! Files that a setting names.
//!
//! A file is read where its setting is resolved, for every call anew. A named pipe or a device
//! would block or never end, so only regular files of a limited size are read, and the read leaves
//! the worker thread to other calls.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use tokio::runtime::{Handle, RuntimeFlavor};

/// The longest file that is read. A bundle of all public authorities has a quarter of it.
const LIMIT: u64 = 1024 * 1024;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refuses it.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A directory, a named pipe, a socket or a device.
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    /// Too long.
    #[error("it is longer than 1 MiB")]
    TooLong,
}

/// The content of a regular file of at most 1 MiB.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| read_now(path)),
        _ => read_now(path),
    }
}

fn read_now(path: &Path) -> Result<Vec<u8>, FileError> {
    // Looked at before it is opened: to open a named pipe waits for a writer.
    check(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    check(&file.metadata()?)?;
    let mut content = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut content)?;
    match content.len() as u64 > LIMIT {
        true => Err(FileError::TooLong),
        false => Ok(content),
    }
}

fn check(metadata: &fs::Metadata) -> Result<(), FileError> {
    if !metadata.is_file() {
        return Err(FileError::NotRegular(kind(metadata)));
    }
    match metadata.len() > LIMIT {
        true => Err(FileError::TooLong),
        false => Ok(()),
    }
}

#[cfg(unix)]
fn kind(metadata: &fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn kind(metadata: &fs::Metadata) -> &'static str {
    if metadata.is_dir() {
        "a directory"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_file_is_read_up_to_its_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        fs::write(&path, "text").unwrap();
        assert_eq!(read(&path).unwrap(), b"text");
        fs::write(&path, vec![b'x'; 1024 * 1024 + 1]).unwrap();
        assert!(matches!(read(&path), Err(FileError::TooLong)));
        assert!(matches!(
            read(directory.path()),
            Err(FileError::NotRegular("a directory"))
        ));
        assert!(matches!(
            read(&directory.path().join("none")),
            Err(FileError::Io(_))
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_and_a_named_pipe_are_refused_without_waiting() {
        let device = read(Path::new("/dev/zero"));
        assert!(matches!(device, Err(FileError::NotRegular("a device"))));
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert!(matches!(
            read(&pipe),
            Err(FileError::NotRegular("a named pipe"))
        ));
    }
}
