//! Time from the start of the process to its handshake line, and its memory at that moment.
//!
//! Terraform starts a provider several times in every command, and waits for this line each time.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::options::Options;
use crate::subject::Subject;
use crate::table::Row;
use crate::{Measured, memory};

const ROUNDS: usize = 20;

/// What go-plugin says to every Terraform provider.
const ENVIRONMENT: [(&str, &str); 4] = [
    (
        "TF_PLUGIN_MAGIC_COOKIE",
        "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
    ),
    ("PLUGIN_PROTOCOL_VERSIONS", "5,6"),
    ("PLUGIN_MIN_PORT", "10000"),
    ("PLUGIN_MAX_PORT", "25000"),
];

/// Starts the providers in turn.
pub fn measure(subjects: &[Subject], options: &Options) -> Measured {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = certificate.cert.pem();
    let mut times = vec![Vec::new(); subjects.len()];
    let mut memory = vec![Vec::new(); subjects.len()];
    // Reads the binaries from disk.
    for subject in subjects {
        start(&subject.binary, &certificate)?;
    }
    for _ in 0..options.rounds(ROUNDS) {
        for (index, subject) in subjects.iter().enumerate() {
            let (time, resident) = start(&subject.binary, &certificate)?;
            times[index].push(time.as_secs_f64() * 1e3);
            memory[index].extend(resident.map(|bytes| bytes as f64 / 1e6));
        }
    }
    let times = Row::each("start to handshake line", "ms", subjects, times);
    let memory = Row::each("resident memory then", "MB", subjects, memory);
    Ok(times.chain(memory).collect())
}

/// Starts a provider like Terraform does: how long it took to say where it listens, and its
/// resident memory in bytes where the system tells.
fn start(binary: &Path, certificate: &str) -> Result<(Duration, Option<u64>), Box<dyn Error>> {
    // A killed process leaves its socket behind.
    let temporary = TempDir::new()?;
    let mut command = Command::new(binary);
    command
        .env_clear()
        .envs(ENVIRONMENT)
        .env("PLUGIN_CLIENT_CERT", certificate)
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let begin = Instant::now();
    let mut process = Process(command.spawn()?);
    let mut line = String::new();
    let stdout = process.0.stdout.take().ok_or("no standard output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let time = begin.elapsed();
    let process_files = format!("/proc/{}", process.0.id());
    let memory = memory::status(Path::new(&process_files), "VmRSS:");
    if !line.starts_with("1|") {
        return Err(format!("{}: not a handshake line: {line:?}", binary.display()).into());
    }
    Ok((time, memory))
}

/// A process that does not outlive its use.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
