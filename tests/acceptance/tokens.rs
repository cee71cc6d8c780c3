//! `proxmox_api_token`: create, update, import, revoke.

use std::num::NonZeroU64;
use std::time::Duration;

use cli_harness::Cli;
use proxmox_simulator::{Identity, Subject, Version};
use serde_json::Value;

use super::Scenario;
use super::samples::{scoped, token};
use super::test_server::{ADMIN, TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    waits_of_writes_are_logged,
    a_token_is_minted_changed_in_place_and_revoked,
    a_token_is_minted_changed_in_place_and_revoked_on_proxmox_ve_9_0,
    a_token_is_minted_changed_in_place_and_revoked_on_proxmox_ve_8_2,
    a_token_is_granted_exactly_what_it_declares,
    an_entry_known_only_at_apply_is_granted_then,
    a_token_keeps_its_grants_when_it_gains_privilege_separation,
    users_with_unusual_names_own_tokens,
    an_existing_token_is_never_adopted,
    an_imported_token_matches_its_configuration,
    a_token_whose_owner_is_gone_can_be_destroyed,
    a_token_of_a_lost_host_leaves_the_state_as_the_message_says,
    a_renamed_token_is_replaced,
    many_tokens_of_one_user_cost_one_request,
    a_read_only_credential_can_plan,
    a_two_factor_login_mints_a_token,
    plan_apply_and_two_aliases_never_use_a_code_twice,
    a_ticket_from_an_earlier_login_mints_a_token,
    a_plan_reserves_a_one_time_code_for_the_apply,
    unknown_provider_values_do_not_fail_a_plan,
    a_token_creates_another_in_the_same_apply,
    functions_take_ids_apart_and_put_them_together,
];

const TOKEN: &str = r#"
resource "proxmox_api_token" "t" {
  user_id         = "demo@pve"
  token_name      = "ci"
  comment         = "first"
  expiration_date = "2037-12-31T02:00:00+02:00"
}
"#;

fn a_token_is_minted_changed_in_place_and_revoked(cli: &Cli) {
    live(TestServer::new(cli));
}

fn a_token_is_minted_changed_in_place_and_revoked_on_proxmox_ve_9_0(cli: &Cli) {
    live(TestServer::with(cli, Version::V9_0));
}

fn a_token_is_minted_changed_in_place_and_revoked_on_proxmox_ve_8_2(cli: &Cli) {
    live(TestServer::with(cli, Version::V8_2));
}

fn live(server: TestServer) {
    server.main(TOKEN);
    server.apply();
    server.plan_is_empty();
    let minted = server.attributes("proxmox_api_token.t");
    let secret = minted["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(minted["id"], "demo@pve!ci");
    assert_eq!(minted["token_id"], "demo@pve!ci");
    assert_eq!(minted["api_token"], format!("demo@pve!ci={secret}"));
    assert_eq!(minted["privilege_separation"], true);
    assert_eq!(minted["expires_at"], "2037-12-31T00:00:00Z");
    assert!(minted["created_at"].is_string());
    server.sim.state(|state| {
        assert_eq!(state.token_secret("demo@pve!ci"), Some(secret.as_str()));
        let token = state.token("demo@pve", "ci").expect("the token");
        assert_eq!(token.comment.as_deref(), Some("first"));
        assert_eq!(token.expire, 2_145_830_400);
    });

    server.sim.clear_requests();
    server.main(&TOKEN.replace("first", "second"));
    says(&server.apply(), &["1 changed"]);
    assert_eq!(server.requests("PUT", "/token/ci"), 1);
    assert_eq!(server.requests("POST", "/token/ci"), 0);
    server.plan_is_empty();
    assert_eq!(server.attributes("proxmox_api_token.t")["secret"], secret);

    server.main(
        r#"
        resource "proxmox_api_token" "t" {
          user_id              = "demo@pve"
          token_name           = "ci"
          privilege_separation = false
        }
        "#,
    );
    server.apply();
    server.plan_is_empty();
    server.sim.state(|state| {
        let token = state.token("demo@pve", "ci").expect("the token");
        assert_eq!(token.comment.as_deref().unwrap_or_default(), "");
        assert_eq!(token.expire, 0);
        assert!(!token.privilege_separation);
        assert_eq!(state.token_secret("demo@pve!ci"), Some(secret.as_str()));
    });

    server.destroy();
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "ci").is_none())
    );
}

fn a_token_is_granted_exactly_what_it_declares(cli: &Cli) {
    let server = TestServer::new(cli);
    let grants = |server: &TestServer| {
        let mut grants: Vec<(String, String, bool)> = server.sim.state(|state| {
            let of_token = Subject::Token("demo@pve!ci".to_owned());
            let entries = state.acl().into_iter().filter(|entry| entry.2 == of_token);
            entries
                .map(|(path, role, _, propagate)| (path, role, propagate))
                .collect()
        });
        grants.sort();
        grants
    };
    let held = |path: &str, role: &str, propagate| (path.to_owned(), role.to_owned(), propagate);

    server.main(&scoped(
        r#"[{ path = "/vms", role = "PVEVMAdmin" }, { path = "/storage/", role = "PVEAuditor", propagate = false }]"#,
    ));
    server.apply();
    server.plan_is_empty();
    assert_eq!(
        grants(&server),
        [
            held("/storage", "PVEAuditor", false),
            held("/vms", "PVEVMAdmin", true)
        ]
    );

    // An entry that somebody else added is not ours to remove; one of ours is, and one of ours
    // that was taken away outside is given back.
    server.sim.state(|state| {
        state.set_acl("/nodes", "PVEAuditor", "demo@pve!ci", true);
        state.remove_acl("/vms", "PVEVMAdmin", "demo@pve!ci");
    });
    assert_eq!(server.plan().code, Some(2));
    server.main(&scoped(
        r#"[{ path = "/vms", role = "PVEVMAdmin" }, { path = "/pool", role = "PVEAuditor" }]"#,
    ));
    server.apply();
    server.plan_is_empty();
    assert_eq!(
        grants(&server),
        [
            held("/nodes", "PVEAuditor", true),
            held("/pool", "PVEAuditor", true),
            held("/vms", "PVEVMAdmin", true)
        ]
    );

    server.destroy();
    assert_eq!(grants(&server), []);
}

fn an_entry_known_only_at_apply_is_granted_then(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(
        r#"
        resource "terraform_data" "entry" {
          input = { path = "/vms", role = "PVEAuditor" }
        }
        resource "proxmox_api_token" "t" {
          user_id    = "demo@pve"
          token_name = "ci"
          acl        = [terraform_data.entry.output, { path = "/", role = "PVEAdmin" }]
        }
        "#,
    );
    server.apply();
    server.plan_is_empty();
    assert_eq!(server.sim.state(|state| state.acl().len()), 2);
}

fn a_token_keeps_its_grants_when_it_gains_privilege_separation(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&token("privilege_separation = false"));
    server.apply();
    server.main(&token(
        r#"acl = [{ path = "/sdn/nonsense", role = "PVEAuditor" }]"#,
    ));
    server.apply_fails(&["Unable to scope API token", "/sdn/nonsense", "acl"]);
    let separated = |server: &TestServer| {
        let token = server
            .sim
            .state(|state| state.token("demo@pve", "ci").cloned());
        token.expect("the token").privilege_separation
    };
    assert!(
        !separated(&server),
        "the token lost its rights before it was granted others"
    );
    server.main(&token(r#"acl = [{ path = "/vms", role = "PVEAuditor" }]"#));
    server.apply();
    server.plan_is_empty();
    assert!(separated(&server));
}

fn users_with_unusual_names_own_tokens(cli: &Cli) {
    let server = TestServer::new(cli);
    let owners = ["a!b@pve", "x@y@pve", "fifty%@pve", "one+one@pve", "q?#@pve"];
    server
        .sim
        .state(|state| owners.map(|owner| state.add_user(owner, "password")));
    server.main(&format!(
        r#"resource "proxmox_api_token" "t" {{
  for_each = toset({owners:?})
  user_id = each.key
  token_name = "ci"
}}

resource "proxmox_host" "h" {{
  for_each = proxmox_api_token.t
  name = each.key
  api_token_id = each.value.token_id
  api_token_secret = each.value.secret
}}
"#
    ));
    server.apply();
    server.plan_is_empty();
    for owner in owners {
        assert!(
            server.sim.state(|state| state.token(owner, "ci").is_some()),
            "{owner}"
        );
    }
    server.destroy();
}

fn an_existing_token_is_never_adopted(cli: &Cli) {
    let server = TestServer::new(cli);
    let theirs = server
        .sim
        .state(|state| state.add_token("demo@pve!ci", true, Some("theirs"), 0));
    server.main(TOKEN);
    server.apply_fails(&[
        "API token already exists",
        "demo@pve!ci",
        "token_name",
        "import",
    ]);
    assert_eq!(server.attributes("proxmox_api_token.t"), Value::Null);
    server.sim.state(|state| {
        assert_eq!(state.token_secret("demo@pve!ci"), Some(theirs.as_str()));
        let token = state.token("demo@pve", "ci").expect("their token");
        assert_eq!(token.comment.as_deref(), Some("theirs"));
    });
}

fn an_imported_token_matches_its_configuration(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.state(|state| {
        state.add_token("root@pam!clicked", false, None, 1_830_211_200);
    });
    server.main(
        r#"
        import {
          to = proxmox_api_token.clicked
          id = "root@pam!clicked"
        }

        resource "proxmox_api_token" "clicked" {
          user_id              = "root@pam"
          token_name           = "clicked"
          privilege_separation = false
          expiration_date      = "2027-12-31T00:00:00Z"
        }
        "#,
    );
    let run = server.apply();
    says(
        &run,
        &[
            "1 imported, 0 added, 0 changed",
            "Imported without its secret",
            "rotate_when_changed",
        ],
    );
    server.plan_is_empty();
    let imported = server.attributes("proxmox_api_token.clicked");
    assert_eq!(imported["secret"], Value::Null);
    assert_eq!(imported["id"], "root@pam!clicked");

    let missing = server.scratch.run([
        "import",
        "-no-color",
        "proxmox_api_token.clicked",
        "demo@pve!no",
    ]);
    assert!(!missing.ok());
}

fn a_token_whose_owner_is_gone_can_be_destroyed(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(TOKEN);
    server.apply();
    server.sim.state(|state| state.remove_user("demo@pve"));
    let run = server
        .scratch
        .run(["destroy", "-auto-approve", "-no-color", "-refresh=false"]);
    assert!(run.ok(), "{}\n{}", run.stdout, run.stderr);
}

fn a_token_of_a_lost_host_leaves_the_state_as_the_message_says(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(TOKEN);
    server.apply();
    let way_out = ["gone for good", "`-refresh=false`", "`terraform state rm`"];
    let TestServer { sim, scratch, .. } = server;
    drop(sim);
    says(&scratch.run(["plan", "-no-color"]), &way_out);
    let destroy = ["destroy", "-auto-approve", "-no-color", "-refresh=false"];
    let run = scratch.run(destroy);
    assert!(!run.ok(), "{}", run.text());
    says(&run, &way_out);
    let removed = scratch.run(["state", "rm", "proxmox_api_token.t"]);
    assert!(removed.ok(), "{}", removed.text());
    let run = scratch.run(destroy);
    assert!(run.ok(), "{}", run.text());
}

fn a_renamed_token_is_replaced(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(TOKEN);
    server.apply();
    let before = server.attributes("proxmox_api_token.t")["secret"].clone();
    server.main(&TOKEN.replace(r#""ci""#, r#""cd""#));
    says(
        &server.apply(),
        &["must be replaced", "1 added, 0 changed, 1 destroyed"],
    );
    server.plan_is_empty();
    assert_ne!(server.attributes("proxmox_api_token.t")["secret"], before);
    server.sim.state(|state| {
        assert!(state.token("demo@pve", "ci").is_none());
        assert!(state.token("demo@pve", "cd").is_some());
    });
}

fn many_tokens_of_one_user_cost_one_request(cli: &Cli) {
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
    server.apply();
    server.sim.clear_requests();
    server.plan_is_empty();
    assert_eq!(server.requests("GET", "/access/users/"), 1);
    assert_eq!(server.requests("GET", "/access/acl"), 1);
    assert!(
        server.sim.requests().len() <= 3,
        "{:?}",
        server.sim.requests()
    );
}

fn a_read_only_credential_can_plan(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(TOKEN);
    server.apply();
    let secret = server.sim.state(|state| {
        let secret = state.add_token("audit@pve!look", true, None, 0);
        state.set_acl("/access", "PVEAuditor", "audit@pve", true);
        state.set_acl("/access", "PVEAuditor", "audit@pve!look", true);
        secret
    });
    server.connect_as(&format!("audit@pve!look={secret}"));
    server.plan_is_empty();
    server.main(&TOKEN.replace("first", "second"));
    assert_eq!(server.plan().code, Some(2));
    server.apply_fails(&["Unable to update API token", "demo@pve!ci", "User.Modify"]);
    server.sim.state(|state| {
        let token = state.token("demo@pve", "ci").expect("the token");
        assert_eq!(token.comment.as_deref(), Some("first"));
    });
}

fn a_two_factor_login_mints_a_token(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let seed = server.sim.state(|state| {
        state.add_user("root@pam", "root-pass-1");
        state.enable_totp("root@pam")
    });
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    server.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    server.main(TOKEN);
    server.apply_fails(&["root@pam", "second factor", "totp_secret"]);
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "ci").is_none())
    );
    server.scratch.set("PROXMOX_VE_TOTP_SECRET", &seed);
    server.apply();
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "ci").is_some())
    );
}

fn plan_apply_and_two_aliases_never_use_a_code_twice(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let seed = server.sim.state(|state| {
        state.add_user("root@pam", "root-pass-1");
        state.enable_totp_with_step("root@pam", NonZeroU64::MIN)
    });
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    server.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    server.scratch.set("PROXMOX_VE_TOTP_SECRET", &seed);
    server.main(
        r#"
        provider "proxmox" {
          alias = "second"
        }
        data "proxmox_connection" "first" {}
        data "proxmox_connection" "second" {
          provider = proxmox.second
        }
        resource "proxmox_api_token" "t" {
          provider   = proxmox.second
          user_id    = "demo@pve"
          token_name = "ci"
        }
        output "status" {
          value = [data.proxmox_connection.first.status, data.proxmox_connection.second.status]
        }
        "#,
    );
    server.scratch.set("TF_LOG_PROVIDER", "INFO");
    let (plan, apply) = (server.plan(), server.apply());
    let logged = format!("{}{}", plan.stderr, apply.stderr);
    assert!(logged.contains("one-time code was used before"), "{logged}");
    server.scratch.set("TF_LOG_PROVIDER", "");
    let status = server.scratch.run(["output", "-json", "status"]);
    assert_eq!(status.stdout.trim(), r#"["ok","ok"]"#);
    let logins = |request: &proxmox_simulator::Request| {
        request.path == "/access/ticket" && request.status != Some(200)
    };
    assert_eq!(server.sim.count(logins), 0, "a login was refused");
}

fn waits_of_writes_are_logged(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(
        r#"resource "proxmox_api_token" "t" {
  count = 5
  user_id = "demo@pve"
  token_name = "t${count.index}"
}
"#,
    );
    server.scratch.set("TF_LOG_PROVIDER", "INFO");
    let apply = server.apply();
    assert!(
        apply
            .stderr
            .contains("Waited for other writes to the same cluster"),
        "{}",
        apply.stderr
    );
}

fn a_ticket_from_an_earlier_login_mints_a_token(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let (ticket, csrf) = server.sim.state(|state| {
        state.enable_totp("root@pam");
        state.make_ticket("root@pam")
    });
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_AUTH_TICKET", &ticket);
    server.main(TOKEN);
    server.apply_fails(&[
        "Incomplete credential",
        "PROXMOX_VE_AUTH_TICKET",
        "csrf_prevention_token",
    ]);
    server
        .scratch
        .set("PROXMOX_VE_CSRF_PREVENTION_TOKEN", &csrf);
    server.apply();
    server.plan_is_empty();
    assert!(
        server
            .sim
            .state(|state| state.token("demo@pve", "ci").is_some())
    );
    // The block takes it as well.
    server.scratch.set("PROXMOX_VE_AUTH_TICKET", "");
    server.scratch.set("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "");
    server.main(&format!(
        r#"provider "proxmox" {{
  auth_ticket = {ticket:?}
  csrf_prevention_token = {csrf:?}
}}
{TOKEN}"#
    ));
    server.plan_is_empty();
    server.destroy();
    assert_eq!(server.requests("POST", "/access/ticket"), 0);
    // One that is due is exchanged for a new one first, without a second factor.
    let (ticket, csrf) = server.sim.state(|state| {
        state.set_clock_offset(-90 * 60);
        let made = state.make_ticket("root@pam");
        state.set_clock_offset(0);
        made
    });
    server.main(&format!(
        r#"provider "proxmox" {{
  auth_ticket = {ticket:?}
  csrf_prevention_token = {csrf:?}
}}
{TOKEN}"#
    ));
    server.sim.clear_requests();
    server.apply();
    let renewed = server.requests("POST", "/access/ticket");
    assert!(renewed > 0, "the old ticket was used as it was");
    server.sim.advance(Duration::from_secs(45 * 60));
    server.plan_fails(&["no longer accepts the ticket"]);
}

fn a_plan_reserves_a_one_time_code_for_the_apply(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(TOKEN);
    server.apply();
    // Codes that change once an hour: a second use cannot pass as the next code.
    let code = server.sim.state(|state| {
        let hour = NonZeroU64::new(3600).expect("an hour");
        state.enable_totp_with_step("root@pam", hour);
        state.totp_code("root@pam").expect("a code")
    });
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    server.scratch.set("PROXMOX_VE_USERNAME", "root@pam");
    server.scratch.set("PROXMOX_VE_PASSWORD", "root-pass-1");
    server.scratch.set("PROXMOX_VE_OTP", &code);
    server.main(&TOKEN.replace("first", "second"));
    server.sim.clear_requests();
    says(
        &server.plan(),
        &["API token not refreshed", "PROXMOX_VE_OTP", "demo@pve!ci"],
    );
    assert_eq!(server.sim.requests().len(), 0);
    server.apply();
    assert_eq!(server.requests("POST", "/access/ticket"), 2);
    // The code is used up, and the plan after it needs none.
    server.plan_is_empty();
    // What a plan has to read would take the code away from the apply.
    server.sim.clear_requests();
    let kept = [
        "One-time code reserved for apply",
        "PROXMOX_VE_OTP",
        "login",
    ];
    server.main(&format!(
        r#"{TOKEN}
data "proxmox_connection" "c" {{}}
"#
    ));
    server.plan_fails(&kept);
    let import = r#"import {
  to = proxmox_api_token.other
  id = "demo@pve!other"
}

resource "proxmox_api_token" "other" {
  user_id = "demo@pve"
  token_name = "other"
}
"#;
    server.main(import);
    server.plan_fails(&kept);
    assert_eq!(server.sim.requests().len(), 0);
    server.main(&TOKEN.replace("first", "third"));
    server.apply_fails(&["Unable to update API token", "root@pam", "new code"]);
}

/// From the first credential to a token with fewer privileges that does the rest.
fn a_token_creates_another_in_the_same_apply(cli: &Cli) {
    let server = TestServer::new(cli);
    let configuration = r#"resource "proxmox_api_token" "bootstrap" {
  user_id = "root@pam"
  token_name = "bootstrap"
  privilege_separation = false
}

provider "proxmox" {
  alias = "minted"
  api_token = proxmox_api_token.bootstrap.api_token
}

resource "proxmox_api_token" "t" {
  provider = proxmox.minted
  user_id = "demo@pve"
  token_name = "ci"
  acl = [{ path = "/vms", role = "PVEAuditor" }]
}
"#;
    server.main(configuration);
    says(&server.plan(), &["2 to add"]);
    server.apply();
    let by = |id: &str, request: &proxmox_simulator::Request| {
        let is_by = matches!(&request.identity, Identity::Token(other) if other == id);
        is_by && request.method == "POST"
    };
    let created = server
        .sim
        .count(|request| by("root@pam!bootstrap", request));
    assert_eq!(created, 1);
    server.plan_is_empty();
    // What an ephemeral resource needs has to be known in the plan.
    server.main(&format!(
        r#"{}
ephemeral "proxmox_api_token" "run" {{
  provider = proxmox.minted
  user_id = "demo@pve"
}}
"#,
        configuration.replace("bootstrap\"\n  priv", "another\"\n  priv")
    ));
    let run = server.scratch.run(["plan", "-no-color"]);
    assert!(!run.ok(), "{}", run.text());
    says(
        &run,
        &["Provider not configured yet", "`api_token`", "-target"],
    );
    server.main(configuration);
    server.destroy();
    let left = server.sim.state(|state| {
        state.token("root@pam", "bootstrap").is_some() || state.token("demo@pve", "ci").is_some()
    });
    assert!(!left);
}

fn unknown_provider_values_do_not_fail_a_plan(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let endpoint = server.sim.endpoint();
    server.scratch.set("PROXMOX_VE_ENDPOINT", "");
    server.main(&format!(
        r#"resource "terraform_data" "address" {{
  input = {endpoint:?}
}}

provider "proxmox" {{
  endpoint = terraform_data.address.output
}}
{TOKEN}"#
    ));
    let run = server.plan();
    says(&run, &["2 to add"]);
    server.apply();
    server.plan_is_empty();
    // Known no longer: what is there stays as it is, and what has to be read waits.
    let replaced = "-replace=terraform_data.address";
    let plan = server.scratch.run(["plan", "-no-color", replaced]);
    assert!(plan.ok(), "{}", plan.text());
    let kept = [
        "API token not refreshed",
        "known only after apply",
        "demo@pve!ci",
    ];
    says(&plan, &kept);
    let config = std::fs::read_to_string(server.scratch.file("main.tf")).expect("main.tf");
    for (kind, arguments) in [
        ("proxmox_connection", ""),
        ("proxmox_host", ""),
        (
            "proxmox_permissions",
            r#"user_id = "demo@pve"
  paths = ["/"]"#,
        ),
        ("proxmox_api_token", r#"token_id = "demo@pve!ci""#),
        ("proxmox_api_tokens", ""),
        ("proxmox_token_activity", r#"token_id = "demo@pve!ci""#),
    ] {
        let data = format!(
            r#"data "{kind}" "d" {{
  {arguments}
}}
"#
        );
        server
            .scratch
            .write("main.tf", &format!("{config}{data}"))
            .expect("main.tf");
        let plan = server.scratch.run(["plan", "-no-color", replaced]);
        assert!(!plan.ok(), "{kind} was read");
        says(
            &plan,
            &["Data source cannot be read yet", kind, "depends_on"],
        );
    }
}

fn functions_take_ids_apart_and_put_them_together(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(
        r#"
        output "parts" {
          value = provider::proxmox::parse_token_id("a!b@c@pve!ci")
        }
        output "id" {
          value = provider::proxmox::format_token_id("demo@pve", "ci")
        }
        output "header" {
          value = provider::proxmox::authorization_header("50%@pve!ci", "s")
        }
        "#,
    );
    server.apply();
    let outputs = server.scratch.run(["output", "-json"]);
    let outputs: Value = serde_json::from_str(&outputs.stdout).expect("outputs");
    assert_eq!(outputs["parts"]["value"]["user_id"], "a!b@c@pve");
    assert_eq!(outputs["parts"]["value"]["token_name"], "ci");
    assert_eq!(outputs["id"]["value"], "demo@pve!ci");
    assert_eq!(outputs["header"]["value"], "PVEAPIToken=50%25@pve!ci=s");

    server.main(
        r#"output "id" {
  value = provider::proxmox::format_token_id("demo", "ci")
}
"#,
    );
    let run = server.try_apply();
    assert!(!run.ok());
    says(&run, &["demo", "realm"]);
}

/// Used by other scenarios: the token's life begins with the administrator's credential.
pub fn minted(cli: &Cli) -> TestServer {
    let server = TestServer::new(cli);
    server.main(TOKEN);
    server.apply();
    assert!(server.admin.starts_with(ADMIN));
    server
}
