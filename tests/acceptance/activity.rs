//! `proxmox_token_activity`: the tasks of a token, and the limits of the list.

use cli_harness::Cli;
use proxmox_simulator::{Fault, RawResponse};
use serde_json::{Value, json};

use super::Scenario;
use super::audit::{connect_with, output};
use super::test_server::TestServer;

pub const SCENARIOS: &[Scenario] = scenarios![
    a_tokens_tasks_are_found_on_every_node,
    an_incomplete_task_list_is_reported,
];

const ACTIVITY: &str = r#"
data "proxmox_token_activity" "ci" {
  token_id = "demo@pve!ci"
}

output "activity" { value = data.proxmox_token_activity.ci }
"#;

fn a_tokens_tasks_are_found_on_every_node(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[("/nodes", &["Sys.Audit"])]);
    server.sim.state(|state| {
        state.add_node("pve2", true);
        state.add_task("pve1", "demo@pve!ci", "qmstart", "100", 1_800_000_000);
        state.add_task("pve2", "demo@pve!ci", "vzdump", "101", 1_800_000_060);
        state.add_task("pve1", "demo@pve!other", "qmstart", "102", 1_800_000_120);
        state.add_task("pve1", "demo@pve", "qmstart", "103", 1_800_000_180);
        let running = state.tasks.len();
        state.add_task("pve1", "demo@pve!ci", "qmclone", "104", 1_800_000_240);
        state.tasks[running].endtime = None;
        state.tasks[running].status = None;
    });
    server.main(ACTIVITY);
    server.apply();
    server.plan_is_empty();
    let found = output(&server, "activity");
    let column = |name: &str| {
        let tasks = found["tasks"].as_array().expect("the tasks");
        tasks
            .iter()
            .map(|task| task[name].clone())
            .collect::<Value>()
    };
    assert_eq!(column("type"), json!(["qmclone", "vzdump", "qmstart"]));
    assert_eq!(column("object"), json!(["104", "101", "100"]));
    assert_eq!(column("node"), json!(["pve1", "pve2", "pve1"]));
    assert_eq!(column("ended_at")[0], Value::Null);
    assert_eq!(column("status")[1], "OK");
    assert_eq!(column("started_at")[2], "2027-01-15T08:00:00Z");
    assert_eq!(found["task_count"], 3);
    assert_eq!(found["last_task_seen_at"], "2027-01-15T08:04:00Z");
    assert_eq!(found["complete"], true);
    assert_eq!(found["missing_privileges"], json!({}));
    let note = found["note"].as_str().expect("a note");
    assert!(note.contains("does not record reads"));

    server.main(&ACTIVITY.replace(
        r#""demo@pve!ci"
"#,
        r#""demo@pve!ci"
  since = "2027-01-15T09:01:00+01:00"
  limit = 1
"#,
    ));
    server.apply();
    let found = output(&server, "activity");
    assert_eq!(found["task_count"], 2);
    assert_eq!(found["tasks"].as_array().map(Vec::len), Some(1));
}

fn an_incomplete_task_list_is_reported(cli: &Cli) {
    let mut server = TestServer::new(cli);
    connect_with(&mut server, &[("/nodes/pve1", &["Sys.Audit"])]);
    server.sim.state(|state| {
        for (node, online) in [("pve2", true), ("pve3", true), ("pve4", false)] {
            state.add_node(node, online);
        }
        state.add_task("pve2", "demo@pve!ci", "qmstart", "100", 1_800_000_000);
    });
    let unreachable = RawResponse {
        status: 595,
        reason: "No route to host".to_owned(),
        ..RawResponse::default()
    };
    server
        .sim
        .fault(Fault::response(unreachable).on("GET", "/nodes/pve3/tasks"));
    server.main(ACTIVITY);
    server.apply();
    let found = output(&server, "activity");
    assert_eq!(found["tasks"], json!([]));
    assert_eq!(found["complete"], false);
    assert_eq!(
        found["missing_privileges"],
        json!({ "/nodes/pve2": ["Sys.Audit"] })
    );
    assert_eq!(found["unreachable_nodes"], json!(["pve3", "pve4"]));
}
