//! The way to a host: several nodes, proxies, headers, and how strict TLS is.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use cli_harness::Cli;
use proxmox_simulator::{Fault, ForwardProxy, RawAnswer, Simulator, TlsOptions, nobody_listens};
use serde_json::Value;

use super::{
    Scenario,
    stage::{Stage, says},
};

pub const SCENARIOS: &[Scenario] = &[
    (
        "the next node is asked when one cannot be, and then for everything",
        next_node,
    ),
    (
        "nodes can be named in the environment and for a cluster",
        nodes_by_other_names,
    ),
    (
        "a change that may have taken effect is not sent to a second node",
        no_second_write,
    ),
    (
        "a token that was just minted is tried again on a node that lags",
        lagging_node,
    ),
    ("when no node answers all of them are named", no_node),
    (
        "a certificate may be for another name than the address",
        server_name,
    ),
    (
        "a server with older versions of TLS is told what it lacks",
        old_tls,
    ),
    (
        "an untrusted certificate is shown with what to compare and to trust",
        untrusted,
    ),
    (
        "verification that is off is one warning for a provider block",
        unverified,
    ),
    (
        "a server name that nothing is compared with is said to be useless",
        useless_name,
    ),
    ("a proxy of one's own leads to the host", own_proxy),
    (
        "a proxy of the environment leads there unless it is spared",
        usual_proxy,
    ),
    ("what a proxy does wrong is told of the proxy", bad_proxy),
    (
        "headers go with every request, to clusters too, and are never shown",
        headers,
    ),
    (
        "a held lock is waited for as often as is set",
        as_often_as_set,
    ),
    (
        "variables that are nearly right are pointed out, and others' are not",
        misspelt,
    ),
    (
        "of two credentials in the environment the one used is named",
        two_in_environment,
    ),
];

const TOKEN: &str = r#"resource "proxmox_api_token" "t" {
  user_id = "demo@pve"
  token_name = "ci"
}
"#;
const CHECK: &str = r#"data "proxmox_connection" "me" {
  fail_on_error = true
}
"#;

/// A second node of the stage's cluster, whose certificate is accepted, too.
fn second_node(stage: &mut Stage) -> Simulator {
    let second = stage.sim.join("pve2", &TlsOptions::default());
    let second = second.expect("a second node");
    let pins = [&stage.sim, &second].map(Simulator::certificate_fingerprint);
    stage
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", &pins.join(","));
    second
}

/// An address at which nothing listens.
fn closed() -> String {
    nobody_listens().expect("a port").to_string()
}

fn has_token(stage: &Stage) -> bool {
    let token = |state: &mut proxmox_simulator::State| state.token("demo@pve", "ci").is_some();
    stage.sim.state(token)
}

fn writes(node: &Simulator) -> usize {
    node.count(|request| request.method != "GET")
}

/// A provider block of these lines, before the rest of a configuration.
fn provider(lines: &str, rest: &str) -> String {
    format!(
        r#"provider "proxmox" {{
  {lines}
}}
{rest}"#
    )
}

fn next_node(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let second = second_node(&mut stage);
    let nodes = |endpoint: &str| {
        let endpoints = format!("[{:?}]", second.endpoint());
        provider(
            &format!("endpoint = {endpoint:?}\n  endpoints = {endpoints}"),
            TOKEN,
        )
    };
    stage.main(&nodes(&closed()));
    stage.apply();
    stage.plan_is_empty();
    stage.destroy();
    assert_eq!(writes(&second), 2);

    // The daemon behind the first node's proxy is down: 595, and nothing was done.
    stage.sim.fault(Fault::daemon_down());
    stage.main(&nodes(&stage.sim.endpoint()));
    second.clear_requests();
    stage.apply();
    stage.destroy();
    assert_eq!(writes(&second), 2);
}

fn nodes_by_other_names(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let second = second_node(&mut stage);
    let nodes = format!("{},{}", closed(), second.endpoint());
    stage.scratch.set("PROXMOX_VE_ENDPOINT", "");
    stage.scratch.set("PROXMOX_VE_ENDPOINTS", &nodes);
    stage.main(CHECK);
    stage.apply();
    let cluster = format!(
        r"clusters = {{
    berlin = {{ endpoint = {:?}, endpoints = [{:?}], api_token = {:?} }}
  }}",
        closed(),
        second.endpoint(),
        stage.admin
    );
    let rest = r#"data "proxmox_connection" "me" {
  cluster = "berlin"
  fail_on_error = true
}
"#;
    stage.main(&provider(&cluster, rest));
    stage.apply();
    // The nodes of the environment are not mixed with the address of the block.
    stage.main(&provider(&format!("endpoint = {:?}", closed()), CHECK));
    stage.plan_fails(&["connection_refused"]);
}

fn no_second_write(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let second = second_node(&mut stage);
    stage
        .scratch
        .set("PROXMOX_VE_ENDPOINTS", &second.endpoint());
    stage
        .sim
        .fault(Fault::daemon_hung().on("POST", "*").times(1));
    stage.main(TOKEN);
    stage.apply();
    assert!(has_token(&stage));
    assert_eq!(
        writes(&second),
        0,
        "the lost answer was investigated where it was lost"
    );
}

fn lagging_node(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let second = second_node(&mut stage);
    let unknown = RawAnswer {
        status: 401,
        reason: "Authentication failed!".to_owned(),
        headers: vec![("Content-Length".to_owned(), "0".to_owned())],
        body: Vec::new(),
    };
    let by_token = |request: &proxmox_simulator::Request| {
        request.identity == proxmox_simulator::Identity::Token("demo@pve!ci".to_owned())
    };
    second.fault(Fault::answer(unknown).when(by_token).times(2));
    stage.main(&format!(
        r#"{TOKEN}resource "proxmox_host" "h" {{
  name = "h"
  hostname = {:?}
  certificate_fingerprints = [{:?}]
  api_token_id = proxmox_api_token.t.token_id
  api_token_secret = proxmox_api_token.t.secret
}}
"#,
        second.endpoint(),
        second.certificate_fingerprint()
    ));
    stage.apply();
    let refused = second.count(|request| request.status == Some(401));
    assert_eq!(refused, 2);
}

fn no_node(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let (first, second) = (closed(), closed());
    stage.scratch.set("PROXMOX_VE_ENDPOINT", &first);
    stage.scratch.set("PROXMOX_VE_ENDPOINTS", &second);
    stage.main(CHECK);
    stage.plan_fails(&["connection_refused", &first, &second]);
}

fn server_name(cli: &Cli) {
    let names = vec!["pve1.example.com".to_owned()];
    let mut stage = Stage::with_tls(
        cli,
        TlsOptions {
            names,
            ..TlsOptions::default()
        },
    );
    stage.scratch.set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    let authority = stage.sim.ca_pem().to_owned();
    stage.scratch.set("PROXMOX_VE_CA_CERTIFICATE", &authority);
    stage.main(CHECK);
    stage.plan_fails(&["tls_name_mismatch", "pve1.example.com", "tls_server_name"]);
    stage.main(&provider(r#"tls_server_name = "pve1.example.com""#, CHECK));
    stage.apply();
    stage.main(CHECK);
    let name = "PROXMOX_VE_TLS_SERVER_NAME";
    stage.scratch.set(name, "pve1.example.com");
    stage.apply();
    stage.scratch.set(name, "pve2.example.com");
    stage.plan_fails(&["tls_name_mismatch"]);
}

/// A port that answers a handshake as servers do that only speak what is no longer spoken.
fn older_than_tls_1_2() -> SocketAddr {
    // A fatal alert, protocol_version (RFC 5246, section 7.2).
    const ALERT: [u8; 7] = [0x15, 3, 1, 0, 2, 2, 0x46];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its number");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(&ALERT);
        }
    });
    address
}

fn old_tls(cli: &Cli) {
    let mut stage = Stage::with_tls(
        cli,
        TlsOptions {
            only_tls12: true,
            ..TlsOptions::default()
        },
    );
    stage.main(CHECK);
    stage.apply();
    stage.main(&provider(r#"min_tls_version = "1.3""#, CHECK));
    stage.plan_fails(&[
        "TLS 1.2 or older",
        "TLS 1.3",
        r#"Set min_tls_version to "1.2""#,
    ]);
    stage
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &older_than_tls_1_2().to_string());
    stage.main(CHECK);
    stage.plan_fails(&["TLS 1.1 or older", "TLS 1.2", "min_tls_version"]);
}

fn untrusted(cli: &Cli) {
    let mut stage = Stage::new(cli);
    let seen = stage.sim.certificate_fingerprint().to_owned();
    stage.scratch.set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    stage.main(CHECK);
    let run = stage.plan_fails(&[
        "tls_untrusted",
        "subject CN=",
        "valid for localhost and 127.0.0.1",
        "issuer CN=Proxmox Virtual Environment",
        "valid from 20",
        &seen,
        "Node > System > Certificates",
    ]);
    let text = run.text();
    let place = |words: &str| text.find(words).expect(words);
    let order = [
        "Compare it",
        "/etc/pve/pve-root-ca.pem",
        "certificate_fingerprints = [",
    ];
    assert!(order.map(place).is_sorted(), "{text}");
}

fn unverified(cli: &Cli) {
    const SUMMARY: &str = "Certificates are not verified";
    let mut stage = Stage::new(cli);
    stage.scratch.set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    let cluster = |lines: &str| {
        format!(
            "{{ endpoint = {:?}, api_token = {:?}, {lines} }}",
            stage.sim.endpoint(),
            stage.admin
        )
    };
    let block = format!(
        r"verify_ssl = false
  clusters = {{
    a = {}
    b = {}
  }}",
        cluster(""),
        cluster("verify_ssl = false")
    );
    stage.main(&provider(&block, CHECK));
    let run = stage.plan();
    says(
        &run,
        &[
            r#"`verify_ssl` and `clusters["b"].verify_ssl`"#,
            "ca_certificate",
        ],
    );
    assert_eq!(run.text().matches(SUMMARY).count(), 1, "{}", run.text());
    stage.main(CHECK);
    stage.scratch.set("PROXMOX_VE_INSECURE", "true");
    says(&stage.plan(), &[SUMMARY, "PROXMOX_VE_INSECURE"]);
}

fn useless_name(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.main(&provider(r#"tls_server_name = "pve1""#, CHECK));
    says(
        &stage.plan(),
        &["Setting without effect", "`tls_server_name`"],
    );
}

/// A stage whose host can only be reached through a proxy, which resolves its name.
fn behind_proxy(cli: &Cli) -> (Stage, ForwardProxy) {
    let mut stage = Stage::new(cli);
    let proxy = ForwardProxy::to(stage.sim.address()).expect("a proxy");
    stage
        .scratch
        .set("PROXMOX_VE_ENDPOINT", "pve1.example.invalid");
    (stage, proxy)
}

fn own_proxy(cli: &Cli) {
    let (mut stage, proxy) = behind_proxy(cli);
    let url = format!("http://{}", proxy.address());
    stage.main(&provider(&format!("proxy_url = {url:?}"), TOKEN));
    stage.apply();
    stage.plan_is_empty();
    stage.destroy();
    let heads = proxy.heads();
    let asked = "CONNECT pve1.example.invalid:8006 HTTP/1.1";
    assert!(!heads.is_empty() && heads.iter().all(|head| head.starts_with(asked)));
    // Named explicitly, it leads to this machine, too; so it does for named clusters.
    let (endpoint, admin) = (stage.sim.endpoint(), stage.admin.clone());
    let block = format!(
        r"proxy_url = {url:?}
  clusters = {{
    a = {{ endpoint = {endpoint:?}, api_token = {admin:?} }}
  }}"
    );
    let rest = r#"data "proxmox_connection" "me" {
  cluster = "a"
  fail_on_error = true
}
"#;
    stage.main(&provider(&block, rest));
    stage.apply();
    let last = proxy.heads().pop().expect("a tunnel");
    let address = stage.sim.address();
    assert!(
        last.starts_with(&format!("CONNECT {address} HTTP/1.1")),
        "{last}"
    );

    let guarded = ForwardProxy::guarded(address, "Basic dXNlcjpub3Qtc2hvd24=").expect("a proxy");
    let url = format!("http://user:not-shown@{}", guarded.address());
    stage.scratch.set("PROXMOX_VE_PROXY_URL", &url);
    stage.scratch.set("TF_LOG", "TRACE");
    stage.main(CHECK);
    let run = stage.apply();
    assert!(!run.text().contains("not-shown"));
    assert!(!run.text().contains("dXNlcjpub3Qtc2hvd24="));
}

fn usual_proxy(cli: &Cli) {
    let (mut stage, proxy) = behind_proxy(cli);
    let url = format!("http://{}", proxy.address());
    stage.main(CHECK);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let before = proxy.heads().len();
        stage.scratch.set(name, &url);
        stage.apply();
        stage.scratch.set(name, "");
        assert!(proxy.heads().len() > before, "{name}");
    }
    stage.scratch.set("HTTPS_PROXY", &url);
    stage.scratch.set("NO_PROXY", "example.invalid");
    stage.plan_fails(&["dns_failure"]);
    stage.scratch.set("NO_PROXY", "");
    stage.main(&provider(r#"proxy_url = """#, CHECK));
    stage.plan_fails(&["dns_failure"]);
    // What runs on this machine is not asked for through a proxy that is for everybody.
    let (endpoint, before) = (stage.sim.endpoint(), proxy.heads().len());
    stage.scratch.set("PROXMOX_VE_ENDPOINT", &endpoint);
    stage.main(CHECK);
    stage.apply();
    assert_eq!(proxy.heads().len(), before);
}

fn bad_proxy(cli: &Cli) {
    let (mut stage, _proxy) = behind_proxy(cli);
    let nowhere = ForwardProxy::to(closed().parse().expect("an address")).expect("a proxy");
    let guarded = ForwardProxy::guarded(stage.sim.address(), "Basic eDp5").expect("a proxy");
    stage.main(CHECK);
    for (address, words) in [
        (closed(), ["refused the connection", "proxy_url"]),
        (
            nowhere.address().to_string(),
            ["refused to lead there", "HTTPS_PROXY"],
        ),
        (
            guarded.address().to_string(),
            ["wants other credentials", "http://user:password@host:port"],
        ),
    ] {
        let url = format!("http://{address}");
        stage.scratch.set("PROXMOX_VE_PROXY_URL", &url);
        let proxy = format!("the proxy {address}");
        let run = stage.plan_fails(&[&proxy, "the host itself was not reached"]);
        says(&run, &words);
    }
    assert!(stage.sim.requests().is_empty());
}

fn headers(cli: &Cli) {
    let mut stage = Stage::new(cli);
    stage.scratch.set("TF_LOG", "TRACE");
    let cluster = format!(
        r"clusters = {{
    a = {{ endpoint = {:?}, api_token = {:?} }}
  }}",
        stage.sim.endpoint(),
        stage.admin
    );
    let block = format!(
        r#"http_headers = {{ X-Gate = "not-shown" }}
  {cluster}"#
    );
    let of_cluster = CHECK.replace(
        r#""me" {"#,
        r#""a" {
  cluster = "a""#,
    );
    stage.main(&provider(&block, &format!("{CHECK}{of_cluster}")));
    let run = stage.apply();
    assert!(!run.text().contains("not-shown"));
    let requests = stage.sim.requests();
    let with = |name: &str| {
        let has = |request: &&proxmox_simulator::Request| request.headers.iter().any(|h| h == name);
        requests.iter().filter(has).count()
    };
    assert!(!requests.is_empty());
    assert_eq!(with("x-gate"), requests.len());

    stage.sim.clear_requests();
    stage
        .scratch
        .set("PROXMOX_VE_HTTP_HEADERS", "X-One: not-shown\nX-Two: 2");
    stage.main(CHECK);
    stage.apply();
    let requests = stage.sim.requests();
    assert!(requests.iter().all(|request| {
        let has = |name: &str| request.headers.iter().any(|header| header == name);
        has("x-one") && has("x-two")
    }));
}

fn as_often_as_set(cli: &Cli) {
    let stage = Stage::new(cli);
    stage.sim.fault(Fault::user_config_locked());
    for (lines, posts) in [("", 3), ("max_retries = 0", 1), ("max_retries = 1", 2)] {
        stage.sim.clear_requests();
        stage.main(&provider(lines, TOKEN));
        stage.apply_fails(&["Unable to create API token", "lock"]);
        assert_eq!(stage.requests("POST", "/token/ci"), posts, "{lines}");
    }
    assert_eq!(stage.attributes("proxmox_api_token.t"), Value::Null);
}

fn misspelt(cli: &Cli) {
    const SUMMARY: &str = "Unknown environment variable";
    let mut stage = Stage::new(cli);
    stage.main(CHECK);
    stage.scratch.set("PM_DEBUG", "1");
    stage.scratch.set("PROXMOX_VE_SSH_PASSWORD", "x");
    assert!(!stage.plan().text().contains(SUMMARY));
    stage.scratch.set("PM_PSSS", "not-shown");
    let run = stage.plan();
    says(&run, &[SUMMARY, "PM_PSSS", "Was PM_PASS meant?"]);
    assert!(!run.text().contains("not-shown"));
}

fn two_in_environment(cli: &Cli) {
    let mut stage = Stage::new(cli);
    stage.main(CHECK);
    stage.scratch.set("PM_USER", "root@pam");
    stage.scratch.set("PM_PASS", "not-shown");
    let run = stage.plan();
    let words = [
        "Credential in the environment ignored",
        "PROXMOX_VE_API_TOKEN",
        "PM_PASS",
    ];
    says(&run, &words);
    assert!(!run.text().contains("not-shown"));
}
