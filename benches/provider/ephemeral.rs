//! An ephemeral token: a plan that opens and closes one, beside a plan of nothing.

use std::path::Path;

use crate::Measured;
use crate::host::Host;
use crate::options::Options;
use crate::step::{step, without_provider};
use crate::subject::Subject;
use crate::table::Row;

const ROUNDS: usize = 10;

/// Plans with and without the token, in turn.
pub fn measure(_: &[Subject], options: &Options) -> Measured {
    let Some(cli) = options.command_line() else {
        return Ok(Vec::new());
    };
    let (subject, host) = (Subject::ours(), Host::new(options)?);
    let alone = without_provider(&cli, "")?;
    let ours = host.directory(&cli, &subject)?;
    ours.write("main.tf", &configuration(&host))?;
    let (mut extra, mut requests) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds(ROUNDS) {
        let base = step(&alone, Path::new(""), &["plan"]).succeeded()?;
        host.requests();
        let with = step(&ours, &subject.binary, &["plan"]).succeeded()?;
        extra.push((with.seconds - base.seconds) * 1e3);
        requests.extend(host.requests());
    }
    let measure = "open and close an ephemeral token";
    Ok(vec![
        Row::ours(measure, "+ms", extra),
        Row::ours(format!("{measure}: requests"), "", requests),
    ])
}

fn configuration(host: &Host) -> String {
    format!(
        r#"terraform {{
  required_providers {{
    proxmox = {{ source = "depl0y/proxmox" }}
  }}
}}

ephemeral "proxmox_api_token" "run" {{
  user_id = {:?}
  acl     = [{{ path = "/vms", role = "PVEAuditor" }}]
}}
"#,
        host.owners[0]
    )
}
