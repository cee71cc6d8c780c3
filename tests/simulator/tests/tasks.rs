//! Whose tasks the two lists show to whom.

mod support {
    #[allow(
        dead_code,
        reason = "shared with the conformance test, which uses all of it"
    )]
    pub mod client;
}

use proxmox_simulator::Simulator;
use serde_json::Value;
use support::client::Client;

/// A simulator on which `demo@pve`, its token and root have each started a machine.
fn given() -> (Simulator, String) {
    let simulator = Simulator::builder().time_scale(0.001).spawn().unwrap();
    let secret = simulator.state(|state| {
        state.add_user("demo@pve", "demo-pass-1");
        let secret = state.add_token("demo@pve!ci", false, None, 0);
        state.add_task("pve1", "root@pam", "qmstart", "100", 1_800_000_000);
        state.add_task("pve1", "demo@pve", "qmstart", "101", 1_800_000_060);
        state.add_task("pve1", "demo@pve!ci", "qmstart", "102", 1_800_000_120);
        secret
    });
    (simulator, secret)
}

/// The machines that the tasks in a response are about, in its order.
fn machines(simulator: &Simulator, path: &str, header: &str) -> Vec<String> {
    let mut client = Client::encrypted(simulator.address(), simulator.ca_pem());
    let request = format!("GET /api2/json{path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n");
    client.send(request.as_bytes());
    let response = client.receive().unwrap();
    let response: Value = serde_json::from_slice(&response.body).unwrap();
    let tasks = response["data"].as_array().cloned().unwrap();
    let id = |task: &Value| task["id"].as_str().unwrap_or_default().to_owned();
    tasks.iter().map(id).collect()
}

fn by_token(secret: &str) -> String {
    format!("Authorization: PVEAPIToken=demo@pve!ci={secret}")
}

fn by_ticket(simulator: &Simulator) -> String {
    let (ticket, _) = simulator.state(|state| state.make_ticket("demo@pve"));
    format!("Cookie: PVEAuthCookie={ticket}")
}

#[test]
fn the_list_of_the_cluster_shows_a_user_its_tokens_tasks_and_a_token_nothing() {
    let (simulator, secret) = given();
    let list = "/cluster/tasks";
    assert_eq!(
        machines(&simulator, list, &by_ticket(&simulator)),
        ["101", "102"]
    );
    assert!(machines(&simulator, list, &by_token(&secret)).is_empty());
}

#[test]
fn the_list_of_a_node_shows_a_token_its_own_tasks_the_latest_first() {
    let (simulator, secret) = given();
    let list = "/nodes/pve1/tasks";
    assert_eq!(
        machines(&simulator, list, &by_ticket(&simulator)),
        ["102", "101"]
    );
    assert_eq!(machines(&simulator, list, &by_token(&secret)), ["102"]);
}

#[test]
fn an_auditor_sees_everything_and_can_ask_for_less() {
    let (simulator, secret) = given();
    simulator.state(|state| state.set_acl("/", "PVEAuditor", "demo@pve", true));
    let asked = |path: &str| machines(&simulator, path, &by_token(&secret));
    assert_eq!(asked("/cluster/tasks").len(), 3);
    assert_eq!(asked("/nodes/pve1/tasks"), ["102", "101", "100"]);
    assert_eq!(
        asked("/nodes/pve1/tasks?userfilter=DEMO%40pve"),
        ["102", "101"]
    );
    assert_eq!(asked("/nodes/pve1/tasks?since=1800000060&limit=1"), ["102"]);
    assert!(asked("/nodes/pve1/tasks?source=active").is_empty());
}
