//! The list of all tokens, with their states. On a command line that has lists.

use std::path::Path;

use cli_harness::Cli;

use crate::Measured;
use crate::audit::populate;
use crate::host::Host;
use crate::options::Options;
use crate::step::{step, without_provider};
use crate::subject::Subject;
use crate::table::Row;

const ROUNDS: usize = 3;

const LIST: &str = r#"list "proxmox_api_token" "all" {
  provider         = proxmox
  include_resource = true
  limit            = 1000000
}
"#;

const PROVIDER: &str = r#"terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}
"#;

/// Lists the tokens of the audit.
pub fn measure(_: &[Subject], options: &Options) -> Measured {
    let mut found = Cli::found().into_iter();
    let Some(cli) = found.find(Cli::has_lists_and_actions) else {
        eprintln!("not measured: there is no command line with lists");
        return Ok(Vec::new());
    };
    let (subject, host) = (Subject::ours(), Host::new(options)?);
    populate(&host, options);
    let alone = without_provider(&cli, "")?;
    let ours = host.directory(&cli, &subject)?;
    ours.write("main.tf", PROVIDER)?;
    ours.write("all.tfquery.hcl", LIST)?;
    let (mut extra, mut requests, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds(ROUNDS) {
        let base = step(&alone, Path::new(""), &["plan"]).succeeded()?;
        host.requests();
        let with = step(&ours, &subject.binary, &["query"]).succeeded()?;
        extra.push(with.seconds - base.seconds);
        requests.extend(host.requests());
        memory.extend(with.memory);
    }
    Ok(vec![
        Row::ours("list of all tokens", "+s", extra),
        Row::ours("list of all tokens: requests", "", requests),
        Row::ours("list of all tokens: peak memory", "MB", memory),
    ])
}
