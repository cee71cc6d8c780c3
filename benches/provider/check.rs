//! The command `check` against a healthy host.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Measured;
use crate::host::Host;
use crate::options::Options;
use crate::subject::Subject;
use crate::table::Row;

const ROUNDS: usize = 20;

/// Checks the same host again and again, each time as a process of its own.
pub fn measure(subjects: &[Subject], options: &Options) -> Measured {
    let (versions, host) = (Subject::versions(subjects), Host::new(options)?);
    let none = vec![Vec::new(); versions.len()];
    let (mut times, mut handshakes, mut requests) = (none.clone(), none.clone(), none);
    for round in 0..=options.rounds(ROUNDS) {
        for (index, subject) in versions.iter().enumerate() {
            let made = |host: &Host| host.simulator.as_ref().map(|sim| sim.tls_connections());
            let before = made(&host);
            host.requests();
            let time = check(&subject.binary, &host)?;
            // The first fills the system's caches.
            if round > 0 {
                times[index].push(time.as_secs_f64() * 1e3);
                handshakes[index].extend(before.zip(made(&host)).map(|(a, b)| (b - a) as f64));
                requests[index].extend(host.requests());
            }
        }
    }
    let times = Row::each("connection check", "ms", &versions, times);
    let handshakes = Row::each("its TLS handshakes", "", &versions, handshakes);
    let requests = Row::each("its requests", "", &versions, requests);
    Ok(times.chain(handshakes).chain(requests).collect())
}

/// How long a check takes.
fn check(binary: &Path, host: &Host) -> Result<Duration, Box<dyn Error>> {
    let begin = Instant::now();
    let status = Command::new(binary)
        .arg("check")
        .env_clear()
        .envs(host.environment().iter().cloned())
        .stdout(Stdio::null())
        .status()?;
    let time = begin.elapsed();
    match status.success() {
        true => Ok(time),
        false => Err(format!("the check of the host ended with {status}").into()),
    }
}
