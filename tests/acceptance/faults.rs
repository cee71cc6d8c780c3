//! The fault matrix: whatever goes wrong with whichever write, the next apply reaches the wanted
//! state, and nothing is lost or left behind.
//!
//! A row is a write of an operation; a column is a fault that strikes it. Faults that strike one
//! request are tried at once, with a token for each; killing processes and losing the server
//! concern a whole run, so each of those is a run of its own. The matrix is printed at the end.

mod points;
mod strikes;

use std::{collections::BTreeMap, sync::Mutex};

use cli_harness::{Cli, Run};
use proxmox_simulator::Simulator;
use serde_json::Value;

use self::{
    points::{POINTS, Point, configuration},
    strikes::{REQUESTS, RUNS, Strike},
};
use super::stage::{Stage, says};

/// What came of a fault, by its name.
type Cell = (&'static str, Outcome);

/// The cells of each row, by command line and number of the row.
static MATRIX: Mutex<BTreeMap<(String, usize), Vec<Cell>>> = Mutex::new(BTreeMap::new());

/// How the wanted state was reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// In spite of the fault.
    AtOnce,
    /// By the next apply.
    NextApply,
    /// By an import, which the error asked for, and a rotation.
    Imported,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::NextApply => "next apply",
            Self::Imported => "import",
        }
    }
}

/// The rows: their names, and how each is played.
pub fn rows() -> impl Iterator<Item = (String, impl Fn(&Cli) + Send + Clone + 'static)> {
    POINTS.iter().enumerate().map(|(number, point)| {
        let name = format!("faults: {}", point.name);
        (name, move |cli: &Cli| row(cli, number, point))
    })
}

/// Prints what was found, if anything was.
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
        .map(|strike| strike.name)
        .collect();
    let line = |name: &str, cells: &[&str]| {
        let cells = columns.iter().zip(cells).map(|(column, cell)| {
            let width = column.len().max("next apply".len());
            format!("{cell:<width$}")
        });
        let cells: Vec<String> = cells.collect();
        println!("{name:<44} | {}", cells.join(" | "));
    };
    println!("How the wanted state was reached after a fault:");
    line("", &columns);
    for ((cli, number), cells) in matrix.iter() {
        let word = |column: &&str| {
            let found = cells.iter().find(|(name, _)| name == column);
            found.map_or("-", |(_, outcome)| outcome.word())
        };
        let words: Vec<&str> = columns.iter().map(word).collect();
        line(&format!("{cli}: {}", POINTS[*number].name), &words);
    }
}

fn row(cli: &Cli, number: usize, point: &'static Point) {
    let mut cells = at_once(cli, point);
    for strike in RUNS {
        cells.push((strike.name, alone(cli, point, strike)));
    }
    let mut matrix = MATRIX.lock().expect("the matrix");
    matrix.insert((cli.to_string(), number), cells);
}

/// All faults of single requests in one run, with a token for each.
fn at_once(cli: &Cli, point: &'static Point) -> Vec<Cell> {
    let names: Vec<&str> = REQUESTS.iter().map(|strike| strike.token).collect();
    let scene = Scene::set(cli, point, &names);
    for strike in REQUESTS {
        strike.set(&scene.stage.sim, point, strike.token);
    }
    let struck = scene.go();
    scene.stage.sim.clear_faults();
    scene.heal();
    let outcome = |strike: &Strike| {
        let told = struck
            .stderr
            .contains(&format!("demo@pve!{}", strike.token));
        match told {
            true => (strike.name, Outcome::NextApply),
            false => (strike.name, Outcome::AtOnce),
        }
    };
    REQUESTS.iter().map(outcome).collect()
}

/// A fault that concerns the whole run.
fn alone(cli: &Cli, point: &'static Point, strike: &Strike) -> Outcome {
    let scene = Scene::set(cli, point, &[strike.token]);
    strike.set(&scene.stage.sim, point, strike.token);
    let struck = strike.run(&scene.stage, point, strike.token);
    scene.hides_secrets(&struck);
    scene.stage.sim.clear_faults();
    if scene.is_orphaned(strike.token) {
        scene.adopt(strike.token);
        return Outcome::Imported;
    }
    scene.heal();
    match struck.ok() {
        true => Outcome::AtOnce,
        false => Outcome::NextApply,
    }
}

/// A stage with the tokens as they are before the operation.
struct Scene<'a> {
    stage: Stage,
    point: &'a Point,
    names: Vec<String>,
}

impl<'a> Scene<'a> {
    fn set(cli: &Cli, point: &'a Point, names: &[&str]) -> Self {
        let stage = Stage::with(cli, point.version);
        for attributes in point.before {
            stage.main(&configuration(names, Some(attributes)));
            stage.apply();
        }
        stage.sim.advance(point.later);
        stage.main(&configuration(names, point.after));
        stage.sim.clear_requests();
        Self {
            stage,
            point,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// The operation, whatever comes of it.
    fn go(&self) -> Run {
        let run = self.stage.try_apply();
        self.hides_secrets(&run);
        run
    }

    /// The next apply, after which everything is as it should be.
    fn heal(&self) {
        let run = self.stage.apply();
        self.hides_secrets(&run);
        self.is_as_wanted();
    }

    /// Whether there is a token of which the state knows nothing.
    fn is_orphaned(&self, name: &str) -> bool {
        self.point.before.is_empty()
            && !instances(&self.stage).contains_key(name)
            && on_server(&self.stage.sim).contains_key(name)
    }

    /// The way that the error shows for a token that a killed run had made.
    fn adopt(&self, name: &str) {
        let refused = self.stage.try_apply();
        assert!(!refused.ok());
        says(
            &refused,
            &[
                "API token exists already",
                "terraform import",
                "rotate_when_changed",
            ],
        );
        let (address, id) = (
            format!("proxmox_api_token.t[{name:?}]"),
            format!("demo@pve!{name}"),
        );
        let imported = self
            .stage
            .scratch
            .run(["import", "-no-color", &address, &id]);
        assert!(imported.ok(), "{}", imported.text());
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let keeper = r#"rotate_when_changed = { adopted = "1" }"#;
        let wanted = format!("{}\n  {keeper}", self.point.after.unwrap_or_default());
        self.stage.main(&configuration(&names, Some(&wanted)));
        self.heal();
    }

    fn is_as_wanted(&self) {
        self.stage.plan_is_empty();
        let (known, there) = (instances(&self.stage), on_server(&self.stage.sim));
        let mut accounted = Vec::new();
        for name in &self.names {
            let Some(attributes) = known.get(name) else {
                assert!(self.point.after.is_none(), "{name} is not in the state");
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
            self.point.name
        );
    }

    fn hides_secrets(&self, run: &Run) {
        for (name, secret) in on_server(&self.stage.sim) {
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
fn instances(stage: &Stage) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(stage.scratch.file("terraform.tfstate"));
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
