//! `login`: its prompts, the second factor, and the lines for the shell.

use std::num::NonZeroU64;

use proxmox_simulator::{Fault, RawResponse};
use serde_json::json;

use crate::shell::{Ended, PASSWORD, Shell, closed};

/// Logs in by the shell's `eval`, then checks the connection with what was exported.
const EVALUATED: &str = r#"eval "$("$BINARY" login)" && "$BINARY" check"#;

/// How often the server was asked for a ticket.
fn logins(shell: &Shell) -> usize {
    shell
        .sim
        .count(|request| request.method == "POST" && request.path == "/access/ticket")
}

/// Asserts that a login failed with this status and these words, and printed what makes a shell
/// fail that evaluates it.
fn refused(ended: &Ended, code: i32, words: &[&str]) {
    let printed = (ended.code, ended.stdout.as_str());
    assert_eq!(printed, (code, "false\n"), "{ended:?}");
    for word in words {
        assert!(
            ended.stderr.contains(word),
            "nothing says {word:?}: {ended:?}"
        );
    }
}

/// Lets the server answer a login with this.
fn login_answers(body: &serde_json::Value) -> Fault {
    let response = RawResponse {
        status: 200,
        reason: "OK".to_owned(),
        headers: vec![(
            "Content-Type".to_owned(),
            "application/json;charset=UTF-8".to_owned(),
        )],
        body: body.to_string().into_bytes(),
    };
    Fault::response(response).on("POST", "/access/ticket")
}

/// A user whose codes change once an hour, so that none runs out during a test.
fn with_codes(shell: Shell) -> Shell {
    let hour = NonZeroU64::new(3600).unwrap();
    shell.state(|state| drop(state.enable_totp_with_step("demo@pve", hour)))
}

fn code(shell: &Shell) -> String {
    shell
        .sim
        .state(|state| state.totp_code("demo@pve"))
        .unwrap()
}

#[test]
fn what_is_missing_is_read_in_order_and_the_ticket_is_printed_as_export_lines() {
    let shell = Shell::new().without("PROXMOX_VE_ENDPOINT");
    let endpoint = shell.sim.endpoint();
    let ended = shell.run(&["login"], &[&endpoint, "demo@pve", PASSWORD]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let [address, ticket, csrf] = lines[..] else {
        panic!("{ended:?}")
    };
    assert_eq!(address, format!("export PROXMOX_VE_ENDPOINT='{endpoint}'"));
    assert!(ticket.starts_with("export PROXMOX_VE_AUTH_TICKET='PVE:demo@pve:"));
    assert!(csrf.starts_with("export PROXMOX_VE_CSRF_PREVENTION_TOKEN='"));
    assert!(ended.stderr.contains("Logged in as demo@pve"), "{ended:?}");
    let ticket = ticket.split('\'').nth(1).unwrap();
    assert!(!ended.stderr.contains(ticket));
}

#[test]
fn a_shell_that_evaluates_the_lines_is_connected_by_the_ticket() {
    let shell = Shell::new().with("PROXMOX_VE_USERNAME", "demo@pve");
    let ended = shell.sh(EVALUATED, &[PASSWORD]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("accepts demo@pve"), "{ended:?}");
    assert_eq!(logins(&shell), 1);
}

#[test]
fn a_name_with_a_quote_in_it_does_not_break_out_of_the_lines() {
    let shell = Shell::new()
        .state(|state| state.add_user("o'hara$(false)@pve", PASSWORD))
        .with("PROXMOX_VE_USERNAME", "o'hara$(false)@pve");
    let ended = shell.sh(EVALUATED, &[PASSWORD]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("o'hara$(false)@pve"), "{ended:?}");
}

#[test]
fn options_say_where_and_who_and_how_the_host_is_trusted_afterwards() {
    let shell = Shell::new();
    let (endpoint, fingerprint) = (
        shell.sim.endpoint(),
        shell.sim.certificate_fingerprint().to_owned(),
    );
    let shell = shell
        .without("PROXMOX_VE_ENDPOINT")
        .without("PROXMOX_VE_CERTIFICATE_FINGERPRINTS");
    let line = format!(
        r#"eval "$("$BINARY" login --endpoint {endpoint} --username demo@pve --fingerprint {fingerprint})" && "$BINARY" check"#
    );
    let ended = shell.sh(&line, &[PASSWORD]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn further_nodes_are_handed_on_to_the_provider() {
    let shell = Shell::new();
    let (dead, alive) = (format!("https://{}", closed()), shell.sim.endpoint());
    let shell = shell.without("PROXMOX_VE_ENDPOINT");
    let line = format!(
        r#"eval "$("$BINARY" login --endpoint {dead} --endpoint {alive} --username demo@pve)" && "$BINARY" check && echo "$PROXMOX_VE_ENDPOINTS""#
    );
    let ended = shell.sh(&line, &[PASSWORD]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stdout.lines().last(), Some(alive.as_str()));
}

#[test]
fn a_code_is_asked_for_where_the_account_has_one() {
    let shell = with_codes(Shell::new()).with("PROXMOX_VE_USERNAME", "demo@pve");
    let ended = shell.sh(EVALUATED, &[PASSWORD, &code(&shell)]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_recovery_key_will_do_as_well() {
    let keys = ["20a8-d210-1d9d-abfd", "1111-2222-3333-4444"];
    let shell = Shell::new()
        .state(|state| state.enable_recovery("demo@pve", &keys.map(str::to_owned)))
        .with("PROXMOX_VE_USERNAME", "demo@pve");
    let ended = shell.sh(EVALUATED, &[PASSWORD, keys[0]]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let again = shell.run(&["login"], &[PASSWORD, keys[0]]);
    assert_eq!(again.code, 6, "{again:?}");
}

#[test]
fn with_password_and_seed_in_the_environment_nothing_is_asked() {
    let shell = Shell::new();
    let seed = shell.sim.state(|state| state.enable_totp("demo@pve"));
    let shell = shell
        .with("PROXMOX_VE_USERNAME", "demo@pve")
        .with("PROXMOX_VE_PASSWORD", PASSWORD)
        .with("PROXMOX_VE_TOTP_SECRET", &seed);
    // With the ticket beside it, the provider would refuse to choose.
    let ended = shell.sh(EVALUATED, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("accepts demo@pve"), "{ended:?}");
    assert!(!ended.stderr.contains(&seed));
}

#[test]
fn other_shells_get_lines_of_their_own() {
    let shell = Shell::new().with("PROXMOX_VE_USERNAME", "demo@pve");
    for (name, begin, failed) in [
        ("bash", "export PROXMOX_VE_ENDPOINT='https://", "false\n"),
        ("zsh", "export PROXMOX_VE_ENDPOINT='https://", "false\n"),
        ("fish", "set -gx PROXMOX_VE_ENDPOINT 'https://", "false\n"),
        (
            "powershell",
            "$env:PROXMOX_VE_ENDPOINT = 'https://",
            "throw 'The login failed.'\n",
        ),
    ] {
        let ended = shell.run(&["login", "--shell", name], &[PASSWORD]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stdout.starts_with(begin), "{ended:?}");
        let ended = shell.run(&["login", "--shell", name], &["wrong"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (6, failed));
    }
    let ended = shell.run(&["login", "--shell", "csh"], &[PASSWORD]);
    refused(&ended, 2, &["--shell", "bash, zsh, fish, powershell"]);
}

/// The exit status of the command is lost in `eval`.
#[test]
fn a_shell_that_evaluates_a_failed_login_fails() {
    let shell = Shell::new().with("PROXMOX_VE_USERNAME", "demo@pve");
    let ended = shell.sh(r#"eval "$("$BINARY" login)" && echo reached"#, &["wrong"]);
    assert_ne!(ended.code, 0, "{ended:?}");
    let ended = shell.sh(
        r#"set -e; eval "$("$BINARY" login)"; echo reached"#,
        &["wrong"],
    );
    assert_ne!(ended.code, 0, "{ended:?}");
    assert!(!ended.stdout.contains("reached"), "{ended:?}");
}

#[test]
fn a_ticket_that_a_shell_would_run_is_refused() {
    let shell = Shell::new().with("PROXMOX_VE_USERNAME", "demo@pve");
    for ticket in [
        r"PVE:demo@pve:6B0482D5::x\'; touch pwned; '",
        "PVE:demo@pve:6B0482D5::x\u{1b}[2J",
        "PVE:demo@pve:6B0482D5::x\ntouch pwned",
    ] {
        let body = json!({"data": {"ticket": ticket, "CSRFPreventionToken": "6B0482D5:x"}});
        shell.sim.fault(login_answers(&body).times(1));
        let ended = shell.run(&["login"], &[PASSWORD]);
        refused(&ended, ended.code, &["cannot be read", "characters"]);
        assert_ne!(ended.code, 0);
        assert!(!ended.stderr.contains("pwned"), "{ended:?}");
    }
}

#[test]
fn a_password_of_another_user_is_not_sent() {
    let shell = Shell::new()
        .state(|state| state.add_user("other@pve", "other-pass-1"))
        .with("PROXMOX_VE_USERNAME", "other@pve")
        .with("PROXMOX_VE_PASSWORD", "other-pass-1");
    let ended = shell.run(&["login", "--username", "demo@pve"], &[PASSWORD]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn an_old_ticket_in_the_environment_does_not_keep_one_from_logging_in_again() {
    let shell = Shell::new()
        .with("PROXMOX_VE_USERNAME", "demo@pve")
        .with("PROXMOX_VE_AUTH_TICKET", "PVE:demo@pve:00000000::old")
        .with("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "00000000:old");
    let stale = shell.run(&["check"], &[]);
    assert_eq!(stale.code, 6, "{stale:?}");
    assert!(stale.stdout.contains("PROXMOX_VE_AUTH_TICKET"), "{stale:?}");
    let ended = shell.sh(EVALUATED, &[PASSWORD]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_wrong_password_ends_with_6_and_is_not_sent_again() {
    let shell = Shell::new().with("PROXMOX_VE_USERNAME", "demo@pve");
    let ended = shell.run(&["login"], &["another password"]);
    refused(&ended, 6, &["demo@pve", "password"]);
    assert!(!ended.stderr.contains("another password"));
    assert_eq!(logins(&shell), 1);
}

#[test]
fn a_wrong_code_ends_with_6_and_is_not_sent_again() {
    let shell = with_codes(Shell::new()).with("PROXMOX_VE_USERNAME", "demo@pve");
    let wrong = if code(&shell) == "111111" {
        "222222"
    } else {
        "111111"
    };
    let ended = shell.run(&["login"], &[PASSWORD, wrong, &code(&shell)]);
    refused(&ended, 6, &["demo@pve", "next code"]);
    assert!(!ended.stderr.contains(wrong));
    // The challenge before the code was asked for, the one that it answers, and the response.
    assert_eq!(logins(&shell), 3);
}

#[test]
fn an_account_whose_factors_cannot_be_typed_is_told_to_use_a_token() {
    let shell = Shell::new().with("PROXMOX_VE_USERNAME", "demo@pve");
    let challenge = json!({"data": {
        "username": "demo@pve",
        "NeedTFA": 1,
        "ticket": r#"PVE:!tfa!{"webauthn"%3A{"publicKey"%3A{}}}:6B04830B::x"#,
        "CSRFPreventionToken": "6B04830B:x",
    }});
    shell.sim.fault(login_answers(&challenge));
    let ended = shell.run(&["login"], &[PASSWORD]);
    refused(&ended, 6, &["webauthn", "PROXMOX_VE_API_TOKEN"]);
}

#[test]
fn answers_that_are_missing_end_with_2_and_say_how_else_they_can_be_given() {
    let shell = Shell::new().without("PROXMOX_VE_ENDPOINT");
    let endpoint = shell.sim.endpoint();
    refused(&shell.run(&["login"], &[]), 2, &["PROXMOX_VE_ENDPOINT"]);
    let ended = shell.run(&["login"], &[&endpoint]);
    refused(&ended, 2, &["PROXMOX_VE_USERNAME"]);
    let ended = shell.run(&["login"], &[&endpoint, "demo@pve"]);
    refused(&ended, 2, &["PROXMOX_VE_PASSWORD"]);
    assert_eq!(shell.sim.requests().len(), 0);
    let shell = with_codes(shell);
    let ended = shell.run(&["login"], &[&endpoint, "demo@pve", PASSWORD]);
    refused(&ended, 2, &["One-time code", "PROXMOX_VE_TOTP_SECRET"]);
}

#[test]
fn answers_that_cannot_be_used_end_with_2() {
    let shell = Shell::new();
    let ended = shell.run(&["login"], &["demo", PASSWORD]);
    refused(&ended, 2, &["Invalid credential", "realm"]);
    let shell = shell.without("PROXMOX_VE_ENDPOINT");
    let ended = shell.run(&["login"], &["http://pve1"]);
    refused(&ended, 2, &["Invalid address", "https"]);
}

#[test]
fn a_host_that_is_not_trusted_gets_no_password() {
    let shell = Shell::new()
        .without("PROXMOX_VE_CERTIFICATE_FINGERPRINTS")
        .with("PROXMOX_VE_USERNAME", "demo@pve");
    let ended = shell.run(&["login"], &[PASSWORD]);
    refused(&ended, 4, &["--fingerprint"]);
    assert_eq!(shell.sim.requests().len(), 0);
}

#[test]
fn a_secret_among_the_arguments_is_refused() {
    let shell = Shell::new();
    let ended = shell.run(&["login", "--password", PASSWORD], &[]);
    refused(
        &ended,
        2,
        &["PROXMOX_VE_PASSWORD", "arguments of a process"],
    );
    let ended = shell.run(&["login", "--api-token-id", "demo@pve!ci"], &[]);
    refused(&ended, 2, &["Unknown option --api-token-id"]);
}

#[test]
fn help_says_how_to_evaluate_it() {
    let ended = Shell::new().run(&["login", "--help"], &[]);
    assert_eq!(ended.code, 0);
    for part in [r#"eval "$("#, "--endpoint", "--username", "standard input"] {
        assert!(ended.stdout.contains(part), "{part}");
    }
}
