//! The command `check` against a healthy host.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Measured;
use crate::host::Host;
use crate::options::Options;
use crate::subject::Subject;
use crate::table::Row;

const ROUNDS: usize = 20;

/// Checks the same host again and again, each time as a process of its own.
pub fn measure(_: &[Subject], options: &Options) -> Measured {
    let (subject, host) = (Subject::ours(), Host::new(options)?);
    let (mut times, mut handshakes, mut requests) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=options.rounds(ROUNDS) {
        let made = |host: &Host| host.simulator.as_ref().map(|sim| sim.tls_connections());
        let before = made(&host);
        let begin = Instant::now();
        let status = Command::new(&subject.binary)
            .arg("check")
            .env_clear()
            .envs(host.environment().iter().cloned())
            .stdout(Stdio::null())
            .status()?;
        let time = begin.elapsed();
        if !status.success() {
            return Err(format!("the check of the host ended with {status}").into());
        }
        // The first fills the system's caches.
        if round > 0 {
            times.push(time.as_secs_f64() * 1e3);
            handshakes.extend(before.zip(made(&host)).map(|(a, b)| (b - a) as f64));
            requests.extend(host.requests());
        } else {
            host.requests();
        }
    }
    Ok(vec![
        Row::ours("connection check", "ms", times),
        Row::ours("its TLS handshakes", "", handshakes),
        Row::ours("its requests", "", requests),
    ])
}
