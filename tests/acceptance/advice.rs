//! What a plan says about the scope of a token before anything is applied.

use cli_harness::{Cli, Run};
use proxmox_simulator::{Fault, RawAnswer, Version, nobody_listens};
use serde_json::Value;

use super::{
    Scenario,
    scope::scoped,
    test_server::{ADMIN, TestServer, says},
};

pub const SCENARIOS: &[Scenario] = &[
    (
        "a mistyped role is refused at plan time with the nearest names",
        mistyped_role,
    ),
    (
        "a mistyped role is refused on Proxmox VE 8.2",
        mistyped_role_8_2,
    ),
    ("a role that was made meanwhile is found", made_meanwhile),
    (
        "an unusual path is a warning, and refused by the server",
        path,
    ),
    ("a role without privileges is a warning", empty_role),
    (
        "an entry that masks inherited privileges is a warning",
        masking,
    ),
    (
        "an entry beyond the rights of its owner is a warning",
        beyond_owner,
    ),
    ("rights at deeper paths and in pools count", owner_elsewhere),
    ("nothing is said where one may not look", no_look),
    ("no advice is worth a one-time code", one_time_code),
    ("advice for many tokens costs few requests", few_requests),
];

const MASKED: &str = "Entry masks inherited privileges";
const BEYOND: &str = "Owner lacks what is granted";

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

fn mistyped_role(cli: &Cli) {
    mistyped(&TestServer::new(cli));
}

fn mistyped_role_8_2(cli: &Cli) {
    mistyped(&TestServer::with(cli, Version::V8_2));
}

fn mistyped(server: &TestServer) {
    server
        .sim
        .state(|state| state.set_acl("/", "Administrator", "demo@pve", true));
    let configuration =
        scoped(r#"[{ path = "/vms", role = "PVEVMAdmn" }, { path = "/", role = "PVEAuditor" }]"#);
    server.main(&configuration);
    server.plan_fails(&[
        "No such role",
        "acl entry /vms PVEVMAdmn of demo@pve!ci",
        "nearest names there: PVEVMAdmin, ",
        "known only after apply",
    ]);
    assert_eq!(server.requests("POST", "/"), 0);
    assert_eq!(server.attributes("proxmox_api_token.t"), Value::Null);
    server
        .sim
        .state(|state| state.add_role("PVEVMAdmn", &["VM.Audit", "SDN.Audit"]));
    server.main(&configuration.replace(r#""/""#, r#""/storage""#));
    is_silent(&server.apply());
}

fn made_meanwhile(cli: &Cli) {
    let server = with_able_owner(cli);
    server
        .sim
        .state(|state| state.add_role("Made", &["VM.Audit"]));
    let before_it_was_made = RawAnswer {
        status: 200,
        reason: "OK".to_owned(),
        headers: Vec::new(),
        body: br#"{"data":[{"roleid":"NoAccess","privs":"","special":1}]}"#.to_vec(),
    };
    server
        .sim
        .fault(Fault::answer(before_it_was_made).on("GET", "/access/roles"));
    server.main(&scoped(r#"[{ path = "/vms", role = "Made" }]"#));
    is_silent(&server.apply());
    assert_eq!(server.requests("GET", "/access/roles/Made"), 2);
}

fn path(cli: &Cli) {
    let server = with_able_owner(cli);
    server.main(&scoped(
        r#"[{ path = "/vms", role = "PVEAuditor" }, { path = "/vm/100", role = "PVEAuditor" }]"#,
    ));
    says(
        &server.plan(),
        &[
            "Unusual path",
            "acl entry /vm/100 PVEAuditor of demo@pve!ci",
            "`/vms`",
        ],
    );
    server.apply_fails(&["Unable to scope API token", "/vm/100", "revoked again"]);
    assert_eq!(server.attributes("proxmox_api_token.t"), Value::Null);
}

fn empty_role(cli: &Cli) {
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
            "NoAccess if that is",
        ],
    );
    assert!(!run.text().contains("/storage NoAccess"), "{}", run.text());
    server.apply();
    // It was said when it was declared, and is not repeated.
    let run = server.plan();
    assert_eq!(run.code, Some(0));
    is_silent(&run);
}

fn masking(cli: &Cli) {
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

fn beyond_owner(cli: &Cli) {
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
    // Of an owner that is not there yet nothing is known.
    server.main(&vms.replace("demo@pve", "later@pve"));
    is_silent(&server.plan());
}

fn owner_elsewhere(cli: &Cli) {
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

fn no_look(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(&scoped(r#"[{ path = "/vms", role = "PVEVMAdmin" }]"#));
    let secret = server
        .sim
        .state(|state| state.add_token("plain@pve!look", false, None, 0));
    server.connect_as(&format!("plain@pve!look={secret}"));
    is_silent(&server.plan());
    assert_eq!(server.sim.count(|request| request.status == Some(403)), 0);

    server.connect_as(&format!("{ADMIN}=00000000-0000-0000-0000-000000000000"));
    is_silent(&server.plan());

    let closed = nobody_listens().expect("a port");
    server
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &closed.to_string());
    is_silent(&server.plan());
}

fn one_time_code(cli: &Cli) {
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

fn few_requests(cli: &Cli) {
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
