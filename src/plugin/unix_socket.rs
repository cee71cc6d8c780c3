//! A unix socket and the directory around it.
//!
//! The path of a unix socket has about a hundred bytes, so names are short, and where the directory
//! for temporary files is too deep, missing or not writable, others are tried. A directory bears the
//! number of its process, so that those of killed processes can be told and removed.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use tempfile::{Builder, TempDir, TempPath};

/// What the name of a directory begins with, before the number of its process.
const PREFIX: &str = "tpp";

/// The name of the socket in a directory of its own.
const SOCKET: &str = "s";

/// A listening unix socket.
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    pub(super) path: SocketPath,
}

/// The path of a socket. Dropping it removes the socket, then the directory that was created for
/// it.
pub(super) struct SocketPath {
    socket: TempPath,
    _directory: Option<TempDir>,
}

/// The directories that could not hold a socket, and why.
#[derive(Debug)]
struct Failures(Vec<(PathBuf, io::Error)>);

impl Deref for SocketPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.socket
    }
}

impl Socket {
    /// Listens in the parent's directory. Without one, in a new directory that only its owner can
    /// enter, in the first of these directories that can hold it.
    pub fn open(parents: Option<&Path>, directories: &[PathBuf]) -> io::Result<Self> {
        if let Some(directory) = parents {
            return Self::open_beside(directory)
                .map_err(|error| Failures(vec![(directory.to_owned(), error)]).into());
        }
        let mut failures = Vec::new();
        for directory in directories {
            match Self::open_within(directory) {
                Ok(socket) => return Ok(socket),
                Err(error) => failures.push((directory.clone(), error)),
            }
        }
        Err(Failures(failures).into())
    }

    fn open_beside(directory: &Path) -> io::Result<Self> {
        let socket = Builder::new()
            .prefix("plugin")
            .make_in(directory, |path| UnixListener::bind(path))?;
        let (listener, socket) = socket.into_parts();
        Self::of_owner(listener, socket, None)
    }

    fn open_within(directory: &Path) -> io::Result<Self> {
        let own = Builder::new()
            .prefix(&format!("{PREFIX}{:x}-", std::process::id()))
            .rand_bytes(4)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(directory)?;
        let path = own.path().join(SOCKET);
        let listener = UnixListener::bind(&path)?;
        Self::of_owner(listener, TempPath::try_from_path(path)?, Some(own))
    }

    fn of_owner(
        listener: UnixListener,
        socket: TempPath,
        own: Option<TempDir>,
    ) -> io::Result<Self> {
        fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path: SocketPath {
                socket,
                _directory: own,
            },
        })
    }
}

/// The directories to try: the one for temporary files, then those that a system has besides.
pub(super) fn directories() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut directories = vec![std::env::temp_dir()];
    directories.extend(runtime.filter(|path| path.is_absolute()));
    directories.extend(["/tmp", "/var/tmp"].map(PathBuf::from));
    directories.dedup();
    directories
}

/// Removes the directories that killed processes of this user have left beside a socket's own.
pub(super) fn sweep(socket: &Path) {
    let Some(own) = socket.parent() else { return };
    let (Some(beside), Ok(metadata)) = (own.parent(), own.symlink_metadata()) else {
        return;
    };
    for entry in fs::read_dir(beside).into_iter().flatten().flatten() {
        let is_left = process_of(&entry.file_name().to_string_lossy()).is_some_and(has_ended)
            && entry
                .path()
                .symlink_metadata()
                .is_ok_and(|entry| entry.is_dir() && entry.uid() == metadata.uid());
        if is_left {
            // Only what this program puts there: a directory with anything else stays.
            let _ = fs::remove_file(entry.path().join(SOCKET));
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// The process of a directory, by its name.
fn process_of(name: &str) -> Option<Pid> {
    let (process, random) = name.strip_prefix(PREFIX)?.split_once('-')?;
    let process = i32::from_str_radix(process, 16).ok()?;
    Pid::from_raw(process).filter(|_| random.len() == 4)
}

fn has_ended(process: Pid) -> bool {
    test_kill_process(process) == Err(Errno::SRCH)
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (directory, error)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}in {}: {error}", directory.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Failures {}

impl From<Failures> for io::Error {
    fn from(failures: Failures) -> Self {
        Self::other(failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    /// A directory whose path has this many bytes.
    fn deep(root: &Path, length: usize) -> PathBuf {
        let missing = length - root.as_os_str().len() - 1;
        let directory = root.join("x".repeat(missing));
        fs::create_dir(&directory).unwrap();
        directory
    }

    #[test]
    fn only_the_owner_can_reach_the_socket_and_it_is_removed() {
        let socket = Socket::open(None, &directories()).unwrap();
        let directory = socket.path.parent().unwrap().to_owned();
        assert_eq!((mode(&directory), mode(&socket.path)), (0o700, 0o600));
        drop(socket);
        assert!(!directory.exists());
    }

    #[test]
    fn the_directory_of_a_parent_is_used_and_kept() {
        let parents = tempfile::tempdir().unwrap();
        let socket = Socket::open(Some(parents.path()), &[]).unwrap();
        assert_eq!(socket.path.parent(), Some(parents.path()));
        drop(socket);
        assert_eq!(parents.path().read_dir().unwrap().count(), 0);
    }

    /// A Go program has 17 bytes after the directory.
    #[test]
    fn a_path_is_no_longer_than_that_of_a_go_program() {
        let root = tempfile::tempdir().unwrap();
        let deepest = deep(root.path(), 107 - 17);
        let socket = Socket::open(None, std::slice::from_ref(&deepest)).unwrap();
        assert!(socket.path.starts_with(deepest));
    }

    #[test]
    fn where_a_directory_cannot_hold_the_socket_the_next_one_does() {
        let root = tempfile::tempdir().unwrap();
        let (too_deep, missing) = (deep(root.path(), 150), root.path().join("missing"));
        let unusable = [too_deep.clone(), missing];
        let last = [unusable.as_slice(), &[root.path().to_owned()]].concat();
        let socket = Socket::open(None, &last).unwrap();
        assert_eq!(socket.path.parent().unwrap().parent(), Some(root.path()));
        assert_eq!(too_deep.read_dir().unwrap().count(), 0);

        let refused = Socket::open(None, &unusable).err().unwrap().to_string();
        assert!(
            refused.contains("xxx") && refused.contains("missing"),
            "{refused}"
        );
    }

    #[test]
    fn directories_of_ended_processes_are_removed_and_no_others() {
        let root = tempfile::tempdir().unwrap();
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let left = root.path().join(format!("{PREFIX}{:x}-abcd", ended.id()));
        let full = root.path().join(format!("{PREFIX}{:x}-efgh", ended.id()));
        let living = root
            .path()
            .join(format!("{PREFIX}{:x}-abcd", std::process::id()));
        let foreign = root.path().join("tppother");
        for directory in [&left, &full, &living, &foreign] {
            fs::create_dir(directory).unwrap();
        }
        drop(UnixListener::bind(left.join(SOCKET)).unwrap());
        fs::write(full.join("kept"), "").unwrap();
        let socket = Socket::open(None, &[root.path().to_owned()]).unwrap();
        sweep(&socket.path);
        assert!(!left.exists());
        assert!(full.join("kept").exists() && living.exists() && foreign.exists());
        assert!(socket.path.exists());
    }
}
