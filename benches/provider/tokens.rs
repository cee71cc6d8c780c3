//! Tokens created, refreshed, updated and destroyed, compared with as many `terraform_data`.

use std::error::Error;

use cli_harness::{Cli, Scratch};

use crate::host::Host;
use crate::options::Options;
use crate::step::{Step, step, without_provider};
use crate::subject::Subject;
use crate::table::Row;
use crate::{Measured, command_line, writers};

const ROUNDS: usize = 3;

/// Terraform's own default.
const PARALLELISM: usize = 10;

/// What happens to the tokens, in order: what it is called, and whether the comment is another.
const STEPS: [(&str, &[&str], &str); 4] = [
    ("create", &["apply", "-auto-approve"], "first"),
    ("refresh", &["plan", "-detailed-exitcode"], "first"),
    ("update", &["apply", "-auto-approve"], "second"),
    ("destroy", &["destroy", "-auto-approve"], "second"),
];

/// Goes through the steps with each number of tokens.
pub fn measure(subjects: &[Subject], options: &Options) -> Measured {
    let Some(cli) = options.command_line() else {
        return Ok(Vec::new());
    };
    let (versions, host) = (Subject::versions(subjects), Host::new(options)?);
    let mut rows = Vec::new();
    for tokens in options.tokens() {
        rows.extend(lives(&cli, &versions, &host, tokens, options)?);
        for peer in subjects.iter().filter(|subject| subject.can_be_many()) {
            rows.push(refresh_of(&cli, peer, tokens, options)?);
        }
        rows.extend(without_write_lock(&host, tokens, options)?);
    }
    Ok(rows)
}

/// The samples of one step, those of the provider for each of its versions.
struct Samples {
    alone: Vec<f64>,
    extra: Vec<Vec<f64>>,
    requests: Vec<Vec<f64>>,
    memory: Vec<Vec<f64>>,
}

impl Samples {
    fn of(versions: usize) -> Self {
        let none = vec![Vec::new(); versions];
        Self {
            alone: Vec::new(),
            extra: none.clone(),
            requests: none.clone(),
            memory: none,
        }
    }
}

fn lives(
    cli: &Cli,
    versions: &[&Subject],
    host: &Host,
    tokens: usize,
    options: &Options,
) -> Measured {
    let alone = without_provider(cli, "")?;
    let directories = versions.iter().map(|subject| host.directory(cli, subject));
    let directories = directories.collect::<Result<Vec<_>, _>>()?;
    let mut samples = STEPS.map(|_| Samples::of(versions.len()));
    for _ in 0..options.rounds(ROUNDS) {
        for ((_, arguments, comment), samples) in STEPS.into_iter().zip(&mut samples) {
            alone.write("main.tf", &built_in(tokens, comment))?;
            let base = run(&alone, versions[0], arguments)?;
            samples.alone.push(base.seconds);
            for (index, (subject, directory)) in versions.iter().zip(&directories).enumerate() {
                let text = configuration(host, subject, tokens, comment);
                directory.write("main.tf", &text)?;
                host.requests();
                let with = run(directory, subject, arguments)?;
                samples.extra[index].push(with.seconds - base.seconds);
                samples.requests[index].extend(host.requests());
                samples.memory[index].extend(with.memory);
            }
        }
    }
    let mut rows = Vec::new();
    for ((name, ..), samples) in STEPS.into_iter().zip(samples) {
        let measure = format!("{name} {tokens} tokens");
        let each = |measure: String, unit, samples| Row::each(measure, unit, versions, samples);
        rows.push(Row::without(measure.clone(), "s", samples.alone));
        rows.extend(each(measure.clone(), "+s", samples.extra));
        rows.extend(each(format!("{measure}: requests"), "", samples.requests));
        rows.extend(each(
            format!("{measure}: peak memory"),
            "MB",
            samples.memory,
        ));
    }
    Ok(rows)
}

/// The refresh of as many resources of another provider.
fn refresh_of(
    cli: &Cli,
    peer: &Subject,
    number: usize,
    options: &Options,
) -> Result<Row, Box<dyn Error>> {
    let [create, refresh, _, destroy] = STEPS.map(|(_, arguments, _)| arguments);
    let alone = without_provider(cli, &built_in(number, ""))?;
    let theirs = command_line::directory(cli, peer)?;
    let mut theirs = theirs.ok_or("the peer has no configuration")?;
    theirs.set("TF_VAR_number", &number.to_string());
    run(&alone, peer, create)?;
    run(&theirs, peer, create)?;
    let mut extra = Vec::new();
    for _ in 0..options.rounds(ROUNDS) {
        let base = run(&alone, peer, refresh)?.seconds;
        extra.push(run(&theirs, peer, refresh)?.seconds - base);
    }
    run(&theirs, peer, destroy)?;
    Ok(Row {
        subject: peer.name,
        ..Row::ours(format!("refresh {number} tokens"), "+s", extra)
    })
}

fn run(directory: &Scratch, subject: &Subject, arguments: &[&str]) -> Result<Step, Box<dyn Error>> {
    step(directory, &subject.binary, arguments).succeeded()
}

fn built_in(number: usize, comment: &str) -> String {
    format!(
        r#"resource "terraform_data" "each" {{
  count = {number}
  input = "{comment} ${{count.index}}"
}}
"#
    )
}

fn configuration(host: &Host, subject: &Subject, number: usize, comment: &str) -> String {
    let (owners, name) = (&host.owners, subject.name);
    format!(
        r#"terraform {{
  required_providers {{
    proxmox = {{ source = "depl0y/proxmox" }}
  }}
}}

resource "proxmox_api_token" "each" {{
  count = {number}
  user_id = element({owners:?}, count.index)
  token_name = "tf-benchmark-{name}-${{count.index}}"
  comment = "{comment} ${{count.index}}"
}}
"#
    )
}

/// The same creation by clients that do not know of each other, and by one alone: the server's
/// own time. On the simulator only.
fn without_write_lock(host: &Host, tokens: usize, options: &Options) -> Measured {
    let Some(simulator) = &host.simulator else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for (subject, writers) in [("one writer", 1), ("ten writers", PARALLELISM)] {
        let samples =
            (0..options.rounds(ROUNDS)).map(|_| writers::create(simulator, tokens, writers));
        rows.push(Row {
            subject,
            ..Row::ours(
                format!("create {tokens} tokens, no write lock"),
                "s",
                samples.collect::<Result<_, _>>()?,
            )
        });
    }
    Ok(rows)
}
