//! The processes of a command line that runs, and their end.

use std::process::{Command, Output};
use std::time::{Duration, Instant};
use std::{fs, thread};

use cli_harness::Run;

/// What a command line that was started has written, and how it ended.
pub fn run_of(output: Output) -> Run {
    Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Waits for a moment of a run.
pub fn wait_for(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the run never came so far"
        );
        thread::sleep(Duration::from_millis(2));
    }
}

/// By the shell, whose `kill` is always there.
pub fn signal(name: &str, process: u32) {
    let kill = format!("kill -{name} {process}");
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.is_ok(), "no signal was sent");
}

/// The provider processes that a command line has started, from `/proc`.
pub fn providers_of(parent: u32) -> impl Iterator<Item = u32> {
    let processes = fs::read_dir("/proc").expect("the processes");
    let names = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let children: Vec<u32> = names
        .filter_map(|name| name.parse().ok())
        .filter(|process| parent_of(*process) == Some(parent))
        .collect();
    assert!(!children.is_empty(), "there is no provider to kill");
    children.into_iter()
}

/// The second field behind the program's name, which is in brackets.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}
