//! What happens when the server changes behind Terraform's back.

use cli_harness::Cli;

use super::{
    Scenario,
    stage::{Stage, says},
    tokens::minted,
};

pub const SCENARIOS: &[Scenario] = &[
    ("a changed comment is put back", comment),
    ("an expiry removed outside is put back", expiry),
    (
        "privilege separation switched off outside is put back",
        separation,
    ),
    ("a token deleted outside is planned for creation", deleted),
    (
        "a token whose owner was deleted is planned for creation",
        owner_deleted,
    ),
    ("an isolated node's absence is not believed", isolated),
];

fn comment(cli: &Cli) {
    let stage = minted(cli);
    change(&stage, |token| token.comment = Some("tampered".to_owned()));
    says(&stage.plan(), &["tampered", "first", "1 to change"]);
    put_back(&stage);
}

fn expiry(cli: &Cli) {
    let stage = minted(cli);
    change(&stage, |token| token.expire = 0);
    says(&stage.plan(), &["expiration_date", "1 to change"]);
    put_back(&stage);
    stage.sim.state(|state| {
        assert_eq!(
            state.token("demo@pve", "ci").expect("the token").expire,
            2_145_830_400
        );
    });
}

fn separation(cli: &Cli) {
    let stage = minted(cli);
    change(&stage, |token| token.privilege_separation = false);
    says(&stage.plan(), &["privilege_separation", "1 to change"]);
    put_back(&stage);
}

fn deleted(cli: &Cli) {
    let stage = minted(cli);
    stage
        .sim
        .state(|state| state.remove_token("demo@pve", "ci"));
    says(&stage.plan(), &["1 to add, 0 to change, 0 to destroy"]);
    stage.apply();
    stage.plan_is_empty();
}

fn owner_deleted(cli: &Cli) {
    let stage = minted(cli);
    stage.sim.state(|state| state.remove_user("demo@pve"));
    says(&stage.plan(), &["1 to add, 0 to change, 0 to destroy"]);
    stage.apply_fails(&[
        "Owner of the API token does not exist",
        "demo@pve",
        "user_id",
    ]);
    stage
        .sim
        .state(|state| state.add_user("demo@pve", "demo-pass-1"));
    stage.apply();
    stage.plan_is_empty();
}

fn isolated(cli: &Cli) {
    let stage = minted(cli);
    stage.sim.state(|state| {
        state.remove_token("demo@pve", "ci");
        state.add_node("pve2", false);
        state.add_node("pve3", false);
    });
    let run = stage.plan();
    says(
        &run,
        &["API token not found, and kept", "demo@pve!ci", "majority"],
    );
    assert_eq!(run.code, Some(0), "{}", run.stdout);
}

fn change(stage: &Stage, change: impl FnOnce(&mut proxmox_simulator::Token)) {
    stage.sim.state(|state| {
        change(state.token_mut("demo@pve", "ci").expect("the token"));
    });
}

/// Applies, and asserts that the secret was not touched by it.
fn put_back(stage: &Stage) {
    let before = stage.attributes("proxmox_api_token.t")["secret"].clone();
    stage.apply();
    stage.plan_is_empty();
    assert_eq!(stage.attributes("proxmox_api_token.t")["secret"], before);
}
