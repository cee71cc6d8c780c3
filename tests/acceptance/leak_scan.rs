//! A scan of all scenarios for leaked secrets.
//!
//! With `LEAK_SCAN=1`, each run of a command line logs at the highest level, and when a scenario ends,
//! what its runs printed, what the provider logged and the files in the working directory are searched
//! for every secret that the server ever had: plain, in hexadecimal and in base64. Secrets are allowed
//! in the state and its backups, in saved plans, where a scenario wrote them itself, and in what a
//! scenario prints on purpose ([`LeakScan::allow_output`]).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use cli_harness::{LEAK_SCAN, Printed, Scratch, TRACE_LOG};
use proxmox_simulator::{IssuedSecrets, Simulator};

/// The shortest secret that is searched for: shorter passwords are words of a scenario.
const SHORTEST: usize = 9;

static SCANNED: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static SECRETS: AtomicUsize = AtomicUsize::new(0);
static LEAKS: AtomicUsize = AtomicUsize::new(0);

/// Scans when it is dropped, at the end of a scenario.
pub struct LeakScan {
    folder: PathBuf,
    printed: Printed,
    issued: IssuedSecrets,
    searches_output: bool,
}

/// The reasons for which scenarios print secrets.
static ALLOWED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

impl LeakScan {
    /// The scan of a scenario, if one is asked for.
    pub fn of(sim: &Simulator, scratch: &Scratch) -> Option<Self> {
        std::env::var_os(LEAK_SCAN)?;
        Some(Self {
            folder: scratch.path().to_owned(),
            printed: scratch.printed(),
            issued: sim.state(|state| state.issued()),
            searches_output: true,
        })
    }

    /// Does not search the output of this scenario, which prints a secret for this reason.
    pub fn allow_output(&mut self, reason: &'static str) {
        self.searches_output = false;
        let mut allowed = ALLOWED.lock().unwrap_or_else(PoisonError::into_inner);
        allowed.insert(reason);
    }

    fn leaks(&self) -> Vec<String> {
        let secrets = self.issued.until_now();
        let searched: Vec<(String, String)> = secrets
            .iter()
            .filter(|secret| secret.len() >= SHORTEST)
            .flat_map(|secret| forms(secret))
            .collect();
        SECRETS.fetch_add(secrets.len(), Ordering::Relaxed);
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = printed
            .iter()
            .filter(|_| self.searches_output)
            .map(|text| ("printed".to_owned(), text.clone()));
        let files = files(&self.folder).into_iter();
        let mut leaks = BTreeSet::new();
        for (place, text) in printed.chain(files) {
            BYTES.fetch_add(text.len(), Ordering::Relaxed);
            let found = searched.iter().filter(|(_, form)| text.contains(form));
            leaks.extend(found.map(|(kind, _)| format!("{place}: a secret, {kind}")));
        }
        leaks.into_iter().collect()
    }
}

impl Drop for LeakScan {
    fn drop(&mut self) {
        let leaks = self.leaks();
        SCANNED.fetch_add(1, Ordering::Relaxed);
        LEAKS.fetch_add(leaks.len(), Ordering::Relaxed);
        // A scenario that fails already says so.
        assert!(leaks.is_empty() || thread::panicking(), "leaked: {leaks:?}");
    }
}

/// The forms in which a secret is searched for.
fn forms(secret: &str) -> [(String, String); 3] {
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    [
        ("plain".to_owned(), secret.to_owned()),
        ("in hexadecimal".to_owned(), hexadecimal),
        ("in base64".to_owned(), STANDARD_NO_PAD.encode(secret)),
    ]
}

/// The log of the provider, and the other files of a working directory in which no secret belongs.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (
            entry.path(),
            entry.file_name().to_string_lossy().into_owned(),
        );
        let bytes = fs::read(&path).unwrap_or_default();
        let is_plan = bytes.starts_with(b"PK");
        let is_state = name.contains("tfstate");
        let is_written_by_a_scenario = [".tf", ".hcl", ".tfvars", ".json"]
            .iter()
            .any(|ending| name.ends_with(ending));
        if name == TRACE_LOG || !(is_plan || is_state || is_written_by_a_scenario) {
            found.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}

/// Prints the figures of the scan.
pub fn report() {
    if std::env::var_os(LEAK_SCAN).is_none() {
        return;
    }
    let figure = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    eprintln!(
        "leak scan: {} scenarios, {} secrets, {} MB searched, {} leaks",
        figure(&SCANNED),
        figure(&SECRETS),
        figure(&BYTES) >> 20,
        figure(&LEAKS)
    );
    let allowed = ALLOWED.lock().unwrap_or_else(PoisonError::into_inner);
    for reason in allowed.iter() {
        eprintln!("allowed in the output of a scenario: {reason}");
    }
}
