//! A soak: thousands of operations in one process of the provider, whose memory and open files must
//! not grow.

use std::fs;

use proxmox_simulator::Simulator;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::cli::{self, Failure, Process, Said, Stored};

/// The growth of the resident memory from the middle to the end that is still flat, in bytes: the
/// allocator keeps some of what it had.
const SLACK: u64 = 4 << 20;

/// Runs rounds of creating, reading, rotating and revoking a token, and says what the process used.
pub fn run(rounds: usize) -> Result<String, String> {
    if rounds == 0 {
        return Ok("soak: none".to_owned());
    }
    let runtime = Runtime::new().expect("a runtime");
    let sim = Simulator::builder().spawn().expect("a simulator");
    let secret = sim.state(|state| {
        state.add_user("demo@pve", "demo-pass-1");
        state.add_token("root@pam!admin", false, None, 0)
    });
    let token = format!("root@pam!admin={secret}");
    let block = cli::block(&sim.endpoint(), sim.certificate_fingerprint(), &token);
    let mut said = Said::default();
    let process = runtime.block_on(Process::start(&block, &mut said));
    let process = process.map_err(shown(&said))?;
    let mut used = Vec::new();
    for round in 0..rounds {
        if round % (rounds / 4).max(1) == 0 {
            used.push(usage());
        }
        let outcome = runtime.block_on(one_life(&process, &block, &mut said));
        outcome.map_err(shown(&said))?;
        sim.clear_requests();
        said.0.clear();
    }
    used.push(usage());
    let [.., middle, _, end] = used[..] else {
        return Err("too few rounds".to_owned());
    };
    let figures = format!(
        "soak: {} operations, memory {} MB in the middle and {} MB at the end, {} and {} open files",
        rounds * 5,
        middle.0 >> 20,
        end.0 >> 20,
        middle.1,
        end.1
    );
    match end.0 <= middle.0 + SLACK && end.1 <= middle.1 + 2 {
        true => Ok(figures),
        false => Err(format!("the process grew. {figures}")),
    }
}

fn shown(said: &Said) -> impl Fn(Failure) -> String {
    let said = said.0.join("\n");
    move |failure| format!("{failure:?}\n{said}")
}

/// A token is created, read, rotated and revoked, and an ephemeral one opened and closed.
async fn one_life(process: &Process, block: &Json, said: &mut Said) -> Result<(), Failure> {
    let config = |again: &str| {
        json!({
            "user_id": "demo@pve", "token_name": "soak", "expires_in": "30d",
            "rotate_when_changed": { "again": again },
        })
    };
    let created = change(process, block, None, Some(&config("no")), said).await?;
    let Some(created) = created else {
        return Err(Failure::Broken("nothing was created".to_owned()));
    };
    let read = process.refresh(created, said).await?;
    let rotated = change(process, block, read, Some(&config("yes")), said).await?;
    let ephemeral = json!({ "user_id": "demo@pve", "expires_in": "30m" });
    cli::ephemeral(process, &ephemeral, said).await?;
    match change(process, block, rotated, None, said).await? {
        None => Ok(()),
        Some(_) => Err(Failure::Broken(
            "the token is still in the state".to_owned(),
        )),
    }
}

/// Plans and applies a change. Each of the two configures the provider, as the two processes of a
/// command line do.
async fn change(
    process: &Process,
    block: &Json,
    prior: Option<Stored>,
    config: Option<&Json>,
    said: &mut Said,
) -> Result<Option<Stored>, Failure> {
    process.configure(block, said).await?;
    let plan = process.plan(prior, config, said).await?;
    process.configure(block, said).await?;
    let (stored, outcome) = process.apply(plan, config, said).await;
    outcome.map(|()| stored)
}

/// The resident memory in bytes and the number of open files. Both are 0 where the system does not
/// tell, which is said by the figures.
fn usage() -> (u64, usize) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    (kilobytes.unwrap_or_default() << 10, files)
}
