//! What the provider's own credential needs: each row of `docs/guides/privileges.md` with
//! exactly its privileges, and with one less.

use cli_harness::{Cli, Run};

use super::{
    Scenario,
    stage::{Stage, says},
};

pub const SCENARIOS: &[Scenario] = &[
    ("minting needs User.Modify on a group of the owner", minting),
    ("granting needs Permissions.Modify on the path", granting),
    ("planning needs Sys.Audit on /access", planning),
    ("proving a connection needs nothing", proving),
    (
        "asking about another user needs Sys.Audit on /access",
        asking,
    ),
];

/// A privilege at a path.
type Needed = (&'static str, &'static str);

const AUDIT: Needed = ("Sys.Audit", "/access");
const MODIFY: Needed = ("User.Modify", "/access/groups/automation");
const PERMISSIONS: Needed = ("Permissions.Modify", "/vms");

/// A stage whose provider works with a token that has these privileges and no others.
fn with(cli: &Cli, privileges: &[Needed]) -> Stage {
    let mut stage = Stage::new(cli);
    let secret = stage.sim.state(|state| {
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
    stage.connect_as(&format!("minter@pve!terraform={secret}"));
    stage
}

/// Applies with all of the privileges, then with each of them missing, which must fail and name
/// the one that is missing.
fn needs_exactly(cli: &Cli, needed: &[Needed], configuration: &str) {
    let stage = with(cli, needed);
    stage.main(configuration);
    stage.apply();
    stage.plan_is_empty();
    stage.destroy();
    for missing in needed {
        let rest: Vec<Needed> = needed
            .iter()
            .filter(|one| *one != missing)
            .copied()
            .collect();
        let stage = with(cli, &rest);
        stage.main(configuration);
        let run: Run = stage.try_apply();
        assert!(!run.ok(), "it works without {missing:?}:\n{}", run.stdout);
        says(&run, &[missing.0]);
        assert!(
            stage
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

fn minting(cli: &Cli) {
    needs_exactly(cli, &[MODIFY], TOKEN);
}

fn granting(cli: &Cli) {
    let scoped = TOKEN.replace(
        "\"ci\"\n",
        "\"ci\"\n  acl = [{ path = \"/vms\", role = \"PVEAuditor\" }]\n",
    );
    needs_exactly(cli, &[MODIFY, PERMISSIONS], &scoped);
}

fn planning(cli: &Cli) {
    for (privileges, reads) in [(&[AUDIT][..], true), (&[], false)] {
        let stage = with(cli, privileges);
        stage
            .sim
            .state(|state| state.add_token("app@pve!ci", true, None, 0));
        stage.main(&format!(
            "import {{\n  to = proxmox_api_token.t\n  id = \"app@pve!ci\"\n}}\n{TOKEN}"
        ));
        if reads {
            says(&stage.plan(), &["1 to import"]);
        } else {
            stage.plan_fails(&["Unable to import API token", "Sys.Audit on /access"]);
        }
    }
}

fn proving(cli: &Cli) {
    let stage = with(cli, &[]);
    stage.main("resource \"proxmox_host\" \"h\" {\n  name = \"h\"\n}\n");
    stage.apply();
    stage.plan_is_empty();
}

fn asking(cli: &Cli) {
    let question = "data \"proxmox_permissions\" \"p\" {\n  user_id = \"app@pve\"\n  paths = \
                    [\"/vms\"]\n}\n";
    let stage = with(cli, &[AUDIT]);
    stage.main(question);
    stage.apply();
    let stage = with(cli, &[]);
    stage.main(question);
    stage.plan_fails(&["Unable to read permissions", "Sys.Audit"]);
}
