//! Privileges of the provider's credential: each row of `docs/guides/privileges.md` with exactly
//! its privileges, and with each of them removed.

use cli_harness::{Cli, Run};
use proxmox_simulator::Cluster;
use serde_json::Value;

use super::Scenario;
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    minting_needs_user_modify_on_a_group_of_the_owner,
    granting_needs_permissions_modify_on_the_path,
    planning_needs_sys_audit_on_access,
    changing_rotating_and_revoking_need_user_modify,
    proving_a_connection_needs_nothing,
    the_facts_of_a_cluster_need_sys_audit_on_the_root,
    asking_about_another_user_needs_sys_audit_on_access,
];

/// A privilege at a path.
type Needed = (&'static str, &'static str);

const AUDIT: Needed = ("Sys.Audit", "/access");
const MODIFY: Needed = ("User.Modify", "/access/groups/automation");
const PERMISSIONS: Needed = ("Permissions.Modify", "/vms");

/// A server whose provider works with a token that has these privileges and no others.
fn with(cli: &Cli, privileges: &[Needed]) -> TestServer {
    let mut server = TestServer::new(cli);
    let secret = server.sim.state(|state| {
        state.add_user("minter@pve", "minter-pass-1");
        state.add_user("app@pve", "app-pass-1");
        state.add_group("automation", &["app@pve"]);
        for (privilege, path) in privileges {
            let role = format!("Only{}", privilege.replace('.', ""));
            state.add_role(&role, &[privilege]);
            state.set_acl(path, &role, "minter@pve", true);
        }
        state.add_token("minter@pve!terraform", false, None, 0)
    });
    server.connect_as(&format!("minter@pve!terraform={secret}"));
    server
}

/// Applies with all of the privileges, then with each of them missing, which must fail and name
/// the one that is missing.
fn needs_exactly(cli: &Cli, needed: &[Needed], configuration: &str) {
    let server = with(cli, needed);
    server.main(configuration);
    server.apply();
    server.plan_is_empty();
    server.destroy();
    for missing in needed {
        let rest: Vec<Needed> = needed
            .iter()
            .filter(|one| *one != missing)
            .copied()
            .collect();
        let server = with(cli, &rest);
        server.main(configuration);
        let run: Run = server.try_apply();
        assert!(!run.ok(), "it works without {missing:?}:\n{}", run.stdout);
        says(&run, &[missing.0]);
        assert!(
            server
                .sim
                .state(|state| state.token("app@pve", "ci").is_none())
        );
    }
}

const TOKEN: &str = r#"
resource "proxmox_api_token" "t" {
  user_id    = "app@pve"
  token_name = "ci"
}
"#;

fn minting_needs_user_modify_on_a_group_of_the_owner(cli: &Cli) {
    needs_exactly(cli, &[MODIFY], TOKEN);
}

fn granting_needs_permissions_modify_on_the_path(cli: &Cli) {
    let scoped = TOKEN.replace(
        r#""ci"
"#,
        r#""ci"
  acl = [{ path = "/vms", role = "PVEAuditor" }]
"#,
    );
    needs_exactly(cli, &[MODIFY, PERMISSIONS], &scoped);
}

fn changing_rotating_and_revoking_need_user_modify(cli: &Cli) {
    let with_settings = |settings: &str| {
        TOKEN.replace(
            r#""ci"
"#,
            &format!(
                r#""ci"
{settings}
"#
            ),
        )
    };
    let server = with(cli, &[AUDIT, MODIFY]);
    server.main(TOKEN);
    server.apply();
    let allowed = |allow: bool| {
        server.sim.state(|state| match allow {
            true => state.set_acl(MODIFY.1, "OnlyUserModify", "minter@pve", true),
            false => state.remove_acl(MODIFY.1, "OnlyUserModify", "minter@pve"),
        });
    };
    for settings in [
        r#"  comment = "changed""#,
        r#"  comment = "changed"
  rotate_when_changed = { a = "1" }"#,
        r#"  comment = "changed"
  rotate_when_changed = { a = "2" }
  rotation = { overlap = "2d" }"#,
    ] {
        server.main(&with_settings(settings));
        allowed(false);
        server.apply_fails(&["app@pve!ci", "User.Modify on /access/groups"]);
        allowed(true);
        server.apply();
        server.plan_is_empty();
    }
    allowed(false);
    let run = server
        .scratch
        .run(["destroy", "-auto-approve", "-no-color"]);
    assert!(!run.ok());
    says(&run, &["app@pve!ci", "User.Modify on /access/groups"]);
    allowed(true);
    server.destroy();
}

fn planning_needs_sys_audit_on_access(cli: &Cli) {
    for (privileges, reads) in [(&[AUDIT][..], true), (&[], false)] {
        let server = with(cli, privileges);
        server
            .sim
            .state(|state| state.add_token("app@pve!ci", true, None, 0));
        server.main(&format!(
            r#"import {{
  to = proxmox_api_token.t
  id = "app@pve!ci"
}}
{TOKEN}"#
        ));
        if reads {
            says(&server.plan(), &["1 to import"]);
        } else {
            server.plan_fails(&["Unable to import API token", "Sys.Audit on /access"]);
        }
    }
}

fn proving_a_connection_needs_nothing(cli: &Cli) {
    let server = with(cli, &[]);
    server.main(
        r#"resource "proxmox_host" "h" {
  name = "h"
}
"#,
    );
    server.apply();
    server.plan_is_empty();
}

fn the_facts_of_a_cluster_need_sys_audit_on_the_root(cli: &Cli) {
    for (privileges, name) in [
        (&[("Sys.Audit", "/")][..], Value::from("production")),
        (&[], Value::Null),
    ] {
        let server = with(cli, privileges);
        server.sim.state(|state| {
            let name = "production".to_owned();
            let quorate = true;
            state.cluster = Some(Cluster { name, quorate });
        });
        server.main(
            r#"resource "proxmox_host" "h" {
  name = "h"
}
"#,
        );
        server.apply();
        let host = server.attributes("proxmox_host.h");
        assert_eq!(host["cluster_name"], name);
        assert_eq!(host["quorate"].is_null(), name.is_null());
    }
}

fn asking_about_another_user_needs_sys_audit_on_access(cli: &Cli) {
    let question = r#"data "proxmox_permissions" "p" {
  user_id = "app@pve"
  paths = ["/vms"]
}
"#;
    let server = with(cli, &[AUDIT]);
    server.main(question);
    server.apply();
    let server = with(cli, &[]);
    server.main(question);
    server.plan_fails(&["Unable to read permissions", "Sys.Audit"]);
}
