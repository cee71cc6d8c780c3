//! Replays recordings of genuine servers against the simulator and compares every response.
//!
//! `PVE_TRANSCRIPTS` names another folder of recordings (a folder of version folders, or one
//! version folder) than the built-in copy. What a case needs is read from the case; the start of
//! the recorded servers is in `fixtures/overrides.json`, what is knowingly not modelled in
//! `fixtures/not-modelled.json`.

mod support {
    pub mod client;
    pub mod compare;
    pub mod identity;
    pub mod objects;
    pub mod preconditions;
    pub mod recording;
    pub mod replay;
    pub mod rights;
}

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use support::recording::{Case, Folder};
use support::replay::replay;

/// How many of the built-in recordings match, by folder.
const EXPECTED: &[(&str, usize)] = &[("8.2.2-http5.1.2", 30), ("9.0.7", 30), ("9.1.1", 380)];
/// How many cases run at a time.
const WORKERS: usize = 4;

enum Outcome {
    Matches,
    Differs(String),
    NotModelled(String),
}

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The reason why a case is not modelled, if it is one of those.
fn not_modelled(case: &Case, rules: &Value) -> Option<String> {
    let rules = rules.as_array().into_iter().flatten();
    let has = |rule: &Value, (name, value): &(String, String)| {
        let begins = rule["response_header"][1].as_str().unwrap_or_default();
        rule["response_header"][0] == name.as_str() && value.starts_with(begins)
    };
    let meets = |rule: &&Value| {
        let mut exchanges = case.exchanges.iter();
        exchanges.any(|exchange| {
            exchange
                .response_headers
                .iter()
                .any(|header| has(rule, header))
        })
    };
    let reason = |rule: &Value| rule["reason"].as_str().unwrap_or_default().to_owned();
    rules.into_iter().find(meets).map(reason)
}

fn run(folder: &Folder) -> Vec<Outcome> {
    let (overrides, rules) = (fixture("overrides.json"), fixture("not-modelled.json"));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        while let Some((number, case)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            folder.cases.get(number).map(|case| (number, case))
        } {
            let outcome = match not_modelled(case, &rules) {
                Some(reason) => Outcome::NotModelled(reason),
                None => match replay(
                    case,
                    folder.version,
                    &overrides["start"],
                    folder.moment(number),
                ) {
                    Ok(()) => Outcome::Matches,
                    Err(text) => Outcome::Differs(text),
                },
            };
            outcomes.push((number, outcome));
        }
        outcomes
    };
    let mut outcomes: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

#[test]
#[allow(clippy::print_stdout, reason = "the report is what one runs this for")]
fn conformance() {
    // Tests run in their package's folder; a relative path is more likely meant from the top.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("PVE_TRANSCRIPTS").map(|path| package.join("../..").join(path));
    let built_in = package.join("fixtures/transcripts");
    let folders = Folder::read_all(given.as_deref().unwrap_or(&built_in));
    let (mut matched, mut differ, mut skipped, mut short) = (0, 0, 0, Vec::new());
    for folder in &folders {
        let mut here = 0;
        for (case, outcome) in folder.cases.iter().zip(run(folder)) {
            let name = format!("{}/{}", folder.name, case.name);
            match outcome {
                Outcome::Matches => here += 1,
                Outcome::Differs(text) => {
                    differ += 1;
                    println!("{name} differs: {text}");
                }
                Outcome::NotModelled(reason) => {
                    skipped += 1;
                    println!("{name} is not modelled: {reason}");
                }
            }
        }
        println!("{}: {here} of {} matched", folder.name, folder.cases.len());
        matched += here;
        let expected = EXPECTED.iter().find(|(name, _)| *name == folder.name);
        if expected.is_some_and(|&(_, expected)| given.is_none() && here < expected) {
            short.push(&folder.name);
        }
    }
    println!("{matched} matched, {differ} differ, {skipped} not modelled");
    assert!(matched > 0, "no recordings found");
    assert_eq!(differ, 0, "recordings differ, see above");
    assert!(
        short.is_empty(),
        "fewer recordings matched than there should: {short:?}"
    );
}
