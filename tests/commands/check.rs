//! `check`: the connection check, its exit statuses, and the sources of its settings.

use proxmox_simulator::{Cluster, Fault, ForwardProxy, RawResponse};
use serde_json::{Value, json};

use crate::shell::{Ended, PASSWORD, Shell, closed};

/// The address space of a check, stacks of threads and libraries included.
const MOST_MEMORY_KB: usize = 400_000;

/// Runs the check twice, with and without `--json`, and asserts that both report the same.
fn checked(shell: &Shell, options: &[&str]) -> (Ended, Value) {
    let for_person = shell.run(&[&["check"], options].concat(), &[]);
    let for_script = shell.run(&[&["check", "--json"], options].concat(), &[]);
    let report: Value = serde_json::from_str(&for_script.stdout).unwrap();
    assert_eq!(for_person.code, for_script.code);
    assert_eq!(for_script.stdout.lines().count(), 1);
    for part in ["status", "message", "remedy"] {
        let part = report[part].as_str().unwrap();
        assert!(for_person.stdout.contains(part), "{for_person:?}");
    }
    assert_eq!(report["ok"], Value::from(for_person.code == 0));
    (for_person, report)
}

#[test]
fn a_healthy_connection_is_ok_and_every_stage_is_listed_with_its_duration() {
    let (ended, report) = checked(&Shell::with_token(), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stderr, "");
    for stage in ["endpoint", "dns", "tcp", "tls", "proxmox", "authentication"] {
        let line = ended.stdout.lines().find(|line| line.starts_with(stage));
        let line = line.unwrap();
        assert!(line.contains(" ok ") && line.ends_with(" ms"), "{line}");
    }
    assert!(ended.stdout.contains("root@pam!admin"), "{ended:?}");
    assert_eq!(report["status"], "ok");
    assert_eq!(report["identity"], "root@pam!admin");
    assert_eq!(report["auth_method"], "api_token");
    assert_eq!(report["release"], "9.2");
    assert_eq!(report["stages"][0]["name"], "endpoint");
    assert!(report["stages"][0]["duration_ms"].is_number());
    assert!(report["latency_ms"].is_number());
}

/// 15 MiB of one element after the other. A tree of values would need a hundred times as much.
fn enormous(open: &str, element: impl Fn(usize) -> String, close: &str) -> String {
    let mut text = format!("{{\"data\":{open}{}", element(0));
    for number in 1.. {
        if text.len() > 15 << 20 {
            break;
        }
        text.push(',');
        text.push_str(&element(number));
    }
    text + close + "}"
}

/// Run with a limit of address space: what goes beyond ends the process with a signal.
#[test]
fn an_enormous_response_does_not_fill_the_memory() {
    let nested = enormous("[", |_| "[]".to_owned(), "]");
    let paths = enormous("{", |number| format!("\"/{number}\":{{}}"), "}");
    for (path, body, expected) in [
        ("/access/domains", &nested, "not_proxmox"),
        ("/nodes", &nested, "server_error"),
        ("/access/permissions", &nested, "ok"),
        ("/access/permissions", &paths, "ok"),
    ] {
        let shell = Shell::with_token();
        let response = RawResponse::json(200, body);
        shell.sim.fault(Fault::response(response).on("GET", path));
        let limited = format!("ulimit -v {MOST_MEMORY_KB}; exec \"$BINARY\" check --json");
        let ended = shell.sh(&limited, &[]);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(report["status"], expected, "{path}: {ended:?}");
    }
}

#[test]
fn privileges_that_are_required_and_held_are_ok() {
    let options = [
        "--require",
        "/vms=VM.Audit,VM.Allocate",
        "--require=/=Sys.Audit",
    ];
    let (ended, report) = checked(&Shell::with_token(), &options);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(report["missing_privileges"], json!({}));
    assert!(
        report["privileges"]["/vms"]
            .as_array()
            .unwrap()
            .contains(&"VM.Audit".into())
    );
}

#[test]
fn settings_that_cannot_be_used_end_with_2_and_nothing_is_connected_to() {
    for (shell, said) in [
        (Shell::new().without("PROXMOX_VE_ENDPOINT"), "--endpoint"),
        (Shell::new(), "PROXMOX_VE_API_TOKEN"),
        (
            Shell::new().with("PROXMOX_VE_USERNAME", "demo@pve"),
            "Incomplete credential",
        ),
        (
            Shell::with_token().with("PROXMOX_VE_PASSWORD", PASSWORD),
            "More than one credential",
        ),
        (
            Shell::new().with("PROXMOX_VE_API_TOKEN", PASSWORD),
            "Invalid credential",
        ),
        (
            Shell::with_token().with("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "AA:BB"),
            "Invalid fingerprint",
        ),
        (
            Shell::with_token().with("PROXMOX_VE_REQUEST_TIMEOUT", "soon"),
            "Invalid duration",
        ),
        (
            Shell::with_token().with("PROXMOX_VE_MIN_TLS", "1.1"),
            "Unsupported TLS version",
        ),
        (
            Shell::with_token().with("PROXMOX_VE_PROXY_URL", "ftp://proxy"),
            "Invalid proxy",
        ),
        (
            Shell::with_token().with("PROXMOX_VE_HTTP_HEADERS", "Cookie: x"),
            "Invalid header",
        ),
        (
            Shell::with_token().with("PROXMOX_VE_MAX_RETRIES", "often"),
            "Invalid number",
        ),
        (
            Shell::with_token().with("PROXMOX_VE_INSECURE", "perhaps"),
            "Invalid boolean value",
        ),
    ] {
        let ended = shell.run(&["check", "--json"], &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
        assert_eq!(shell.sim.requests().len(), 0);
    }
}

#[test]
fn further_nodes_are_asked_when_the_first_cannot_be_and_the_one_that_answered_is_named() {
    let shell = Shell::with_token();
    let (dead, alive) = (format!("https://{}", closed()), shell.sim.endpoint());
    let by_option = ["--endpoint", &dead, "--endpoint", &alive];
    let (ended, report) = checked(&shell, &by_option);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("trying the next one") && ended.stderr.contains(&dead));
    let message = report["message"].as_str().unwrap();
    assert!(message.starts_with(&alive), "{message}");

    let nodes = format!("{dead},{alive}");
    let shell = shell
        .without("PROXMOX_VE_ENDPOINT")
        .with("PROXMOX_VE_ENDPOINTS", &nodes);
    assert_eq!(checked(&shell, &[]).0.code, 0);
    let (ended, report) = checked(&shell, &["--endpoint", &dead]);
    assert_eq!(
        (ended.code, &report["status"]),
        (3, &json!("connection_refused"))
    );
}

#[test]
fn a_name_for_the_certificate_and_a_version_of_tls_can_be_options() {
    let shell = Shell::with_token();
    let authority = shell.sim.ca_pem().to_owned();
    let shell = shell
        .without("PROXMOX_VE_CERTIFICATE_FINGERPRINTS")
        .with("PROXMOX_VE_CA_CERTIFICATE", &authority);
    let named = ["--tls-server-name", "pve1", "--min-tls-version", "1.3"];
    assert_eq!(checked(&shell, &named).0.code, 0);
    let (ended, report) = checked(&shell, &["--tls-server-name", "pve2"]);
    assert_eq!(
        (ended.code, &report["status"]),
        (4, &json!("tls_name_mismatch"))
    );
    let ended = shell.run(&["check", "--min-tls-version", "1.1"], &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--min-tls-version"), "{ended:?}");
}

#[test]
fn a_proxy_in_the_environment_leads_to_the_host() {
    let shell = Shell::with_token().with("PROXMOX_VE_ENDPOINT", "pve1.example.invalid");
    let proxy = ForwardProxy::to(shell.sim.address()).unwrap();
    let shell = shell.with("HTTPS_PROXY", &format!("http://{}", proxy.address()));
    assert_eq!(checked(&shell, &[]).0.code, 0);
    let shell = shell.with("HTTPS_PROXY", &format!("http://{}", closed()));
    let (ended, report) = checked(&shell, &[]);
    assert_eq!(
        (ended.code, &report["status"]),
        (3, &json!("connection_refused"))
    );
    assert!(ended.stdout.contains("the proxy 127.0.0.1:"), "{ended:?}");
}

#[test]
fn what_is_open_to_anybody_or_nearly_right_is_pointed_out() {
    let shell = Shell::with_token()
        .without("PROXMOX_VE_CERTIFICATE_FINGERPRINTS")
        .with("PROXMOX_VE_INSECURE", "true")
        .with("PROXMOX_VE_CA_CERTIFICAT", "x");
    let ended = shell.run(&["check"], &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for said in [
        "TLS certificate verification disabled",
        "Did you mean PROXMOX_VE_CA_CERTIFICATE?",
    ] {
        assert_eq!(ended.stderr.matches(said).count(), 1, "{ended:?}");
    }
}

#[test]
fn an_address_that_is_none_is_reported_with_where_it_came_from() {
    let (ended, report) = checked(&Shell::with_token(), &["--endpoint", "http://pve1"]);
    assert_eq!(
        (ended.code, &report["status"]),
        (2, &"invalid_endpoint".into())
    );
    assert!(report["message"].as_str().unwrap().contains("--endpoint"));
    let shell = Shell::with_token().with(
        "PROXMOX_VE_ENDPOINT",
        "https://root:correct horse battery@pve1",
    );
    let (ended, report) = checked(&shell, &[]);
    assert_eq!(
        (ended.code, &report["status"]),
        (2, &"invalid_endpoint".into())
    );
    assert!(
        report["message"]
            .as_str()
            .unwrap()
            .contains("PROXMOX_VE_ENDPOINT")
    );
}

#[test]
fn a_host_that_cannot_be_reached_ends_with_3() {
    let (ended, report) = checked(&Shell::with_token(), &["--endpoint", &closed().to_string()]);
    assert_eq!(
        (ended.code, &report["status"]),
        (3, &"connection_refused".into())
    );
    assert!(
        ended
            .stdout
            .lines()
            .any(|line| line.starts_with("tcp") && line.contains("failed"))
    );
}

#[test]
fn a_certificate_that_is_not_trusted_ends_with_4() {
    let unpinned = Shell::with_token().without("PROXMOX_VE_CERTIFICATE_FINGERPRINTS");
    let (ended, report) = checked(&unpinned, &[]);
    assert_eq!(
        (ended.code, &report["status"]),
        (4, &"tls_untrusted".into())
    );
    let other = ["--fingerprint", &["00"; 32].join(":")];
    let (ended, report) = checked(&unpinned, &other);
    assert_eq!(
        (ended.code, &report["status"]),
        (4, &"tls_fingerprint_mismatch".into())
    );
}

#[test]
fn something_that_is_not_proxmox_ve_ends_with_5() {
    let shell = Shell::with_token();
    shell.sim.fault(Fault::response(RawResponse {
        status: 200,
        reason: "OK".to_owned(),
        headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
        body: b"<html>It works!</html>".to_vec(),
    }));
    let (ended, report) = checked(&shell, &[]);
    assert_eq!((ended.code, &report["status"]), (5, &"not_proxmox".into()));
}

#[test]
fn credentials_that_are_not_accepted_end_with_6() {
    let wrong = "root@pam!admin=00000000-0000-0000-0000-000000000000";
    let (ended, report) = checked(
        &Shell::with_token().with("PROXMOX_VE_API_TOKEN", wrong),
        &[],
    );
    assert_eq!(
        (ended.code, &report["status"]),
        (6, &"unauthenticated".into())
    );
    let shell = Shell::new()
        .with("PROXMOX_VE_USERNAME", "demo@pve")
        .with("PROXMOX_VE_PASSWORD", PASSWORD)
        .state(|state| drop(state.enable_totp("demo@pve")));
    let (ended, report) = checked(&shell, &[]);
    assert_eq!(
        (ended.code, &report["status"]),
        (6, &"second_factor_required".into())
    );
}

#[test]
fn a_one_time_code_in_the_environment_answers_the_second_factor() {
    let shell = Shell::new()
        .with("PROXMOX_VE_USERNAME", "demo@pve")
        .with("PROXMOX_VE_PASSWORD", PASSWORD)
        .state(|state| drop(state.enable_totp("demo@pve")));
    let code = shell
        .sim
        .state(|state| state.totp_code("demo@pve"))
        .unwrap();
    let ended = shell.with("PROXMOX_VE_OTP", &code).run(&["check"], &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn privileges_that_are_missing_end_with_7() {
    let mut shell = Shell::new();
    let secret = shell.token("demo@pve!ci");
    let shell = shell.with("PROXMOX_VE_API_TOKEN", &format!("demo@pve!ci={secret}"));
    let (ended, report) = checked(&shell, &["--require", "/vms=VM.Allocate"]);
    assert_eq!(
        (ended.code, &report["status"]),
        (7, &"missing_privileges".into())
    );
    assert_eq!(
        report["missing_privileges"],
        json!({"/vms": ["VM.Allocate"]})
    );
}

#[test]
fn a_cluster_without_a_majority_ends_with_8() {
    let shell = Shell::with_token().state(|state| {
        state.add_node("pve2", false);
        state.cluster = Some(Cluster {
            name: "lab".to_owned(),
            quorate: false,
        });
    });
    let (ended, report) = checked(&shell, &[]);
    assert_eq!((ended.code, &report["status"]), (8, &"no_quorum".into()));
    assert_eq!(report["cluster_name"], "lab");
}

/// Without `Sys.Audit` on `/`, that nodes are offline proves nothing about quorum.
#[test]
fn a_cluster_with_nodes_offline_ends_with_0() {
    let two_nodes = |state: &mut proxmox_simulator::State| {
        state.add_node("pve2", false);
        let name = "lab".to_owned();
        let quorate = true;
        state.cluster = Some(Cluster { name, quorate });
    };
    let (ended, report) = checked(&Shell::with_token().state(two_nodes), &[]);
    assert_eq!((ended.code, &report["ok"]), (0, &true.into()));
    assert_eq!(report["status"], "cluster_degraded");
    let mut shell = Shell::new().state(two_nodes);
    let secret = shell.token("demo@pve!ci");
    let shell = shell.with("PROXMOX_VE_API_TOKEN", &format!("demo@pve!ci={secret}"));
    let (ended, report) = checked(&shell, &[]);
    assert_eq!((ended.code, &report["quorate"]), (0, &Value::Null));
    let message = report["message"].as_str().unwrap_or_default();
    assert!(message.contains("may be cut off"), "{message}");
}

#[test]
fn options_win_over_the_environment() {
    let shell = Shell::with_token()
        .with("PROXMOX_VE_ENDPOINT", &closed().to_string())
        .with("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", &["00"; 32].join(":"));
    let fingerprint = shell.sim.certificate_fingerprint().to_owned();
    let here = [
        "--endpoint",
        &shell.sim.endpoint(),
        "--fingerprint",
        &fingerprint,
    ];
    assert_eq!(checked(&shell, &here).0.code, 0);
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, shell.sim.ca_pem()).unwrap();
    let authority = format!("--ca-certificate={}", authority.display());
    assert_eq!(
        checked(&shell, &["--endpoint", &shell.sim.endpoint(), &authority])
            .0
            .code,
        0
    );
}

#[test]
fn the_secret_of_whoever_an_option_names_is_read_from_standard_input() {
    let mut shell = Shell::with_token();
    let secret = shell.token("demo@pve!ci");
    for (options, response, identity) in [
        (&["--username", "demo@pve"][..], PASSWORD, "demo@pve"),
        (&["--api-token-id", "demo@pve!ci"], &secret, "demo@pve!ci"),
        (
            &["--api-token-id", "ci", "--username", "demo@pve"],
            &secret,
            "demo@pve!ci",
        ),
    ] {
        let ended = shell.run(&[&["check", "--json"], options].concat(), &[response]);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(
            (ended.code, &report["identity"]),
            (0, &identity.into()),
            "{ended:?}"
        );
    }
}

#[test]
fn the_secret_of_whoever_an_option_names_is_taken_from_the_environment() {
    let mut shell = Shell::new();
    let secret = shell.token("demo@pve!ci");
    let shell = shell
        .with("PROXMOX_VE_USERNAME", "demo@pve")
        .with("PROXMOX_VE_PASSWORD", PASSWORD)
        .with("PROXMOX_VE_API_TOKEN_SECRET", &secret);
    for (options, identity) in [
        (["--username", "demo@pve"], "demo@pve"),
        (["--api-token-id", "ci"], "demo@pve!ci"),
    ] {
        let (ended, report) = checked(&shell, &options);
        assert_eq!(
            (ended.code, &report["identity"]),
            (0, &identity.into()),
            "{ended:?}"
        );
    }
}

#[test]
fn a_secret_that_nobody_gives_ends_with_2_and_the_variable_is_named() {
    let shell = Shell::new();
    for (options, variable) in [
        (["--username", "demo@pve"], "PROXMOX_VE_PASSWORD"),
        (
            ["--api-token-id", "demo@pve!ci"],
            "PROXMOX_VE_API_TOKEN_SECRET",
        ),
    ] {
        let ended = shell.run(&[&["check"], &options[..]].concat(), &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
        assert!(ended.stderr.contains(variable), "{ended:?}");
    }
}

#[test]
fn a_secret_among_the_arguments_is_refused_and_not_repeated() {
    let shell = Shell::with_token();
    for (arguments, said) in [
        (&["--password", PASSWORD][..], "PROXMOX_VE_PASSWORD"),
        (
            &["--api-token=correct horse battery"],
            "PROXMOX_VE_API_TOKEN",
        ),
        (
            &["--api-token-id", "demo@pve!ci=correct horse battery"],
            "the secret does not belong",
        ),
        (&[PASSWORD], "--help"),
    ] {
        let ended = shell.run(&[&["check"], arguments].concat(), &["answer"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
    assert_eq!(shell.sim.requests().len(), 0);
}

#[test]
fn help_lists_every_option_and_every_exit_status() {
    let ended = Shell::new().run(&["check", "--help"], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for option in [
        "--endpoint",
        "--username",
        "--api-token-id",
        "--ca-certificate",
        "--fingerprint",
        "--require",
        "--json",
    ] {
        assert!(ended.stdout.contains(option), "{option}");
    }
    for status in 0..=8 {
        let line = format!("\n  {status}  ");
        assert!(ended.stdout.contains(&line), "{status}");
    }
}
