//! Checks of `acl` at plan time.

use cli_harness::{Cli, Run};
use proxmox_simulator::{Fault, RawResponse, Version, closed_port};
use serde_json::Value;

use super::Scenario;
use super::samples::scoped;
use super::test_server::{ADMIN, TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_mistyped_role_is_a_warning_with_the_nearest_names_and_mints_nothing,
    a_mistyped_role_is_refused_on_proxmox_ve_8_2,
    a_role_that_is_gone_stands_in_the_way_of_nothing_else,
    an_owner_with_another_role_for_the_same_part_of_the_tree_is_able,
    a_role_created_after_the_plan_is_found,
    a_path_that_servers_refuse_or_lose_is_refused_by_the_plan,
    a_role_without_privileges_is_a_warning,
    an_entry_that_masks_inherited_privileges_is_a_warning,
    an_entry_beyond_the_rights_of_its_owner_is_a_warning,
    rights_at_deeper_paths_and_in_pools_count,
    no_warning_is_given_without_the_right_to_look,
    a_one_time_code_is_never_spent_on_a_warning,
    warnings_for_many_tokens_cost_few_requests,
];

const MASKED: &str = "Entry masks inherited privileges";
const BEYOND: &str = "Owner lacks granted privileges";

/// A server whose owner may do everything, so that nothing is said of it.
fn with_able_owner(cli: &Cli) -> TestServer {
    let server = TestServer::new(cli);
    server
        .sim
        .state(|state| state.set_acl("/", "Administrator", "demo@pve", true));
    server
}

/// Asserts that there is no warning but that of the command line about where the provider is.
fn is_silent(run: &Run) {
    let ours = run.text().replace("Warning: Provider development", "");
    assert!(!ours.contains("Warning:"), "{ours}");
}

fn a_mistyped_role_is_a_warning_with_the_nearest_names_and_mints_nothing(cli: &Cli) {
    mistyped(&TestServer::new(cli));
}

fn a_mistyped_role_is_refused_on_proxmox_ve_8_2(cli: &Cli) {
    mistyped(&TestServer::with(cli, Version::V8_2));
}

fn mistyped(server: &TestServer) {
    server
        .sim
        .state(|state| state.set_acl("/", "Administrator", "demo@pve", true));
    let configuration =
        scoped(r#"[{ path = "/vms", role = "PVEVMAdmn" }, { path = "/", role = "PVEAuditor" }]"#);
    server.main(&configuration);
    says(
        &server.plan(),
        &[
            "No such role",
            "acl entry /vms PVEVMAdmn of demo@pve!ci",
            "nearest names are PVEVMAdmin, ",
            "depends_on",
        ],
    );
    server.apply_fails(&["Error: No such role", "demo@pve!ci was not created"]);
    assert_eq!(server.requests("POST", "/"), 0);
    assert_eq!(server.attributes("proxmox_api_token.t"), Value::Null);
    server
        .sim
        .state(|state| state.add_role("PVEVMAdmn", &["VM.Audit", "SDN.Audit"]));
    server.main(&configuration.replace(r#""/""#, r#""/storage""#));
    is_silent(&server.apply());
}

/// A role that is removed takes its grants along. Whoever declares one has a problem, and nothing
/// else stops for it.
fn a_role_that_is_gone_stands_in_the_way_of_nothing_else(cli: &Cli) {
    let server = with_able_owner(cli);
    let both =
        r#"[{ path = "/vms", role = "Custom" }, { path = "/storage", role = "PVEAuditor" }]"#;
    let main = scoped(both);
    server
        .sim
        .state(|state| state.add_role("Custom", &["VM.Audit"]));
    server.main(&main);
    server.apply();
    server.sim.state(|state| {
        state.remove_role("Custom");
        state.remove_acl("/storage", "PVEAuditor", "demo@pve!ci");
    });
    let token = |server: &TestServer| server.attributes("proxmox_api_token.t");
    let before = token(&server);
    let changed = main.replace("acl ", "comment = \"changed\"\n  acl ");
    server.main(&changed);
    says(&server.plan(), &["No such role", "1 to change"]);
    server.apply_fails(&["Unable to scope API token", "Custom"]);
    assert_eq!(token(&server)["comment"], "changed");
    assert_eq!(server.sim.state(|state| state.acl().len()), 2);
    let rotating = "rotate_when_changed = { key = \"1\" }\n  acl ";
    server.main(&changed.replace("acl ", rotating));
    server.apply_fails(&["Unable to scope API token", "Custom"]);
    assert_ne!(token(&server)["secret"], before["secret"]);
    let destroyed = server
        .scratch
        .run(["destroy", "-no-color", "-auto-approve"]);
    assert!(destroyed.ok(), "{}", destroyed.text());
    is_silent(&destroyed);
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "ci").is_none())
    );
}

/// The role that a token is scoped with holds more than makes a difference at its path.
fn an_owner_with_another_role_for_the_same_part_of_the_tree_is_able(cli: &Cli) {
    let server = TestServer::new(cli);
    server
        .sim
        .state(|state| state.set_acl("/vms", "PVEVMAdmin", "demo@pve", true));
    server.main(&scoped(r#"[{ path = "/vms", role = "PVEAuditor" }]"#));
    is_silent(&server.apply());
}

fn a_role_created_after_the_plan_is_found(cli: &Cli) {
    let server = with_able_owner(cli);
    server
        .sim
        .state(|state| state.add_role("Made", &["VM.Audit"]));
    let before_it_was_made = RawResponse {
        status: 200,
        reason: "OK".to_owned(),
        headers: Vec::new(),
        body: br#"{"data":[{"roleid":"NoAccess","privs":"","special":1}]}"#.to_vec(),
    };
    server
        .sim
        .fault(Fault::response(before_it_was_made).on("GET", "/access/roles"));
    server.main(&scoped(r#"[{ path = "/vms", role = "Made" }]"#));
    is_silent(&server.apply());
    assert_eq!(server.requests("GET", "/access/roles/Made"), 3);
}

fn a_path_that_servers_refuse_or_lose_is_refused_by_the_plan(cli: &Cli) {
    let server = with_able_owner(cli);
    server.main(&scoped(
        r#"[{ path = "/vms", role = "PVEAuditor" }, { path = "/vm/100", role = "PVEAuditor" }]"#,
    ));
    server.plan_fails(&[
        "Invalid ACL path",
        "acl entry /vm/100 PVEAuditor of demo@pve!ci",
        "`/vms`",
    ]);
    // Recording `527-acl-path-not-ascii`: the server takes it and does not store it.
    server.main(&scoped(
        r#"[{ path = "/storage/grün", role = "PVEAuditor" }]"#,
    ));
    server.plan_fails(&["Invalid ACL path", "ASCII"]);
    assert_eq!(server.requests("POST", "/token/"), 0);
}

fn a_role_without_privileges_is_a_warning(cli: &Cli) {
    let server = with_able_owner(cli);
    server.sim.state(|state| state.add_role("Empty", &[]));
    server.main(&scoped(
        r#"[{ path = "/vms", role = "Empty" }, { path = "/storage", role = "NoAccess" }]"#,
    ));
    let run = server.plan();
    says(
        &run,
        &[
            "Role without privileges",
            "acl entry /vms Empty of demo@pve!ci grants nothing",
            "NoAccess if no access",
        ],
    );
    assert!(!run.text().contains("/storage NoAccess"), "{}", run.text());
    server.apply();
    // It was said when it was declared, and is not repeated.
    let run = server.plan();
    assert_eq!(run.code, Some(0));
    is_silent(&run);
}

fn an_entry_that_masks_inherited_privileges_is_a_warning(cli: &Cli) {
    let server = with_able_owner(cli);
    let token = |deeper: &str| {
        scoped(&format!(
            r#"[{{ path = "/vms", role = "PVEVMAdmin" }}, {{ path = "/vms/100", role = "{deeper}" }}]"#
        ))
    };
    server.main(&token("PVEVMUser"));
    says(
        &server.plan(),
        &[
            MASKED,
            "acl entry /vms/100 PVEVMUser of demo@pve!ci",
            "/vms (PVEVMAdmin)",
            "VM.Allocate",
        ],
    );
    server.main(&token("NoAccess"));
    is_silent(&server.plan());
    server.main(&scoped(r#"[{ path = "/vms", role = "PVEVMAdmin" }]"#));
    is_silent(&server.apply());

    // An entry that somebody else made masks as well, and can be masked.
    server.sim.state(|state| {
        state.set_acl("/vms/200", "PVEAuditor", "demo@pve!ci", true);
        state.set_acl("/nodes", "PVEAuditor", "demo@pve!ci", true);
    });
    server.main(&scoped(
        r#"[{ path = "/vms", role = "PVEVMAdmin" }, { path = "/storage", role = "PVEAuditor" }]"#,
    ));
    let run = server.apply();
    says(
        &run,
        &[MASKED, "acl entry /vms/200 PVEAuditor", "not in `acl`"],
    );
    assert!(!run.text().contains("/nodes"), "{}", run.text());
    server.main(&scoped(
        r#"[{ path = "/nodes/pve1", role = "PVESysAdmin" }]"#,
    ));
    says(
        &server.plan(),
        &[
            MASKED,
            "acl entry /nodes/pve1 PVESysAdmin",
            "/nodes (PVEAuditor)",
        ],
    );
}

fn an_entry_beyond_the_rights_of_its_owner_is_a_warning(cli: &Cli) {
    let server = TestServer::new(cli);
    let vms = scoped(r#"[{ path = "/vms", role = "PVEVMAdmin" }]"#);
    server.main(&vms);
    says(
        &server.plan(),
        &[
            BEYOND,
            "acl entry /vms PVEVMAdmin of demo@pve!ci grants nothing",
            "demo@pve has none of the privileges of PVEVMAdmin",
            "VM.Allocate",
            "at or below /vms",
        ],
    );
    // All entries are told, although warnings with one summary are folded.
    server.main(&scoped(
        r#"[{ path = "/vms", role = "PVEVMAdmin" }, { path = "/storage", role = "PVEDatastoreUser" }]"#,
    ));
    says(
        &server.plan(),
        &[
            "acl entry /vms PVEVMAdmin",
            "acl entry /storage PVEDatastoreUser",
        ],
    );
    server.main(&vms);
    // Rights of a group are rights.
    server.sim.state(|state| {
        state.add_group("apps", &["demo@pve"]);
        state.set_acl("/vms", "PVEVMUser", "@apps", true);
    });
    let run = server.plan();
    says(&run, &[BEYOND, "grants less than it says", "VM.Allocate"]);
    assert!(!run.text().contains("VM.Console"), "{}", run.text());
    server
        .sim
        .state(|state| state.set_acl("/vms", "PVEVMAdmin", "@apps", true));
    is_silent(&server.plan());
    // root@pam has everything, whatever the list says.
    server.main(&vms.replace("demo@pve", "root@pam"));
    is_silent(&server.plan());
    // Of an owner that is not there yet nothing else is known.
    server.main(&vms.replace("demo@pve", "later@pve"));
    let run = server.plan();
    says(
        &run,
        &["Owner of the API token does not exist", "later@pve"],
    );
    assert!(!run.text().contains(BEYOND), "{}", run.text());
}

fn rights_at_deeper_paths_and_in_pools_count(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.state(|state| {
        state.add_pool("web", &["/vms/100"]);
        state.set_acl("/vms/200", "PVEVMAdmin", "demo@pve", true);
    });
    let at = |path: &str, propagate: bool| {
        scoped(&format!(
            r#"[{{ path = "{path}", role = "PVEVMAdmin", propagate = {propagate} }}]"#
        ))
    };
    server.main(&at("/vms", true));
    is_silent(&server.plan());
    server.main(&at("/vms", false));
    says(&server.plan(), &[BEYOND, "(VM.Allocate", ") at /vms."]);
    server.main(&at("/storage", true));
    says(&server.plan(), &[BEYOND]);

    // What the owner has at the members of a pool, from the pool or from elsewhere.
    server.sim.state(|state| {
        state.clear_acl();
        state.set_acl("/pool/web", "PVEVMAdmin", "demo@pve", true);
    });
    for path in ["/vms", "/vms/100", "/pool/web", "/pool"] {
        server.main(&at(path, true));
        is_silent(&server.plan());
    }
    server.sim.state(|state| {
        state.clear_acl();
        state.set_acl("/vms", "PVEVMAdmin", "demo@pve", true);
    });
    server.main(&at("/pool/web", false));
    is_silent(&server.plan());
}

fn no_warning_is_given_without_the_right_to_look(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(&scoped(r#"[{ path = "/vms", role = "PVEVMAdmin" }]"#));
    let secret = server
        .sim
        .state(|state| state.add_token("plain@pve!look", false, None, 0));
    server.connect_as(&format!("plain@pve!look={secret}"));
    is_silent(&server.plan());

    // A server that cannot be asked is told once, and does not fail the plan.
    server.connect_as(&format!("{ADMIN}=00000000-0000-0000-0000-000000000000"));
    says(
        &server.plan(),
        &["Plan not checked against Proxmox VE", ADMIN],
    );

    let closed = closed_port().expect("a port");
    server
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &closed.to_string());
    says(
        &server.plan(),
        &["Plan not checked against Proxmox VE", "1 to add"],
    );
}

fn a_one_time_code_is_never_spent_on_a_warning(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let seed = server.sim.state(|state| state.enable_totp("root@pam"));
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    server.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    server.scratch.set("PROXMOX_VE_TOTP_SECRET", &seed);
    server.main(&scoped(r#"[{ path = "/vms", role = "PVEVMAdmin" }]"#));
    is_silent(&server.plan());
    assert_eq!(server.sim.requests().len(), 0);
}

fn warnings_for_many_tokens_cost_few_requests(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(
        r#"
        resource "proxmox_api_token" "t" {
          count      = 20
          user_id    = "demo@pve"
          token_name = "t${count.index}"
          acl        = [{ path = "/vms", role = "PVEAuditor" }]
        }
        "#,
    );
    says(&server.plan(), &[BEYOND]);
    assert_eq!(server.requests("GET", "/access/roles"), 1);
    // The provider's own rights on /access, the owner's on /vms, and the owner's everywhere.
    assert_eq!(server.requests("GET", "/access/permissions"), 3);
    assert_eq!(server.requests("GET", "/access/users/"), 1);
    assert_eq!(server.sim.requests().len(), 5);

    // Writes change neither roles nor what owners may do.
    server.sim.clear_requests();
    server.apply();
    assert!(server.requests("GET", "/access/roles") <= 2);
    assert!(server.requests("GET", "/access/permissions") <= 6);

    // Where nothing changes, nothing is asked.
    server.sim.clear_requests();
    server.plan_is_empty();
    assert_eq!(server.requests("GET", "/access/roles"), 0);
}
