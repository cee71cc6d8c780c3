//! Access control entries of a token: changes, and a filtered view of the list.

use cli_harness::Cli;
use proxmox_simulator::{Subject, Version};

use super::Scenario;
use super::samples::{ADDRESS, scoped, token};
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    entries_change_without_a_gap,
    entries_change_without_a_gap_on_proxmox_ve_8_2,
    entries_change_without_a_gap_with_a_filtered_view_of_the_list,
    another_spelling_of_the_entries_is_no_change,
    drift_of_the_entries_is_shown_and_put_back,
    drift_of_the_entries_is_shown_and_put_back_on_proxmox_ve_8_2,
    nothing_is_concluded_from_a_filtered_view_of_the_list,
    a_filtered_view_of_the_list_is_one_warning_for_many_tokens,
    entries_that_are_no_longer_declared_are_named_and_can_be_removed_later,
    an_import_reads_the_entries,
    an_exclusive_list_has_no_other_entries,
    an_exclusive_list_that_is_partly_visible_removes_nothing,
];

const NOTE: &str = "ACL only partly visible";

/// The entries of `demo@pve!ci` on the server, as `path role`, with `-` behind those that do not
/// propagate.
fn granted(server: &TestServer) -> Vec<String> {
    let of_token = Subject::Token("demo@pve!ci".to_owned());
    let mut granted: Vec<String> = server.sim.state(|state| {
        let entries = state.acl().into_iter();
        entries
            .filter(|(_, _, subject, _)| *subject == of_token)
            .map(|(path, role, _, propagate)| {
                format!("{path} {role}{}", if propagate { "" } else { " -" })
            })
            .collect()
    });
    granted.sort();
    granted
}

/// Makes the provider work with a credential that may mint tokens of `demo@pve` and change
/// permissions below `/vms`: the server shows it no other part of the list.
fn see_only_vms(server: &mut TestServer) {
    let secret = server.sim.state(|state| {
        state.add_user("minter@pve", "minter-pass-1");
        state.add_group("apps", &["demo@pve"]);
        state.add_role("TokenMinter", &["User.Modify"]);
        state.add_role("Granter", &["Permissions.Modify"]);
        state.set_acl("/access/groups/apps", "TokenMinter", "minter@pve", true);
        state.set_acl("/vms", "Granter", "minter@pve", true);
        state.add_token("minter@pve!terraform", false, None, 0)
    });
    server.connect_as(&format!("minter@pve!terraform={secret}"));
}

fn entries_change_without_a_gap(cli: &Cli) {
    change_entries(&TestServer::new(cli));
}

fn entries_change_without_a_gap_on_proxmox_ve_8_2(cli: &Cli) {
    change_entries(&TestServer::with(cli, Version::V8_2));
}

fn entries_change_without_a_gap_with_a_filtered_view_of_the_list(cli: &Cli) {
    let mut server = TestServer::new(cli);
    see_only_vms(&mut server);
    change_entries(&server);
}

fn change_entries(server: &TestServer) {
    // Several roles at one path, and NoAccess.
    server.main(&scoped(
        r#"[
          { path = "/vms", role = "PVEVMUser" },
          { path = "/vms", role = "PVEAuditor" },
          { path = "/vms/100/", role = "NoAccess" },
        ]"#,
    ));
    server.apply();
    server.plan_is_empty();
    let before = ["/vms PVEAuditor", "/vms PVEVMUser", "/vms/100 NoAccess"];
    assert_eq!(granted(server), before);

    // An entry of somebody else's making stays.
    server.sim.state(|state| {
        state.set_acl("/vms/300", "PVEAuditor", "demo@pve!ci", true);
    });
    server.sim.clear_requests();
    server.main(&scoped(
        r#"[
          { path = "/vms", role = "PVEVMUser", propagate = false },
          { path = "/vms/200", role = "PVEVMAdmin" },
        ]"#,
    ));
    server.apply();
    server.plan_is_empty();
    let after = [
        "/vms PVEVMUser -",
        "/vms/200 PVEVMAdmin",
        "/vms/300 PVEAuditor",
    ];
    assert_eq!(granted(server), after);
    // What changes its propagation is written again and never taken away, and what goes, goes
    // after everything else has come.
    let written: Vec<bool> = writes(server)
        .iter()
        .map(|request| request.parameters.iter().any(|name| name == "delete"))
        .collect();
    assert_eq!(written, [false, false, true, true]);

    server.destroy();
    assert_eq!(granted(server), Vec::<String>::new());
}

fn writes(server: &TestServer) -> Vec<proxmox_simulator::Request> {
    let requests = server.sim.requests().into_iter();
    requests
        .filter(|request| request.method == "PUT" && request.path == "/access/acl")
        .collect()
}

fn drift_of_the_entries_is_shown_and_put_back(cli: &Cli) {
    put_back(&TestServer::new(cli));
}

fn drift_of_the_entries_is_shown_and_put_back_on_proxmox_ve_8_2(cli: &Cli) {
    put_back(&TestServer::with(cli, Version::V8_2));
}

fn put_back(server: &TestServer) {
    server.main(&scoped(
        r#"[{ path = "/vms", role = "PVEVMUser" }, { path = "/storage", role = "PVEAuditor" }]"#,
    ));
    server.apply();
    let declared = granted(server);
    server.sim.state(|state| {
        state.set_acl("/vms", "PVEVMUser", "demo@pve!ci", false);
        state.remove_acl("/storage", "PVEAuditor", "demo@pve!ci");
    });
    says(&server.plan(), &["/storage", "propagate", "1 to change"]);
    server.apply();
    server.plan_is_empty();
    assert_eq!(granted(server), declared);
}

fn nothing_is_concluded_from_a_filtered_view_of_the_list(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let admin = server.admin.clone();
    server.main(&scoped(
        r#"[{ path = "/vms", role = "PVEVMUser" }, { path = "/storage", role = "PVEAuditor" }]"#,
    ));
    assert!(!server.apply().text().contains(NOTE));

    // An entry that is not shown is not taken as gone, whether it is there or not.
    see_only_vms(&mut server);
    for entry_is_there in [true, false] {
        if !entry_is_there {
            server.sim.state(|state| {
                state.remove_acl("/storage", "PVEAuditor", "demo@pve!ci");
            });
        }
        let run = server.plan();
        assert_eq!(run.code, Some(0), "{}", run.stdout);
        says(
            &run,
            &[
                NOTE,
                "demo@pve!ci",
                "/storage PVEAuditor",
                "Sys.Audit on /access",
            ],
        );
        assert!(!run.text().contains("/vms PVEVMUser"), "{}", run.text());
    }

    // With the whole list in view it is drift.
    server.connect_as(&admin);
    let run = server.plan();
    says(&run, &["/storage", "1 to change"]);
    assert!(!run.text().contains(NOTE), "{}", run.text());
}

fn a_filtered_view_of_the_list_is_one_warning_for_many_tokens(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(
        &scoped(r#"[{ path = "/storage", role = "PVEAuditor" }]"#)
            .replace(
                r#""t" {"#,
                r#""many" {
  count = 3"#,
            )
            .replace(r#""ci""#, r#""c${count.index}""#),
    );
    server.apply();
    see_only_vms(&mut server);
    let run = server.plan();
    assert_eq!(run.text().matches(NOTE).count(), 1, "{}", run.text());
}

fn entries_that_are_no_longer_declared_are_named_and_can_be_removed_later(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&scoped(
        r#"[{ path = "/vms", role = "PVEAuditor" }, { path = "/storage", role = "PVEDatastoreUser" }]"#,
    ));
    server.apply();
    server.main(&token(""));
    says(
        &server.apply(),
        &[
            "ACL entries stay on the server",
            "/storage PVEDatastoreUser",
            "/vms PVEAuditor",
            "acl = []",
        ],
    );
    assert_eq!(granted(&server).len(), 2);
    // Another client's entry is never ours, and neither is one that is declared again.
    server
        .sim
        .state(|state| state.set_acl("/nodes", "PVEAuditor", "demo@pve!ci", true));
    server.plan_is_empty();
    server.main(&scoped(r#"[{ path = "/vms", role = "PVEAuditor" }]"#));
    says(
        &server.apply(),
        &[
            "Former ACL entries will be removed",
            "/storage PVEDatastoreUser",
        ],
    );
    assert_eq!(granted(&server), ["/nodes PVEAuditor", "/vms PVEAuditor"]);
    server.plan_is_empty();
    server.main(&token(""));
    server.apply();
    server.main(&scoped("[]"));
    server.apply();
    assert_eq!(granted(&server), ["/nodes PVEAuditor"]);
    server.plan_is_empty();
}

fn an_import_reads_the_entries(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.state(|state| {
        state.add_token("demo@pve!ci", true, None, 0);
        state.set_acl("/", "Administrator", "demo@pve!ci", true);
        state.set_acl("/vms", "PVEAuditor", "demo@pve!ci", false);
    });
    server.main(
        r#"import {
  to = proxmox_api_token.t
  id = "demo@pve!ci"
}
"#,
    );
    let generated = ["plan", "-no-color", "-generate-config-out=generated.tf"];
    let plan = server.scratch.run(generated);
    assert!(plan.ok(), "{}", plan.text());
    let text =
        std::fs::read_to_string(server.scratch.file("generated.tf")).expect("a configuration");
    assert!(
        text.contains("Administrator") && text.contains("PVEAuditor"),
        "{text}"
    );
    says(
        &server.apply(),
        &["1 imported, 0 added, 0 changed, 0 destroyed"],
    );
    server.plan_is_empty();
    // A configuration without them is told what the token has.
    std::fs::remove_file(server.scratch.file("generated.tf")).expect("the file");
    assert!(server.scratch.run(["state", "rm", ADDRESS]).ok());
    server.main(&format!(
        r#"import {{
  to = proxmox_api_token.t
  id = "demo@pve!ci"
}}
{}"#,
        token("")
    ));
    says(
        &server.plan(),
        &["ACL entries stay on the server", "/ Administrator"],
    );
}

fn an_exclusive_list_has_no_other_entries(cli: &Cli) {
    let server = TestServer::new(cli);
    let acl = r#"acl = [{ path = "/vms", role = "PVEAuditor" }]"#;
    server.main(&token(acl));
    server.apply();
    let foreign = |state: &mut proxmox_simulator::State| {
        state.set_acl("/nodes", "PVEAuditor", "demo@pve!ci", true);
    };
    server.sim.state(foreign);
    server.plan_is_empty();
    server.main(&token("acl_exclusive = true"));
    server.plan_fails(&["acl_exclusive", "requires `acl`"]);
    server.main(&token(&format!("{acl}\n  acl_exclusive = true")));
    says(
        &server.apply(),
        &[
            "Undeclared ACL entries will be removed",
            "/nodes PVEAuditor",
        ],
    );
    assert_eq!(granted(&server), ["/vms PVEAuditor"]);
    server.plan_is_empty();
    // From then on they are drift.
    server.sim.state(foreign);
    says(&server.plan(), &["/nodes", "1 to change"]);
    server.apply();
    assert_eq!(granted(&server), ["/vms PVEAuditor"]);
    server.plan_is_empty();
}

fn an_exclusive_list_that_is_partly_visible_removes_nothing(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(&token(
        r#"acl = [{ path = "/vms", role = "PVEAuditor" }]
  acl_exclusive = true"#,
    ));
    server.apply();
    server
        .sim
        .state(|state| state.set_acl("/vms/100", "PVEAuditor", "demo@pve!ci", true));
    see_only_vms(&mut server);
    says(&server.apply(), &[NOTE, "`acl_exclusive = false`"]);
    assert_eq!(granted(&server), ["/vms PVEAuditor", "/vms/100 PVEAuditor"]);
}

fn another_spelling_of_the_entries_is_no_change(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&scoped(r#"[{ path = "/vms", role = "PVEAuditor" }]"#));
    server.apply();
    server.main(&scoped(
        r#"[{ path = "/vms/", role = "PVEAuditor", propagate = true }]"#,
    ));
    server.plan_is_empty();
}
