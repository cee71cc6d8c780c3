//! A fleet with unreachable clusters: one provider block, hundreds of clusters, and some of them
//! black holes, which accept connections and never respond.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::net::TcpListener;

use proxmox_simulator::{Request, Simulator};

use crate::Measured;
use crate::options::Options;
use crate::step::{step, without_provider};
use crate::subject::Subject;
use crate::table::Row;

const ROUNDS: usize = 3;
const CLUSTERS: usize = 200;
const TOKENS_EACH: usize = 5;
const HOLES: usize = 10;
const REQUEST_TIMEOUT: &str = "4s";

/// Creates the tokens, and then plans with all clusters there and with some of them gone.
pub fn measure(_: &[Subject], options: &Options) -> Measured {
    // A fleet of real hosts is nobody's to measure with.
    let (Some(cli), None) = (options.command_line(), &options.endpoint) else {
        return Ok(Vec::new());
    };
    let subject = Subject::ours();
    let mut fleet = Fleet::new(options.size(CLUSTERS))?;
    let number = fleet.clusters.len() * TOKENS_EACH;
    let alone = without_provider(&cli, &built_in(number))?;
    let ours = cli_harness::Scratch::new(
        cli.clone(),
        subject.binary.parent().ok_or("a binary is in a folder")?,
    )?;
    ours.write("main.tf", &fleet.configuration()?)?;
    for directory in [&alone, &ours] {
        step(directory, &subject.binary, &["apply", "-auto-approve"]).succeeded()?;
    }

    let mut samples: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut sample = |name, value| samples.entry(name).or_default().push(value);
    for _ in 0..options.rounds(ROUNDS) {
        let base = step(&alone, &subject.binary, &["plan"]).succeeded()?;
        fleet.forget_requests();
        let whole = step(&ours, &subject.binary, &["plan"]).succeeded()?;
        sample("alone", base.seconds);
        sample("whole", whole.seconds - base.seconds);
        sample(
            "logins",
            fleet.each(|request| request.path == "/access/ticket"),
        );
        sample("requests", fleet.each(|_| true));
        whole
            .memory
            .into_iter()
            .for_each(|memory| sample("memory", memory));
    }
    let holes = fleet.lose(HOLES)?;
    let whole = median(&samples["whole"]) + median(&samples["alone"]);
    for _ in 0..options.rounds(ROUNDS) {
        // Whether a plan that cannot look at every token succeeds is not what is measured.
        let part = step(&ours, &subject.binary, &["plan"]);
        samples
            .entry("holes")
            .or_default()
            .push(part.seconds - whole);
    }
    drop(holes);
    let mut row = |measure: &str, unit, name| {
        Row::ours(
            measure.to_owned(),
            unit,
            samples.remove(name).unwrap_or_default(),
        )
    };
    let plan = format!(
        "plan of {number} tokens on {} clusters",
        number / TOKENS_EACH
    );
    Ok(vec![
        Row {
            subject: "no provider",
            ..row(&plan, "s", "alone")
        },
        row(&plan, "+s", "whole"),
        row("the same: logins a cluster", "", "logins"),
        row("the same: requests a cluster", "", "requests"),
        row("the same: peak memory", "MB", "memory"),
        row(&format!("what {HOLES} black holes add"), "+s", "holes"),
    ])
}

fn built_in(number: usize) -> String {
    format!(
        r#"resource "terraform_data" "each" {{
  count = {number}
}}
"#
    )
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Servers that know nothing of each other.
struct Fleet {
    clusters: Vec<Simulator>,
}

impl Fleet {
    fn new(clusters: usize) -> Result<Self, Box<dyn Error>> {
        let clusters = (0..clusters).map(|_| {
            let simulator = Simulator::builder().spawn()?;
            simulator.state(|state| state.add_user("automation@pve", "benchmark-1"));
            Ok(simulator)
        });
        Ok(Self {
            clusters: clusters.collect::<Result<_, proxmox_simulator::Error>>()?,
        })
    }

    /// Logs in by password, so that logins can be counted.
    fn configuration(&self) -> Result<String, Box<dyn Error>> {
        let mut text = format!(
            r#"terraform {{
  required_providers {{
    proxmox = {{ source = "depl0y/proxmox" }}
  }}
}}

provider "proxmox" {{
  request_timeout = {REQUEST_TIMEOUT:?}
  clusters = {{
"#
        );
        for (number, cluster) in self.clusters.iter().enumerate() {
            writeln!(
                text,
                r#"    c{number} = {{ endpoint = {:?}, username = "root@pam", password = "root-pass-1", certificate_fingerprints = [{:?}] }}"#,
                cluster.endpoint(),
                cluster.certificate_fingerprint()
            )?;
        }
        let number = self.clusters.len() * TOKENS_EACH;
        write!(
            text,
            r#"  }}
}}

resource "proxmox_api_token" "each" {{
  count = {number}
  cluster = "c${{floor(count.index / {TOKENS_EACH})}}"
  user_id = "automation@pve"
  token_name = "token${{count.index}}"
}}
"#
        )?;
        Ok(text)
    }

    fn forget_requests(&self) {
        self.clusters.iter().for_each(Simulator::clear_requests);
    }

    /// How many such requests a cluster had on average.
    fn each(&self, such: impl Fn(&Request) -> bool) -> f64 {
        let counts = self.clusters.iter().map(|cluster| cluster.count(&such));
        counts.sum::<usize>() as f64 / self.clusters.len() as f64
    }

    /// Turns the last clusters into black holes, at the addresses they had.
    fn lose(&mut self, holes: usize) -> Result<Vec<TcpListener>, Box<dyn Error>> {
        let stay = self.clusters.len().saturating_sub(holes);
        let lost = self.clusters.split_off(stay);
        let addresses: Vec<_> = lost.iter().map(Simulator::address).collect();
        drop(lost);
        let holes = addresses.into_iter().map(|address| {
            // The simulator's threads let go of the port a moment after it was dropped.
            let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
            loop {
                match TcpListener::bind(address) {
                    Err(_) if std::time::Instant::now() < until => std::thread::yield_now(),
                    bound => return bound,
                }
            }
        });
        Ok(holes.collect::<Result<_, _>>()?)
    }
}
