//! The audit of all tokens.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use terraform_provider_proxmox::pve::{CachedClient, Context};

use crate::Measured;
use crate::host::{Host, client};
use crate::options::Options;
use crate::step::{step, without_provider};
use crate::subject::Subject;
use crate::table::Row;

const ROUNDS: usize = 5;
const USERS: usize = 500;
const TOKENS_EACH: usize = 20;
/// In the year 2100.
const FAR: u64 = 4_102_444_800;

/// The journey of an auditor: what there is to ask about.
const AUDIT: &str = include_str!("../../tests/fixtures/journeys/04-audit.tf");

/// Plans the audit, beside a plan of nothing.
pub fn measure(subjects: &[Subject], options: &Options) -> Measured {
    let Some(cli) = options.command_line() else {
        return Ok(Vec::new());
    };
    let (versions, host) = (Subject::versions(subjects), Host::new(options)?);
    populate(&host, options);
    let alone = without_provider(
        &cli,
        r#"output "questions" {
  value = []
}
"#,
    )?;
    let mut directories = Vec::new();
    for subject in &versions {
        let directory = host.directory(&cli, subject)?;
        directory.write("main.tf", AUDIT)?;
        directories.push(directory);
    }
    let none = vec![Vec::new(); versions.len()];
    let (mut base, mut extra) = (Vec::new(), none.clone());
    let (mut requests, mut memory) = (none.clone(), none);
    for _ in 0..options.rounds(ROUNDS) {
        let without = step(&alone, Path::new(""), &["plan"]).succeeded()?;
        base.push(without.seconds);
        for (index, (subject, directory)) in versions.iter().zip(&directories).enumerate() {
            host.requests();
            let with = step(directory, &subject.binary, &["plan"]).succeeded()?;
            extra[index].push(with.seconds - without.seconds);
            requests[index].extend(host.requests());
            memory[index].extend(with.memory);
        }
    }
    let each = |measure, unit, samples| Row::each(measure, unit, &versions, samples);
    let mut rows = vec![Row::without("audit of all tokens", "s", base)];
    rows.extend(each("audit of all tokens", "+s", extra));
    rows.push(Row::ours(
        "audit of all tokens: our part",
        "ms",
        by_itself(&host, options)?,
    ));
    rows.extend(each("audit of all tokens: requests", "", requests));
    rows.extend(each("audit of all tokens: peak memory", "MB", memory));
    Ok(rows)
}

/// How long the responses take to be asked for and worked out, before Terraform gets them. On the
/// simulator only.
fn by_itself(host: &Host, options: &Options) -> Result<Vec<f64>, Box<dyn Error>> {
    let Some(simulator) = &host.simulator else {
        return Ok(Vec::new());
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let samples = (0..options.rounds(ROUNDS)).map(|_| {
        let client = CachedClient::from(client(simulator)?);
        let begin = Instant::now();
        runtime.block_on(client.audit(&Context::default()))?;
        Ok(begin.elapsed().as_secs_f64() * 1e3)
    });
    samples.collect()
}

/// A simulator gets users, each with tokens, of which one never expires, and a grant. A real host
/// has its own.
pub fn populate(host: &Host, options: &Options) {
    let users = options.size(USERS);
    let Some(simulator) = &host.simulator else {
        return;
    };
    simulator.state(|state| {
        for user in 0..users {
            let user = format!("user{user}@pve");
            for token in 0..TOKENS_EACH {
                let expire = if token == 0 { 0 } else { FAR };
                state.add_token(
                    &format!("{user}!token{token}"),
                    true,
                    Some("Measured"),
                    expire,
                );
            }
            state.set_acl("/vms", "PVEVMUser", &user, true);
        }
    });
}
