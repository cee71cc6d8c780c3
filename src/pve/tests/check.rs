//! The connection check against hosts in every condition.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_simulator::closed_port;
use serde_json::{Value, json};

use crate::pve::api::nodes::Quorum;
use crate::pve::auth::credentials::Credentials;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::diagnosis::{
    Cause, MissingPrivileges, Report, Requirements, RoleFor, Stage, Status, check,
};
use crate::pve::secret::Secret;
use crate::pve::settings::Settings;
use crate::pve::tests::login::login_made_before;
use crate::pve::tests::script::{Host, Reaction, Received, data, replay, token};
use crate::pve::tls::certificate::Fingerprint;
use crate::pve::tls::policy::TlsPolicy;

/// A host that is well, but for the requests that `odd` answers.
async fn host(odd: impl Fn(&Received) -> Option<Reaction> + Send + Sync + 'static) -> Host {
    Host::new(move |received| odd(received).unwrap_or_else(|| healthy(received))).await
}

fn healthy(received: &Received) -> Reaction {
    let (path, _) = received
        .line
        .split_once('?')
        .unwrap_or((&received.line, ""));
    match path.trim_start_matches("GET /api2/json") {
        "/access/domains" => replay("9.1.1/188-use-domains-noauth", 0),
        "/version" => replay("9.1.1/136-token-update-regenerate", 1),
        "/nodes" => replay("9.1.1/178-use-nodes-unprivileged", 0),
        "/cluster/status" => replay("9.1.1/181-use-cluster-status-auditor", 0),
        "/access/roles" => data(&json!([
            {"roleid": "Administrator", "privs": "Sys.Audit,VM.Allocate,VM.Audit", "special": 1},
            {"roleid": "PVEVMAdmin", "privs": "VM.Allocate,VM.Audit", "special": 1},
        ])),
        "/access/permissions" => data(&json!({"/": {"Sys.Audit": 0}, "/vms": {"VM.Audit": 1}})),
        other => panic!("not asked by a check: {other}"),
    }
}

fn answer(
    path: &'static str,
    content: Value,
) -> impl Fn(&Received) -> Option<Reaction> + Send + Sync {
    move |received| received.line.ends_with(path).then(|| data(&content))
}

fn need(path: &str, privileges: &[&str]) -> Requirements {
    let privileges: BTreeSet<String> = privileges.iter().map(|name| (*name).to_owned()).collect();
    Requirements {
        privileges: BTreeMap::from([(path.to_owned(), privileges)]),
    }
}

async fn run(host: &Host, requirements: &Requirements) -> Report {
    check(&host.client(), None, requirements, &Context::default()).await
}

/// The words of the failed request.
fn message(report: &Report) -> String {
    match &report.cause {
        Some(Cause::Request(error)) => error.to_string(),
        Some(Cause::Rejected(rejected)) => rejected.error.to_string(),
        other => panic!("no failed request: {other:?}"),
    }
}

fn missing(report: &Report) -> &MissingPrivileges {
    match &report.cause {
        Some(Cause::MissingPrivileges(missing)) => missing,
        other => panic!("no missing privileges: {other:?}"),
    }
}

#[tokio::test]
async fn a_healthy_host_is_asked_five_things_over_one_connection() {
    let host = host(|_| None).await;
    let report = run(&host, &need("/vms/", &["VM.Audit"])).await;
    assert_eq!(
        (report.status(), report.stage, &report.cause),
        (Status::Ok, Stage::Cluster, &None)
    );
    assert_eq!(
        report
            .stages
            .iter()
            .map(|stage| stage.name)
            .collect::<Vec<_>>(),
        Stage::ALL
    );
    assert!(report.stages.iter().all(|stage| stage.ok));
    assert_eq!(report.version.unwrap().version, "9.2.11");
    assert_eq!(report.identity.as_deref(), Some("root@pam!admin"));
    assert_eq!(report.auth_method, "api_token");
    assert_eq!(report.certificate_fingerprint, Some(host.fingerprint));
    assert_eq!(report.privileges["/vms/"], ["VM.Audit"]);
    assert_eq!(report.nodes[0].address.as_deref(), Some("192.0.2.2"));
    assert!(report.latency.is_some());
    assert_eq!(
        host.lines(),
        [
            "GET /api2/json/access/domains",
            "GET /api2/json/version",
            "GET /api2/json/access/permissions?path=%2Fvms",
            "GET /api2/json/nodes",
            "GET /api2/json/cluster/status",
        ]
    );
    assert_eq!(host.connections(), 1);
}

#[tokio::test]
async fn facts_that_may_not_be_read_stay_unknown() {
    let host = host(|received| {
        let forbidden = received.line.ends_with("/cluster/status");
        forbidden.then(|| replay("9.1.1/180-use-cluster-status-unprivileged", 0))
    })
    .await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(
        (report.status(), report.cluster_name, report.quorate),
        (Status::Ok, None, None)
    );
    assert_eq!(report.nodes[0].name, "pve1");
}

#[tokio::test]
async fn without_credentials_only_the_host_itself_is_checked() {
    let host = host(|_| None).await;
    let client = CachedClient::new(host.settings(Credentials::None));
    let report = check(&client, None, &Requirements::default(), &Context::default()).await;
    assert_eq!(
        (report.status(), report.stage, report.auth_method),
        (Status::Ok, Stage::Proxmox, "none")
    );
    assert_eq!(host.lines(), ["GET /api2/json/access/domains"]);
}

#[tokio::test]
async fn a_host_where_nothing_listens_fails_at_the_connection() {
    let free = closed_port().unwrap();
    let client = CachedClient::new(Settings::new(
        free.to_string().parse().unwrap(),
        Credentials::None,
    ));
    let report = check(&client, None, &Requirements::default(), &Context::default()).await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::ConnectionRefused, Stage::Tcp)
    );
    let stages: Vec<_> = report
        .stages
        .iter()
        .map(|stage| (stage.name.as_str(), stage.ok))
        .collect();
    assert_eq!(stages, [("endpoint", true), ("dns", true), ("tcp", false)]);
}

#[tokio::test]
async fn an_untrusted_certificate_is_reported() {
    let host = host(|_| None).await;
    let mut settings = host.settings(token("root@pam!admin=s"));
    settings.tls = TlsPolicy::default();
    let report = check(
        &CachedClient::new(settings),
        None,
        &Requirements::default(),
        &Context::default(),
    )
    .await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::TlsUntrusted, Stage::Tls)
    );
    assert_eq!(report.certificate_fingerprint, Some(host.fingerprint));
    assert!(host.lines().is_empty());
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_a_mismatch() {
    let host = host(|_| None).await;
    let mut settings = host.settings(token("root@pam!admin=s"));
    settings.tls.fingerprints = vec![Fingerprint::of(b"another")];
    let report = check(
        &CachedClient::new(settings),
        None,
        &Requirements::default(),
        &Context::default(),
    )
    .await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::TlsFingerprintMismatch, Stage::Tls)
    );
    assert_eq!(report.certificate_fingerprint, Some(host.fingerprint));
}

#[tokio::test]
async fn something_else_that_answers_is_not_proxmox() {
    let host = host(|_| {
        Some(Reaction::Answer(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ))
    })
    .await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::NotProxmox, Stage::Proxmox)
    );
    assert_eq!(report.stages.len(), 5);
}

#[tokio::test]
async fn a_stranger_is_asked_what_it_calls_itself_and_shown_no_credentials() {
    let host = host(|received| match received.line.as_str() {
        "GET /" => Some(Reaction::Answer(
            b"HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n<title>mx - Proxmox Mail Gateway</title>\r\n"
                .to_vec(),
        )),
        _ => Some(replay("9.1.1/189-use-version-noauth", 0)),
    })
    .await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(report.status(), Status::NotProxmox);
    assert!(
        message(&report).contains("\"mx - Proxmox Mail Gateway\""),
        "{}",
        message(&report)
    );
    assert_eq!(host.lines(), ["GET /api2/json/access/domains", "GET /"]);
    let bare = |received: &Received| received.header("authorization").is_none();
    assert!(host.received().iter().all(bare));
}

#[tokio::test]
async fn a_realm_of_another_product_gives_it_away() {
    let host = host(answer(
        "/access/domains",
        json!([{"realm": "pam", "type": "pam"}, {"realm": "pbs", "type": "pbs"}]),
    ))
    .await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(report.status(), Status::NotProxmox);
    assert!(
        message(&report).contains("Proxmox Backup Server responded"),
        "{}",
        message(&report)
    );
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_with_a_refused_ticket() {
    let host = host(|received| {
        received.line.ends_with("/version").then(|| {
            Reaction::Answer(
                b"HTTP/1.1 401 permission denied - invalid PVE ticket\r\nDate: Sun, 01 Nov 2026 \
                  00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"
                    .to_vec(),
            )
        })
    })
    .await;
    let client = CachedClient::new(host.settings(login_made_before(60)));
    let report = check(&client, None, &Requirements::default(), &Context::default()).await;
    assert!(
        message(&report).contains("seconds behind this machine's"),
        "{}",
        message(&report)
    );
}

#[tokio::test]
async fn refused_credentials_fail_at_authentication() {
    let host = host(|received| {
        let refused = received.line.ends_with("/version");
        refused.then(|| replay("8.2.2-http5.1.2/018-bad-token-auth", 0))
    })
    .await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::Unauthenticated, Stage::Authentication)
    );
    assert!(
        message(&report).contains("root@pam!admin"),
        "{}",
        message(&report)
    );
}

#[tokio::test]
async fn a_realm_that_the_host_does_not_have_is_named() {
    let host = host(|received| {
        let login = received.line.starts_with("POST");
        login.then(|| replay("9.1.1/225-ticket-wrong-password", 0))
    })
    .await;
    let lost = Credentials::Password {
        user: "demo@ldap".parse().unwrap(),
        password: Secret::new("x"),
        totp: None,
        otp: None,
    };
    let report = check(
        &CachedClient::new(host.settings(lost)),
        None,
        &Requirements::default(),
        &Context::default(),
    )
    .await;
    assert_eq!(report.status(), Status::Unauthenticated);
    let Some(Cause::Rejected(rejected)) = &report.cause else {
        panic!("{report:?}");
    };
    let unknown = rejected.unknown_realm.as_ref().unwrap();
    assert_eq!(unknown.realm, "ldap");
    assert_eq!(unknown.known, ["pam", "pve"]);
}

#[tokio::test]
async fn a_second_factor_without_a_seed_fails_after_the_password_was_accepted() {
    let host = host(|received| {
        let login = received.line.starts_with("POST");
        login.then(|| data(&json!({"NeedTFA": 1, "ticket": "PVE:!tfa!{\"recovery\"%3A[0]}:6B::x"})))
    })
    .await;
    let account = Credentials::Password {
        user: "demo@pve".parse().unwrap(),
        password: Secret::new("x"),
        totp: Some("GEZDGNBVGY3TQOJQ".parse().unwrap()),
        otp: None,
    };
    let report = check(
        &CachedClient::new(host.settings(account)),
        None,
        &Requirements::default(),
        &Context::default(),
    )
    .await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::SecondFactorRequired, Stage::SecondFactor)
    );
}

#[tokio::test]
async fn missing_privileges_are_listed_and_the_rest_is_checked_all_the_same() {
    let host = host(|_| None).await;
    let report = run(&host, &need("/vms", &["VM.Audit", "VM.Allocate"])).await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::MissingPrivileges, Stage::Privileges)
    );
    assert_eq!(
        report.missing_privileges,
        BTreeMap::from([("/vms".to_owned(), vec!["VM.Allocate".to_owned()])])
    );
    let missing = missing(&report);
    assert_eq!(
        missing.missing[0].role,
        RoleFor::Role("PVEVMAdmin".to_owned())
    );
    assert!(!missing.no_privileges);
    assert_eq!(report.nodes.len(), 1);
}

#[tokio::test]
async fn a_token_without_privileges_is_reported() {
    let host = host(|received| {
        received
            .line
            .contains("/access/permissions")
            .then(|| data(&json!({})))
    })
    .await;
    let report = run(&host, &need("/", &["Sys.Audit"])).await;
    assert_eq!(report.status(), Status::MissingPrivileges);
    assert!(missing(&report).no_privileges);
}

#[tokio::test]
async fn a_host_that_may_be_cut_off_is_told_without_cluster_rights_and_does_not_fail() {
    let host = host(|received| match received.line.trim_start_matches("GET /api2/json") {
        "/nodes" => Some(data(&json!([{"node": "a", "status": "online"}, {"node": "b", "status": "offline"}, {"node": "c", "status": "offline"}]))),
        "/cluster/status" => Some(replay("9.1.1/180-use-cluster-status-unprivileged", 0)),
        _ => None,
    })
    .await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::ClusterDegraded, Stage::Cluster)
    );
    assert!(report.status().is_ok());
}

#[tokio::test]
async fn a_cluster_that_works_without_a_node_is_degraded() {
    let host = host(answer(
        "/cluster/status",
        json!([
            {"type": "cluster", "name": "lab", "quorate": 1},
            {"type": "node", "name": "a", "online": 1, "local": 1},
            {"type": "node", "name": "b", "online": 0},
            {"type": "node", "name": "c", "online": 1},
        ]),
    ))
    .await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(report.status(), Status::ClusterDegraded);
    assert!(report.status().is_ok());
    assert_eq!(
        (report.cluster_name.as_deref(), report.quorate),
        (Some("lab"), Some(true))
    );
    assert_eq!(
        report.cause,
        Some(Cause::NodesOffline {
            nodes: vec!["b".to_owned()],
            quorum: Quorum::Present
        })
    );
}

#[tokio::test]
async fn a_host_that_wants_credentials_for_its_realms_is_not_proxmox() {
    let host = host(|_| Some(replay("9.1.1/189-use-version-noauth", 0))).await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::NotProxmox, Stage::Proxmox)
    );
}

#[tokio::test]
async fn a_list_of_realms_that_is_none_is_not_proxmox_s() {
    let host = host(|_| Some(data(&json!("welcome")))).await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::NotProxmox, Stage::Proxmox)
    );
}

#[tokio::test]
async fn a_version_that_is_too_old_is_told() {
    let host = host(answer(
        "/version",
        json!({"version": "6.4-15", "release": "6.4"}),
    ))
    .await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::UnsupportedVersion, Stage::Authentication)
    );
    let version = "6.4-15".to_owned();
    assert_eq!(
        report.cause,
        Some(Cause::UnsupportedVersion { version, oldest: 7 })
    );
}

#[tokio::test]
async fn a_host_whose_daemon_is_gone_is_a_server_error() {
    let host = host(|received| {
        received
            .line
            .ends_with("/version")
            .then(|| replay("9.1.1/442-pmxcfs-down", 1))
    })
    .await;
    let report = run(&host, &Requirements::default()).await;
    assert_eq!(
        (report.status(), report.stage),
        (Status::ServerError, Stage::Authentication)
    );
    assert!(
        message(&report).contains("RPCEnvironment init request failed"),
        "{}",
        message(&report)
    );
}

#[test]
fn an_endpoint_that_names_no_address_is_reported_without_a_client() {
    let error = "http://pve1"
        .parse::<crate::pve::net::endpoint::Endpoint>()
        .unwrap_err();
    let report = Report::invalid_endpoint(error);
    assert_eq!(
        (report.status(), report.stage),
        (Status::InvalidEndpoint, Stage::Endpoint)
    );
}
