//! What a plan says about the scope of a token before anything is applied.

use cli_harness::{Cli, Run};
use proxmox_simulator::{Fault, RawAnswer, Version, nobody_listens};
use serde_json::Value;

use super::{
    Scenario,
    scope::scoped,
    stage::{ADMIN, Stage, says},
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

/// A stage whose owner may do everything, so that nothing is said of it.
fn with_able_owner(cli: &Cli) -> Stage {
    let stage = Stage::new(cli);
    stage
        .sim
        .state(|state| state.set_acl("/", "Administrator", "demo@pve", true));
    stage
}

/// Asserts that there is no warning but that of the command line about where the provider is.
fn is_silent(run: &Run) {
    let ours = run.text().replace("Warning: Provider development", "");
    assert!(!ours.contains("Warning:"), "{ours}");
}

fn mistyped_role(cli: &Cli) {
    mistyped(&Stage::new(cli));
}

fn mistyped_role_8_2(cli: &Cli) {
    mistyped(&Stage::with(cli, Version::V8_2));
}

fn mistyped(stage: &Stage) {
    stage
        .sim
        .state(|state| state.set_acl("/", "Administrator", "demo@pve", true));
    let configuration =
        scoped(r#"[{ path = "/vms", role = "PVEVMAdmn" }, { path = "/", role = "PVEAuditor" }]"#);
    stage.main(&configuration);
    stage.plan_fails(&[
        "No such role",
        "acl entry /vms PVEVMAdmn of demo@pve!ci",
        "nearest names there: PVEVMAdmin, ",
        "known only after apply",
    ]);
    assert_eq!(stage.requests("POST", "/"), 0);
    assert_eq!(stage.attributes("proxmox_api_token.t"), Value::Null);
    stage
        .sim
        .state(|state| state.add_role("PVEVMAdmn", &["VM.Audit", "SDN.Audit"]));
    stage.main(&configuration.replace(r#""/""#, r#""/storage""#));
    is_silent(&stage.apply());
}

fn made_meanwhile(cli: &Cli) {
    let stage = with_able_owner(cli);
    stage
        .sim
        .state(|state| state.add_role("Made", &["VM.Audit"]));
    let before_it_was_made = RawAnswer {
        status: 200,
        reason: "OK".to_owned(),
        headers: Vec::new(),
        body: br#"{"data":[{"roleid":"NoAccess","privs":"","special":1}]}"#.to_vec(),
    };
    stage
        .sim
        .fault(Fault::answer(before_it_was_made).on("GET", "/access/roles"));
    stage.main(&scoped(r#"[{ path = "/vms", role = "Made" }]"#));
    is_silent(&stage.apply());
    assert_eq!(stage.requests("GET", "/access/roles/Made"), 2);
}

fn path(cli: &Cli) {
    let stage = with_able_owner(cli);
    stage.main(&scoped(
        r#"[{ path = "/vms", role = "PVEAuditor" }, { path = "/vm/100", role = "PVEAuditor" }]"#,
    ));
    says(
        &stage.plan(),
        &[
            "Unusual path",
            "acl entry /vm/100 PVEAuditor of demo@pve!ci",
            "`/vms`",
        ],
    );
    stage.apply_fails(&["Unable to scope API token", "/vm/100", "revoked again"]);
    assert_eq!(stage.attributes("proxmox_api_token.t"), Value::Null);
}

fn empty_role(cli: &Cli) {
    let stage = with_able_owner(cli);
    stage.sim.state(|state| state.add_role("Empty", &[]));
    stage.main(&scoped(
        r#"[{ path = "/vms", role = "Empty" }, { path = "/storage", role = "NoAccess" }]"#,
    ));
    let run = stage.plan();
    says(
        &run,
        &[
            "Role without privileges",
            "acl entry /vms Empty of demo@pve!ci grants nothing",
            "NoAccess if that is",
        ],
    );
    assert!(!run.text().contains("/storage NoAccess"), "{}", run.text());
    stage.apply();
    // It was said when it was declared, and is not repeated.
    let run = stage.plan();
    assert_eq!(run.code, Some(0));
    is_silent(&run);
}

fn masking(cli: &Cli) {
    let stage = with_able_owner(cli);
    let token = |deeper: &str| {
        scoped(&format!(
            r#"[{{ path = "/vms", role = "PVEVMAdmin" }}, {{ path = "/vms/100", role = "{deeper}" }}]"#
        ))
    };
    stage.main(&token("PVEVMUser"));
    says(
        &stage.plan(),
        &[
            MASKED,
            "acl entry /vms/100 PVEVMUser of demo@pve!ci",
            "/vms (PVEVMAdmin)",
            "VM.Allocate",
        ],
    );
    stage.main(&token("NoAccess"));
    is_silent(&stage.plan());
    stage.main(&scoped(r#"[{ path = "/vms", role = "PVEVMAdmin" }]"#));
    is_silent(&stage.apply());

    // An entry that somebody else made masks as well, and can be masked.
    stage.sim.state(|state| {
        state.set_acl("/vms/200", "PVEAuditor", "demo@pve!ci", true);
        state.set_acl("/nodes", "PVEAuditor", "demo@pve!ci", true);
    });
    stage.main(&scoped(
        r#"[{ path = "/vms", role = "PVEVMAdmin" }, { path = "/storage", role = "PVEAuditor" }]"#,
    ));
    let run = stage.apply();
    says(
        &run,
        &[MASKED, "acl entry /vms/200 PVEAuditor", "not in `acl`"],
    );
    assert!(!run.text().contains("/nodes"), "{}", run.text());
    stage.main(&scoped(
        r#"[{ path = "/nodes/pve1", role = "PVESysAdmin" }]"#,
    ));
    says(
        &stage.plan(),
        &[
            MASKED,
            "acl entry /nodes/pve1 PVESysAdmin",
            "/nodes (PVEAuditor)",
        ],
    );
}

fn beyond_owner(cli: &Cli) {
    let stage = Stage::new(cli);
    let vms = scoped(r#"[{ path = "/vms", role = "PVEVMAdmin" }]"#);
    stage.main(&vms);
    says(
        &stage.plan(),
        &[
            BEYOND,
            "acl entry /vms PVEVMAdmin of demo@pve!ci grants nothing",
            "demo@pve has none of the privileges of PVEVMAdmin",
            "VM.Allocate",
            "at or below /vms",
        ],
    );
    // All entries are told, although warnings with one summary are folded.
    stage.main(&scoped(
        r#"[{ path = "/vms", role = "PVEVMAdmin" }, { path = "/storage", role = "PVEDatastoreUser" }]"#,
    ));
    says(
        &stage.plan(),
        &[
            "acl entry /vms PVEVMAdmin",
            "acl entry /storage PVEDatastoreUser",
        ],
    );
    stage.main(&vms);
    // Rights of a group are rights.
    stage.sim.state(|state| {
        state.add_group("apps", &["demo@pve"]);
        state.set_acl("/vms", "PVEVMUser", "@apps", true);
    });
    let run = stage.plan();
    says(&run, &[BEYOND, "grants less than it says", "VM.Allocate"]);
    assert!(!run.text().contains("VM.Console"), "{}", run.text());
    stage
        .sim
        .state(|state| state.set_acl("/vms", "PVEVMAdmin", "@apps", true));
    is_silent(&stage.plan());
    // root@pam has everything, whatever the list says.
    stage.main(&vms.replace("demo@pve", "root@pam"));
    is_silent(&stage.plan());
    // Of an owner that is not there yet nothing is known.
    stage.main(&vms.replace("demo@pve", "later@pve"));
    is_silent(&stage.plan());
}

fn owner_elsewhere(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.sim.state(|state| {
        state.add_pool("web", &["/vms/100"]);
        state.set_acl("/vms/200", "PVEVMAdmin", "demo@pve", true);
    });
    let at = |path: &str, propagate: bool| {
        scoped(&format!(
            r#"[{{ path = "{path}", role = "PVEVMAdmin", propagate = {propagate} }}]"#
        ))
    };
    stage.main(&at("/vms", true));
    is_silent(&stage.plan());
    stage.main(&at("/vms", false));
    says(&stage.plan(), &[BEYOND, "(VM.Allocate", ") at /vms."]);
    stage.main(&at("/storage", true));
    says(&stage.plan(), &[BEYOND]);

    // What the owner has at the members of a pool, from the pool or from elsewhere.
    stage.sim.state(|state| {
        state.clear_acl();
        state.set_acl("/pool/web", "PVEVMAdmin", "demo@pve", true);
    });
    for path in ["/vms", "/vms/100", "/pool/web", "/pool"] {
        stage.main(&at(path, true));
        is_silent(&stage.plan());
    }
    stage.sim.state(|state| {
        state.clear_acl();
        state.set_acl("/vms", "PVEVMAdmin", "demo@pve", true);
    });
    stage.main(&at("/pool/web", false));
    is_silent(&stage.plan());
}

fn no_look(cli: &Cli) {
    let mut stage = Stage::new(cli);
    stage.main(&scoped(r#"[{ path = "/vms", role = "PVEVMAdmin" }]"#));
    let secret = stage
        .sim
        .state(|state| state.add_token("plain@pve!look", false, None, 0));
    stage.connect_as(&format!("plain@pve!look={secret}"));
    is_silent(&stage.plan());
    assert_eq!(stage.sim.count(|request| request.status == Some(403)), 0);

    stage.connect_as(&format!("{ADMIN}=00000000-0000-0000-0000-000000000000"));
    is_silent(&stage.plan());

    let closed = nobody_listens().expect("a port");
    stage
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &closed.to_string());
    is_silent(&stage.plan());
}

fn one_time_code(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let seed = stage.sim.state(|state| state.enable_totp("root@pam"));
    stage.scratch.set("PROXMOX_VE_API_TOKEN", "");
    stage.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    stage.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    stage.scratch.set("PROXMOX_VE_TOTP_SECRET", &seed);
    stage.main(&scoped(r#"[{ path = "/vms", role = "PVEVMAdmin" }]"#));
    is_silent(&stage.plan());
    assert_eq!(stage.sim.requests().len(), 0);
}

fn few_requests(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.main(
        r#"
        resource "proxmox_api_token" "t" {
          count      = 20
          user_id    = "demo@pve"
          token_name = "t${count.index}"
          acl        = [{ path = "/vms", role = "PVEAuditor" }]
        }
        "#,
    );
    says(&stage.plan(), &[BEYOND]);
    assert_eq!(stage.requests("GET", "/access/roles"), 1);
    // The provider's own rights on /access, the owner's on /vms, and the owner's everywhere.
    assert_eq!(stage.requests("GET", "/access/permissions"), 3);
    assert_eq!(stage.requests("GET", "/access/users/"), 1);
    assert_eq!(stage.sim.requests().len(), 5);

    // Writes change neither roles nor what owners may do.
    stage.sim.clear_requests();
    stage.apply();
    assert!(stage.requests("GET", "/access/roles") <= 2);
    assert!(stage.requests("GET", "/access/permissions") <= 6);

    // Where nothing changes, nothing is asked.
    stage.sim.clear_requests();
    stage.plan_is_empty();
    assert_eq!(stage.requests("GET", "/access/roles"), 0);
}
