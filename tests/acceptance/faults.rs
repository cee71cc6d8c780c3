//! The fault matrix: after any fault in any write, the next apply reaches the configured state,
//! without a lost secret and without leftovers.
//!
//! A row is a write of an operation, a column is a fault. Faults of a single request share one run,
//! with a token for each. Killed processes and a lost server affect the whole run, so each has a
//! run of its own. The matrix is printed at the end.

mod kinds;
mod operations;

use std::collections::BTreeMap;
use std::sync::Mutex;

use cli_harness::{Cli, Run};
use proxmox_simulator::Simulator;
use serde_json::Value;

use self::kinds::{Fault, REQUESTS, RUNS};
use self::operations::{OPERATIONS, Operation, configuration};
use super::test_server::{TestServer, says};

/// The outcome of a fault, by its name.
type Cell = (&'static str, Outcome);

/// The cells of each row, by command line and number of the row.
static MATRIX: Mutex<BTreeMap<(String, usize), Vec<Cell>>> = Mutex::new(BTreeMap::new());

/// How the configured state was reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// In spite of the fault.
    AtOnce,
    /// By the next apply.
    NextApply,
    /// By an import, which the error asked for, and a rotation.
    Imported,
    /// By revoking the token that the killed run had created, which the error asked for.
    Revoked,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::NextApply => "next apply",
            Self::Imported => "import",
            Self::Revoked => "revoke",
        }
    }
}

/// The rows: their names, and how each is run.
pub fn rows() -> impl Iterator<Item = (String, impl Fn(&Cli) + Send + Clone + 'static)> {
    OPERATIONS.iter().enumerate().map(|(number, operation)| {
        let name = format!("faults::{}", operation.name);
        (name, move |cli: &Cli| row(cli, number, operation))
    })
}

/// Prints the outcomes, if any row ran.
#[expect(
    clippy::print_stdout,
    reason = "the matrix is what a reader wants to see"
)]
pub fn print_matrix() {
    let matrix = MATRIX.lock().expect("the matrix");
    if matrix.is_empty() {
        return;
    }
    let columns: Vec<&str> = REQUESTS
        .iter()
        .chain(RUNS)
        .map(|fault| fault.name)
        .collect();
    let line = |name: &str, cells: &[&str]| {
        let cells = columns.iter().zip(cells).map(|(column, cell)| {
            let width = column.len().max("next apply".len());
            format!("{cell:<width$}")
        });
        let cells: Vec<String> = cells.collect();
        println!("{name:<44} | {}", cells.join(" | "));
    };
    println!("How the configured state was reached after a fault:");
    line("", &columns);
    for ((cli, number), cells) in matrix.iter() {
        let word = |column: &&str| {
            let found = cells.iter().find(|(name, _)| name == column);
            found.map_or("-", |(_, outcome)| outcome.word())
        };
        let words: Vec<&str> = columns.iter().map(word).collect();
        line(&format!("{cli}: {}", OPERATIONS[*number].name), &words);
    }
}

fn row(cli: &Cli, number: usize, operation: &'static Operation) {
    let mut cells = at_once(cli, operation);
    for fault in RUNS {
        cells.push((fault.name, alone(cli, operation, fault)));
    }
    let mut matrix = MATRIX.lock().expect("the matrix");
    matrix.insert((cli.to_string(), number), cells);
}

/// All faults of single requests in one run, with a token for each.
fn at_once(cli: &Cli, operation: &'static Operation) -> Vec<Cell> {
    let names: Vec<&str> = REQUESTS.iter().map(|fault| fault.token).collect();
    let case = Case::new(cli, operation, &names);
    for fault in REQUESTS {
        fault.inject(&case.server.sim, operation, fault.token);
    }
    let run = case.apply();
    case.server.sim.clear_faults();
    case.recover();
    let outcome = |fault: &Fault| {
        let failed = run.stderr.contains(&format!("demo@pve!{}", fault.token));
        match failed {
            true => (fault.name, Outcome::NextApply),
            false => (fault.name, Outcome::AtOnce),
        }
    };
    REQUESTS.iter().map(outcome).collect()
}

/// A fault that concerns the whole run.
fn alone(cli: &Cli, operation: &'static Operation, fault: &Fault) -> Outcome {
    let case = Case::new(cli, operation, &[fault.token]);
    fault.inject(&case.server.sim, operation, fault.token);
    let run = fault.run(&case.server, operation, fault.token);
    case.hides_secrets(&run);
    case.server.sim.clear_faults();
    if case.is_orphaned(fault.token) {
        case.import(fault.token);
        return Outcome::Imported;
    }
    if fault.name.ends_with("killed") && case.has_unknown_successor(fault.token) {
        case.revoke_successor(fault.token);
        return Outcome::Revoked;
    }
    case.recover();
    match run.ok() {
        true => Outcome::AtOnce,
        false => Outcome::NextApply,
    }
}

/// One operation under one or more faults: a server with the tokens as they are before it.
struct Case<'a> {
    server: TestServer,
    operation: &'a Operation,
    names: Vec<String>,
}

impl<'a> Case<'a> {
    fn new(cli: &Cli, operation: &'a Operation, names: &[&str]) -> Self {
        let server = TestServer::with(cli, operation.version);
        for attributes in operation.before {
            server.main(&configuration(names, Some(attributes)));
            server.apply();
        }
        server.sim.advance(operation.later);
        server.main(&configuration(names, operation.after));
        server.sim.clear_requests();
        Self {
            server,
            operation,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// Applies the operation, which may fail.
    fn apply(&self) -> Run {
        let run = self.server.try_apply();
        self.hides_secrets(&run);
        run
    }

    /// Applies again, after which server and state match the configuration.
    fn recover(&self) {
        let run = self.server.apply();
        self.hides_secrets(&run);
        self.matches_configuration();
    }

    /// Whether the server has a token that is not in the state.
    fn is_orphaned(&self, name: &str) -> bool {
        self.operation.before.is_empty()
            && !instances(&self.server).contains_key(name)
            && on_server(&self.server.sim).contains_key(name)
    }

    /// Imports and rotates a token that a killed run had created, as the error says.
    fn import(&self, name: &str) {
        let refused = self.server.try_apply();
        assert!(!refused.ok());
        says(
            &refused,
            &[
                "API token already exists",
                "terraform import",
                "rotate_when_changed",
            ],
        );
        let (address, id) = (
            format!("proxmox_api_token.t[{name:?}]"),
            format!("demo@pve!{name}"),
        );
        let imported = self
            .server
            .scratch
            .run(["import", "-no-color", &address, &id]);
        assert!(imported.ok(), "{}", imported.text());
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let keeper = r#"rotate_when_changed = { adopted = "1" }"#;
        let attributes = format!("{}\n  {keeper}", self.operation.after.unwrap_or_default());
        self.server.main(&configuration(&names, Some(&attributes)));
        self.recover();
    }

    /// Whether the server has a token under the second name that the state does not know, since
    /// the run was killed before it could note it.
    fn has_unknown_successor(&self, name: &str) -> bool {
        let known = instances(&self.server);
        let id = known.get(name).map(|attributes| &attributes["token_id"]);
        self.operation.name.starts_with("rotate with overlap")
            && id == Some(&Value::from(format!("demo@pve!{name}")))
            && on_server(&self.server.sim).contains_key(&format!("{name}-b"))
    }

    /// Revokes a token that a killed run had created under the second name, as the error says.
    fn revoke_successor(&self, name: &str) {
        let refused = self.server.try_apply();
        assert!(!refused.ok());
        says(
            &refused,
            &[
                "Second name of the API token is taken",
                "one that was killed",
            ],
        );
        let second = format!("{name}-b");
        self.server
            .sim
            .state(|state| state.remove_token("demo@pve", &second));
        self.recover();
    }

    fn matches_configuration(&self) {
        self.server.plan_is_empty();
        let (known, there) = (instances(&self.server), on_server(&self.server.sim));
        let mut accounted = Vec::new();
        for name in &self.names {
            let Some(attributes) = known.get(name) else {
                assert!(self.operation.after.is_none(), "{name} is not in the state");
                continue;
            };
            let of = |attribute: &str| attributes[attribute].as_str().map(token_name);
            let live = of("token_id").expect("an id");
            let secret = attributes["secret"].as_str();
            assert_eq!(there.get(&live).map(String::as_str), secret, "{name}");
            accounted.extend([Some(live), of("previous_token_id")].into_iter().flatten());
        }
        let orphans: Vec<&String> = there
            .keys()
            .filter(|name| !accounted.contains(name))
            .collect();
        assert!(
            orphans.is_empty(),
            "{}: orphans {orphans:?}",
            self.operation.name
        );
    }

    fn hides_secrets(&self, run: &Run) {
        for (name, secret) in on_server(&self.server.sim) {
            let shown = run.stdout.contains(&secret) || run.stderr.contains(&secret);
            assert!(!shown, "the secret of {name} was printed");
        }
    }
}

/// `ci` of `demo@pve!ci`.
fn token_name(id: &str) -> String {
    id.rsplit('!').next().unwrap_or_default().to_owned()
}

/// The secrets of the tokens that are there, by name.
fn on_server(sim: &Simulator) -> BTreeMap<String, String> {
    sim.state(|state| {
        let user = state.user("demo@pve").expect("the owner");
        let names: Vec<String> = user.tokens.keys().cloned().collect();
        let secret = |name: String| {
            let secret = state.token_secret(&format!("demo@pve!{name}"))?;
            Some((name, secret.to_owned()))
        };
        names.into_iter().filter_map(secret).collect()
    })
}

/// The stored attributes of the tokens, by name.
fn instances(server: &TestServer) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(server.scratch.file("terraform.tfstate"));
    let state: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
    let resources = state["resources"].as_array().cloned().unwrap_or_default();
    let instances = resources.iter().flat_map(|resource| {
        resource["instances"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    });
    instances
        .filter_map(|instance| {
            let key = instance["index_key"].as_str()?.to_owned();
            Some((key, instance["attributes"].clone()))
        })
        .collect()
}
