//! The one-time codes that have been used, within this process and beyond it.
//!
//! The server takes a code once. Plan and apply are processes of their own, and provider aliases
//! too, so the time step of the last code is kept in a small file for each host and user, in a
//! directory that only the user may enter. A time step is no secret. Where no such directory can
//! be had, only this process is guarded.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};

use crate::pve::auth::private_file;

/// Steps further ahead than this are not believed: a clock was set back, or the file is damaged.
const BELIEVABLE: u64 = 2;

/// The longest wait for the lock of a file, and the pause between two attempts.
const LOCK_LIMIT: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Takes the code of this step for the caller, unless it or a later one was taken before.
pub(crate) async fn claim(endpoint: &str, user: &str, step: u64) -> bool {
    let name = hex(digest(&SHA256, format!("{endpoint}\n{user}").as_bytes()).as_ref());
    let claimed =
        tokio::task::spawn_blocking(move || claim_in(directory().as_deref(), &name, step));
    claimed.await.unwrap_or(false)
}

fn claim_in(directory: Option<&Path>, name: &str, step: u64) -> bool {
    if !claim_in_process(name, step) {
        return false;
    }
    let Some(directory) = directory else {
        return true;
    };
    claim_in_file(directory, name, step).unwrap_or_else(|error| {
        tracing::warn!(%error, "Unable to record used one-time codes: another process may use the same code");
        true
    })
}

fn claim_in_process(name: &str, step: u64) -> bool {
    static USED: OnceLock<Mutex<HashMap<String, u64>>> = OnceLock::new();
    let mut used = USED
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let free = is_free(used.get(name).copied(), step);
    if free {
        used.insert(name.to_owned(), step);
    }
    free
}

fn claim_in_file(directory: &Path, name: &str, step: u64) -> io::Result<bool> {
    prepare(directory)?;
    let mut file = private_file::open(&directory.join(name))?;
    lock(&file)?;
    let mut text = String::new();
    Read::by_ref(&mut file).take(32).read_to_string(&mut text)?;
    let free = is_free(text.trim().parse().ok(), step);
    if free {
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{step}")?;
    }
    Ok(free)
}

/// Locks a file, which takes as long as another process writes a number. A process that stops while
/// it holds the lock must not stop this one.
fn lock(file: &File) -> io::Result<()> {
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if since.elapsed() < LOCK_LIMIT => {
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_free(last: Option<u64>, step: u64) -> bool {
    last.is_none_or(|last| last < step || last > step + BELIEVABLE)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn directory() -> Option<PathBuf> {
    // Unit tests do not touch the user's files.
    if cfg!(test) {
        return None;
    }
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = variable("XDG_RUNTIME_DIR")
        .or_else(|| variable("XDG_STATE_HOME"))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state")))?;
    base.is_absolute()
        .then(|| base.join("terraform-provider-proxmox"))
}

/// Makes the directory, and refuses one in which another user could put something: one that is open
/// to others, belongs to somebody else, or is in a directory that does.
fn prepare(directory: &Path) -> io::Result<()> {
    let existing = directory.ancestors().skip(1).find(|path| path.exists());
    existing.map_or(Ok(()), private_file::check_parent)?;
    private_file::create_directory(directory)?;
    private_file::check_directory(directory)
}

#[cfg(test)]
mod tests {
    use super::{claim_in, claim_in_file, claim_in_process};

    #[test]
    fn a_step_is_given_out_once_and_only_forwards() {
        assert!(claim_in_process("once", 10));
        assert!(!claim_in_process("once", 10));
        assert!(!claim_in_process("once", 9));
        assert!(claim_in_process("once", 11));
        assert!(claim_in_process("another", 10));
    }

    #[test]
    fn another_process_sees_what_was_used() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("terraform-provider-proxmox");
        assert!(claim_in_file(&directory, "host-and-user", 10).unwrap());
        assert!(!claim_in_file(&directory, "host-and-user", 10).unwrap());
        assert!(claim_in_file(&directory, "host-and-user", 11).unwrap());
        assert_eq!(
            std::fs::read_to_string(directory.join("host-and-user")).unwrap(),
            "11"
        );
    }

    #[test]
    fn a_damaged_file_or_a_clock_set_back_locks_nobody_out() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("private");
        assert!(claim_in_file(&directory, "x", 1_000_000).unwrap());
        assert!(claim_in_file(&directory, "x", 10).unwrap());
        std::fs::write(directory.join("x"), "garbage").unwrap();
        assert!(claim_in_file(&directory, "x", 10).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_is_private_and_one_that_is_open_to_others_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("private");
        claim_in_file(&directory, "x", 1).unwrap();
        let mode = std::fs::metadata(&directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(claim_in_file(&directory, "x", 2).is_err());
        assert!(claim_in(Some(&directory), "falls back to this process", 2));
    }

    #[cfg(unix)]
    #[test]
    fn nothing_but_a_file_of_ones_own_is_read_or_written() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("private");
        claim_in_file(&directory, "x", 1).unwrap();
        let victim = state.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, directory.join("link")).unwrap();
        std::fs::hard_link(&victim, directory.join("hard")).unwrap();
        let fifo = directory.join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        for name in ["link", "hard", "fifo"] {
            assert!(claim_in_file(&directory, name, 2).is_err(), "{name}");
        }
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");

        let link = state.path().join("linked");
        std::os::unix::fs::symlink(&directory, &link).unwrap();
        assert!(claim_in_file(&link, "x", 3).is_err());
    }

    #[test]
    fn a_held_lock_is_not_waited_for_without_end() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("private");
        claim_in_file(&directory, "held", 1).unwrap();
        let holder = std::fs::File::open(directory.join("held")).unwrap();
        holder.lock().unwrap();
        assert!(claim_in_file(&directory, "held", 2).is_err());
    }
}
