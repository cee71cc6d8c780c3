//! The audit of everything there is.

use crate::{
    Measured,
    host::Host,
    options::Options,
    step::{step, without_provider},
    subject::Subject,
    table::Row,
};

const ROUNDS: usize = 5;
const USERS: usize = 500;
const TOKENS_EACH: usize = 20;

const AUDIT: &str = r#"
terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

data "proxmox_api_tokens" "all" {}

output "all" {
  value = data.proxmox_api_tokens.all.tokens
}
"#;

/// Plans the audit, beside a plan of nothing.
pub fn measure(_: &[Subject], options: &Options) -> Measured {
    let Some(cli) = options.command_line() else {
        return Ok(Vec::new());
    };
    let (subject, host) = (Subject::ours(), Host::new(options)?);
    populate(&host, options.size(USERS));
    let alone = without_provider(&cli, "output \"all\" {\n  value = 1\n}\n")?;
    let ours = host.directory(&cli, &subject)?;
    ours.write("main.tf", AUDIT)?;
    let (mut base, mut extra) = (Vec::new(), Vec::new());
    let (mut requests, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds(ROUNDS) {
        let without = step(&alone, &subject.binary, &["plan"]).succeeded()?;
        host.requests();
        let with = step(&ours, &subject.binary, &["plan"]).succeeded()?;
        base.push(without.seconds);
        extra.push(with.seconds - without.seconds);
        requests.extend(host.requests());
        memory.extend(with.memory);
    }
    Ok(vec![
        Row::without("audit of all tokens", "s", base),
        Row::ours("audit of all tokens", "+s", extra),
        Row::ours("audit of all tokens: requests", "", requests),
        Row::ours("audit of all tokens: peak memory", "MB", memory),
    ])
}

/// A simulator gets users, each with tokens and a grant. A real host has its own.
fn populate(host: &Host, users: usize) {
    let Some(simulator) = &host.simulator else {
        return;
    };
    simulator.state(|state| {
        for user in 0..users {
            let user = format!("user{user}@pve");
            for token in 0..TOKENS_EACH {
                state.add_token(&format!("{user}!token{token}"), true, Some("Measured"), 0);
            }
            state.set_acl("/vms", "PVEVMUser", &user, true);
        }
    });
}
