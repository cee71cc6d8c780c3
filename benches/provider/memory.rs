//! The peak memory of a provider during a command.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, thread};

/// Seldom enough not to be felt, and the system itself remembers the peak.
const EVERY: Duration = Duration::from_millis(25);

/// Does something, and says how much memory in MB any process of this binary had at its peak.
/// Only Linux tells.
pub fn peak<T>(binary: &Path, work: impl FnOnce() -> T) -> (T, Option<f64>) {
    let (done, most) = (AtomicBool::new(false), AtomicU64::new(0));
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(highest(binary), Ordering::Relaxed);
                thread::sleep(EVERY);
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    });
    let most = most.into_inner();
    (result, (most > 0).then_some(most as f64 / 1e6))
}

/// The highest peak, in bytes, among the processes that run this binary now.
fn highest(binary: &Path) -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ours = processes
        .map(|process| process.path())
        .filter(|path| fs::read_link(path.join("exe")).is_ok_and(|exe| exe == binary));
    ours.filter_map(|path| status(&path, "VmHWM:"))
        .max()
        .unwrap_or(0)
}

/// A figure of a process's status, in bytes.
pub fn status(process: &Path, name: &str) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
