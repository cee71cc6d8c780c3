//! One schedule: a simulator, some tokens that Terraform manages, and some that others made. A seed
//! chooses the operations. At the end, the faults stop and everything has to settle.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use fastrand::Rng;
use proxmox_simulator::Simulator;
use serde_json::Value as Json;
use tokio::runtime::Runtime;

use crate::cli::{self, Failure, Process, Said, Stored};
use crate::value::text;

pub const OWNER: &str = "demo@pve";
const ADMIN: &str = "root@pam!admin";
pub const HOUR: Duration = Duration::from_secs(60 * 60);

/// The rounds that an apply may need once the faults have stopped: one to settle what a lost response
/// left open, and one more after the user has removed what a message named.
const ROUNDS: usize = 4;

/// A resource block, and what the state has of it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// What the configuration says; `None` once the block is removed.
    pub config: Option<Json>,
    pub stored: Option<Stored>,
}

/// A token that others made.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    pub secret: Option<String>,
    pub comment: Option<String>,
    pub expire: u64,
}

pub struct World {
    pub sim: Simulator,
    pub resources: BTreeMap<usize, Resource>,
    pub foreign: BTreeMap<String, Foreign>,
    /// Entries that others gave to managed tokens, as path, role and token.
    pub granted_by_others: Vec<(String, String, String)>,
    pub said: Said,
    /// The rules that the provider broke, or what did not settle in the end.
    pub broken: Vec<String>,
    /// Chooses the operations.
    pub rng: Rng,
    /// The provider block.
    pub block: Json,
    story: Vec<String>,
    trace: bool,
}

impl World {
    /// Runs the schedule of a seed to its end.
    pub fn run(seed: u64, steps: usize, trace: bool) -> Self {
        let mut world = Self::new(seed, trace);
        for _ in 0..steps {
            world.step();
        }
        world.settle();
        world
    }

    fn new(seed: u64, trace: bool) -> Self {
        let sim = Simulator::builder().spawn().expect("a simulator");
        let secret = sim.state(|state| {
            state.add_user(OWNER, "demo-pass-1");
            state.set_acl("/", "Administrator", OWNER, true);
            for name in ["others", "clicked"] {
                let id = format!("{OWNER}!{name}");
                state.add_token(&id, true, Some("not ours"), 0);
                state.set_acl("/vms", "PVEAuditor", &id, true);
            }
            state.add_token(ADMIN, false, None, 0)
        });
        let token = format!("{ADMIN}={secret}");
        let block = cli::block(&sim.endpoint(), sim.certificate_fingerprint(), &token);
        let mut world = Self {
            sim,
            resources: BTreeMap::new(),
            foreign: BTreeMap::new(),
            granted_by_others: Vec::new(),
            said: Said::default(),
            broken: Vec::new(),
            rng: Rng::with_seed(seed),
            block,
            story: Vec::new(),
            trace,
        };
        world.foreign = world.others();
        world
    }

    /// The tokens of others as they are now.
    pub fn others(&self) -> BTreeMap<String, Foreign> {
        self.sim.state(|state| {
            let token = |name: &str| {
                let id = format!("{OWNER}!{name}");
                let token = state.token(OWNER, name);
                Foreign {
                    secret: state.token_secret(&id).map(str::to_owned),
                    comment: token.and_then(|token| token.comment.clone()),
                    expire: token.map_or(u64::MAX, |token| token.expire),
                }
            };
            ["others", "clicked"]
                .map(|name| (name.to_owned(), token(name)))
                .into()
        })
    }

    /// How many operations there were.
    pub fn operations(&self) -> usize {
        self.story.len()
    }

    /// The operations, one on each line.
    pub fn story(&self) -> String {
        let mut text = String::new();
        for (number, line) in self.story.iter().enumerate() {
            let _ = writeln!(text, "  {number}: {line}");
        }
        text
    }

    /// Adds a line to the story.
    pub fn tell(&mut self, line: String) {
        if self.trace {
            eprintln!("{}: {line}", self.story.len());
        }
        self.story.push(line);
    }

    /// Refreshes and plans, and applies if that is wanted.
    pub fn apply(&mut self, applies: bool) {
        self.tell(if applies { "apply" } else { "plan" }.to_owned());
        self.command(applies, None);
    }

    /// One run of Terraform: a process that plans, and one that applies.
    pub fn command(&mut self, applies: bool, kill_after: Option<Duration>) {
        let block = self.block.clone();
        let mut plans = Vec::new();
        let planning = runtime();
        for (key, resource) in self.resources.clone() {
            let outcome = planning.block_on(async {
                let process = Process::start(&block, &mut self.said).await?;
                let refreshed = match resource.stored.clone() {
                    Some(stored) => process.refresh(stored, &mut self.said).await?,
                    None => None,
                };
                if let Some(resource) = self.resources.get_mut(&key) {
                    resource.stored.clone_from(&refreshed);
                }
                if refreshed.is_none() && resource.config.is_none() {
                    return Ok(None);
                }
                let config = resource.config.as_ref();
                let plan = process.plan(refreshed, config, &mut self.said).await?;
                Ok(Some(plan))
            });
            match outcome {
                Ok(plan) => plans.extend(plan.map(|plan| (key, plan))),
                // Terraform applies nothing if a plan fails.
                Err(failure) => return self.judge(Err(failure)),
            }
        }
        if !applies {
            return;
        }
        let applying = runtime();
        for (key, plan) in plans {
            let config = self.resources[&key].config.clone();
            let block = &block;
            let mut said = Said::default();
            let work = async {
                let process = Process::start(block, &mut said).await?;
                Ok(process.apply(plan, config.as_ref(), &mut said).await)
            };
            let limited = async {
                match kill_after {
                    Some(after) => tokio::time::timeout(after, work).await.ok(),
                    None => Some(work.await),
                }
            };
            let outcome = applying.block_on(limited);
            let killed = outcome.is_none();
            self.said.0.append(&mut said.0);
            match outcome {
                Some(Ok((stored, outcome))) => {
                    if let Some(resource) = self.resources.get_mut(&key) {
                        resource.stored = stored;
                    }
                    self.judge(outcome);
                }
                Some(Err(failure)) => self.judge(Err(failure)),
                None => {}
            }
            if killed {
                // Terraform says which resource it could not apply.
                let name = config.map(|config| config["token_name"].clone());
                let name = name.unwrap_or_default();
                let id = format!("{OWNER}!{}", name.as_str().unwrap_or_default());
                let plugin = format!("The plugin did not respond: {id}, {id}-b");
                self.said.0.push(plugin);
                break;
            }
        }
        // What still runs in a killed process ends here.
        applying.shutdown_background();
        let gone = |resource: &Resource| resource.config.is_none() && resource.stored.is_none();
        self.resources.retain(|_, resource| !gone(resource));
    }

    /// Notes a failure, and a rule that was broken.
    pub fn judge(&mut self, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => {}
            Err(Failure::Reported) => {
                let said = self.said.0.iter().rev();
                // A warning about the clock follows each error.
                let last = said.clone().find(|text| !text.starts_with("Clocks differ"));
                self.tell(format!("  failed: {}", last.cloned().unwrap_or_default()));
            }
            Err(Failure::Broken(rule)) => {
                self.tell(format!("  BROKEN: {rule}"));
                self.broken.push(rule);
            }
        }
    }

    /// The faults stop. Applies must now bring everything to agree. A token that a message names and
    /// that no state has is removed by the user, as the message says.
    fn settle(&mut self) {
        self.sim.clear_faults();
        for _ in 0..ROUNDS {
            self.tell("settle".to_owned());
            let before = self.said.0.len();
            self.command(true, None);
            self.remove_what_is_named();
            self.remove_what_is_not_ours(before);
        }
        self.tell("the last plan".to_owned());
        self.nothing_left_to_do();
    }

    fn remove_what_is_named(&mut self) {
        let said = self.said.0.join("\n");
        for name in self.orphans() {
            let id = format!("{OWNER}!{name}");
            if said.contains(&id) {
                self.tell(format!("the user removes {id}"));
                self.sim.state(|state| state.remove_token(OWNER, &name));
            }
        }
    }

    /// The user revokes what a run that was killed has created in place of a token in the state.
    fn remove_what_is_not_ours(&mut self, since: usize) {
        let beginning = "API token created outside of Terraform: ";
        let said = self.said.0[since..].to_vec();
        let ids = said.iter().filter_map(|text| text.strip_prefix(beginning));
        let names = ids.filter_map(|text| text.split([' ', '!']).nth(1));
        for name in names {
            self.tell(format!("the user revokes {OWNER}!{name}"));
            self.sim.state(|state| state.remove_token(OWNER, name));
        }
    }

    /// The tokens of the owner that neither others nor a state have.
    pub fn orphans(&self) -> Vec<String> {
        let known: Vec<String> = self
            .resources
            .values()
            .filter_map(|resource| resource.stored.as_ref())
            .flat_map(|stored| {
                ["token_id", "previous_token_id"].map(|name| text(&stored.attributes, name))
            })
            .collect();
        let names: Vec<String> = self.sim.state(|state| {
            let owner = state.user(OWNER).expect("the owner");
            owner.tokens.keys().cloned().collect()
        });
        let is_known = |name: &String| {
            self.foreign.contains_key(name) || known.contains(&format!("{OWNER}!{name}"))
        };
        names.into_iter().filter(|name| !is_known(name)).collect()
    }

    fn nothing_left_to_do(&mut self) {
        let block = self.block.clone();
        let runtime = runtime();
        for (key, resource) in self.resources.clone() {
            let planned = runtime.block_on(async {
                let process = Process::start(&block, &mut self.said).await?;
                let Some(stored) = resource.stored.clone() else {
                    return Err(Failure::Broken(format!("token{key} was never created")));
                };
                let refreshed = process.refresh(stored, &mut self.said).await?;
                let config = resource.config.as_ref();
                process.plan(refreshed, config, &mut self.said).await
            });
            match planned {
                Ok(plan) if plan.changes() => {
                    self.broken.push(format!("token{key} still plans a change"));
                }
                Ok(_) => {}
                Err(Failure::Reported) => {
                    let said = self.said.0.last().cloned().unwrap_or_default();
                    self.broken
                        .push(format!("token{key} does not settle: {said}"));
                }
                Err(Failure::Broken(rule)) => self.broken.push(rule),
            }
        }
    }
}

pub fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}
