//! Connection settings: several nodes, proxies, headers, and the strictness of TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use cli_harness::Cli;
use proxmox_simulator::{Fault, ForwardProxy, RawResponse, Simulator, TlsOptions, closed_port};
use serde_json::Value;

use super::Scenario;
use super::samples::TOKEN;
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    the_next_node_is_used_when_one_is_unreachable,
    nodes_can_be_named_in_the_environment_and_for_a_cluster,
    a_change_that_may_have_taken_effect_is_not_sent_to_a_second_node,
    a_token_that_was_just_minted_is_tried_again_on_a_node_that_lags,
    all_nodes_are_named_when_none_responds,
    the_certificate_may_be_for_another_name_than_the_endpoint,
    a_server_with_old_versions_of_tls_is_explained,
    a_self_signed_certificate_is_trusted_when_it_is_given,
    an_empty_value_of_the_block_counts_as_not_set,
    a_variable_of_another_tool_is_told_where_it_belongs,
    an_untrusted_certificate_is_shown_with_what_to_compare_and_to_trust,
    disabled_verification_is_one_warning_for_a_provider_block,
    a_server_name_without_effect_is_a_warning,
    a_configured_proxy_leads_to_the_host,
    a_socks_proxy_leads_to_the_host,
    a_proxy_of_the_environment_is_used_unless_exempted,
    a_failing_proxy_is_named,
    headers_go_with_every_request_and_are_never_shown,
    a_held_lock_is_retried_as_often_as_configured,
    nearly_right_variables_are_pointed_out,
    of_two_credentials_in_the_environment_the_one_in_use_is_named,
];

const CHECK: &str = r#"data "proxmox_connection" "me" {
  fail_on_error = true
}
"#;

/// A second node of the server's cluster, whose certificate is accepted, too.
fn second_node(server: &mut TestServer) -> Simulator {
    let second = server.sim.join("pve2", &TlsOptions::default());
    let second = second.expect("a second node");
    let pins = [&server.sim, &second].map(Simulator::certificate_fingerprint);
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", &pins.join(","));
    second
}

/// An address at which nothing listens.
fn closed() -> String {
    closed_port().expect("a port").to_string()
}

fn has_token(server: &TestServer) -> bool {
    let token = |state: &mut proxmox_simulator::State| state.token("demo@pve", "ci").is_some();
    server.sim.state(token)
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

fn the_next_node_is_used_when_one_is_unreachable(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let second = second_node(&mut server);
    let nodes = |endpoint: &str| {
        let endpoints = format!("[{:?}]", second.endpoint());
        provider(
            &format!("endpoint = {endpoint:?}\n  endpoints = {endpoints}"),
            TOKEN,
        )
    };
    server.main(&nodes(&closed()));
    server.apply();
    server.plan_is_empty();
    server.destroy();
    assert_eq!(writes(&second), 2);

    // The daemon behind the first node's proxy is down: 595, and nothing was done.
    server.sim.fault(Fault::daemon_down());
    server.main(&nodes(&server.sim.endpoint()));
    second.clear_requests();
    server.apply();
    server.destroy();
    assert_eq!(writes(&second), 2);
}

fn nodes_can_be_named_in_the_environment_and_for_a_cluster(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let second = second_node(&mut server);
    let nodes = format!("{},{}", closed(), second.endpoint());
    server.scratch.set("PROXMOX_VE_ENDPOINT", "");
    server.scratch.set("PROXMOX_VE_ENDPOINTS", &nodes);
    server.main(CHECK);
    server.apply();
    let cluster = format!(
        r"clusters = {{
    berlin = {{ endpoint = {:?}, endpoints = [{:?}], api_token = {:?} }}
  }}",
        closed(),
        second.endpoint(),
        server.admin
    );
    let rest = r#"data "proxmox_connection" "me" {
  cluster = "berlin"
  fail_on_error = true
}
"#;
    server.main(&provider(&cluster, rest));
    server.apply();
    // The nodes of the environment are not mixed with the address of the block.
    server.main(&provider(&format!("endpoint = {:?}", closed()), CHECK));
    server.plan_fails(&["connection_refused"]);
}

fn a_change_that_may_have_taken_effect_is_not_sent_to_a_second_node(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let second = second_node(&mut server);
    server
        .scratch
        .set("PROXMOX_VE_ENDPOINTS", &second.endpoint());
    server
        .sim
        .fault(Fault::daemon_hung().on("POST", "*").times(1));
    server.main(TOKEN);
    server.apply();
    assert!(has_token(&server));
    assert_eq!(
        writes(&second),
        0,
        "the lost answer was investigated where it was lost"
    );
}

fn a_token_that_was_just_minted_is_tried_again_on_a_node_that_lags(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let second = second_node(&mut server);
    let unknown = RawResponse {
        status: 401,
        reason: "Authentication failed!".to_owned(),
        headers: vec![("Content-Length".to_owned(), "0".to_owned())],
        body: Vec::new(),
    };
    let by_token = |request: &proxmox_simulator::Request| {
        request.identity == proxmox_simulator::Identity::Token("demo@pve!ci".to_owned())
    };
    second.fault(Fault::response(unknown).when(by_token).times(2));
    server.main(&format!(
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
    server.apply();
    let refused = second.count(|request| request.status == Some(401));
    assert_eq!(refused, 2);
}

fn all_nodes_are_named_when_none_responds(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let (first, second) = (closed(), closed());
    server.scratch.set("PROXMOX_VE_ENDPOINT", &first);
    server.scratch.set("PROXMOX_VE_ENDPOINTS", &second);
    server.main(CHECK);
    server.plan_fails(&["connection_refused", &first, &second]);
}

fn the_certificate_may_be_for_another_name_than_the_endpoint(cli: &Cli) {
    let names = vec!["pve1.example.com".to_owned()];
    let mut server = TestServer::with_tls(
        cli,
        TlsOptions {
            names,
            ..TlsOptions::default()
        },
    );
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    let authority = server.sim.ca_pem().to_owned();
    server.scratch.set("PROXMOX_VE_CA_CERTIFICATE", &authority);
    server.main(CHECK);
    server.plan_fails(&["tls_name_mismatch", "pve1.example.com", "tls_server_name"]);
    server.main(&provider(r#"tls_server_name = "pve1.example.com""#, CHECK));
    server.apply();
    server.main(CHECK);
    let name = "PROXMOX_VE_TLS_SERVER_NAME";
    server.scratch.set(name, "pve1.example.com");
    server.apply();
    server.scratch.set(name, "pve2.example.com");
    server.plan_fails(&["tls_name_mismatch"]);
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

fn a_server_with_old_versions_of_tls_is_explained(cli: &Cli) {
    let mut server = TestServer::with_tls(
        cli,
        TlsOptions {
            only_tls12: true,
            ..TlsOptions::default()
        },
    );
    server.main(CHECK);
    server.apply();
    server.main(&provider(r#"min_tls_version = "1.3""#, CHECK));
    server.plan_fails(&[
        "TLS 1.2 or older",
        "TLS 1.3",
        r#"Set `min_tls_version = "1.2"`"#,
    ]);
    server
        .scratch
        .set("PROXMOX_VE_ENDPOINT", &older_than_tls_1_2().to_string());
    server.main(CHECK);
    server.plan_fails(&["TLS 1.1 or older", "TLS 1.2", "min_tls_version"]);
}

fn an_untrusted_certificate_is_shown_with_what_to_compare_and_to_trust(cli: &Cli) {
    let mut server = TestServer::new(cli);
    let seen = server.sim.certificate_fingerprint().to_owned();
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    server.main(CHECK);
    let run = server.plan_fails(&[
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

fn disabled_verification_is_one_warning_for_a_provider_block(cli: &Cli) {
    const SUMMARY: &str = "TLS certificate verification disabled";
    let mut server = TestServer::new(cli);
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    let cluster = |lines: &str| {
        format!(
            "{{ endpoint = {:?}, api_token = {:?}, {lines} }}",
            server.sim.endpoint(),
            server.admin
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
    server.main(&provider(&block, CHECK));
    let run = server.plan();
    says(
        &run,
        &[
            r#"`verify_ssl` and `clusters["b"].verify_ssl`"#,
            "ca_certificate",
        ],
    );
    assert_eq!(run.text().matches(SUMMARY).count(), 1, "{}", run.text());
    server.main(CHECK);
    server.scratch.set("PROXMOX_VE_INSECURE", "true");
    says(&server.plan(), &[SUMMARY, "PROXMOX_VE_INSECURE"]);
}

fn a_server_name_without_effect_is_a_warning(cli: &Cli) {
    let server = TestServer::new(cli);
    server.main(&provider(r#"tls_server_name = "pve1""#, CHECK));
    says(
        &server.plan(),
        &["Setting without effect", "`tls_server_name`"],
    );
}

/// A server whose host can only be reached through a proxy, which resolves its name.
fn behind_proxy(cli: &Cli) -> (TestServer, ForwardProxy) {
    let mut server = TestServer::new(cli);
    let proxy = ForwardProxy::to(server.sim.address()).expect("a proxy");
    server
        .scratch
        .set("PROXMOX_VE_ENDPOINT", "pve1.example.invalid");
    (server, proxy)
}

fn a_configured_proxy_leads_to_the_host(cli: &Cli) {
    let (mut server, proxy) = behind_proxy(cli);
    let url = format!("http://{}", proxy.address());
    server.main(&provider(&format!("proxy_url = {url:?}"), TOKEN));
    server.apply();
    server.plan_is_empty();
    server.destroy();
    let heads = proxy.heads();
    let asked = "CONNECT pve1.example.invalid:8006 HTTP/1.1";
    assert!(!heads.is_empty() && heads.iter().all(|head| head.starts_with(asked)));
    // Named explicitly, it leads to this machine, too; so it does for named clusters.
    let (endpoint, admin) = (server.sim.endpoint(), server.admin.clone());
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
    server.main(&provider(&block, rest));
    server.apply();
    let last = proxy.heads().pop().expect("a tunnel");
    let address = server.sim.address();
    assert!(
        last.starts_with(&format!("CONNECT {address} HTTP/1.1")),
        "{last}"
    );

    let guarded = ForwardProxy::guarded(address, "Basic dXNlcjpub3Qtc2hvd24=").expect("a proxy");
    let url = format!("http://user:not-shown@{}", guarded.address());
    server.scratch.set("PROXMOX_VE_PROXY_URL", &url);
    server.scratch.set("TF_LOG", "TRACE");
    server.main(CHECK);
    let run = server.apply();
    assert!(!run.text().contains("not-shown"));
    assert!(!run.text().contains("dXNlcjpub3Qtc2hvd24="));
}

fn a_socks_proxy_leads_to_the_host(cli: &Cli) {
    let (mut server, proxy) = behind_proxy(cli);
    let url = format!("socks5h://{}", proxy.address());
    server.main(&provider(&format!("proxy_url = {url:?}"), TOKEN));
    server.apply();
    server.plan_is_empty();
    server.destroy();
    let heads = proxy.heads();
    let asked = "SOCKS pve1.example.invalid:8006";
    assert!(!heads.is_empty() && heads.iter().all(|head| head == asked));
    // `socks5` looks names up on this machine.
    let url = format!("socks5://{}", proxy.address());
    server.main(&provider(&format!("proxy_url = {url:?}"), CHECK));
    server.plan_fails(&["dns_failure"]);
    let endpoint = server.sim.endpoint();
    server.scratch.set("PROXMOX_VE_ENDPOINT", &endpoint);
    server.apply();
    assert_eq!(
        proxy.heads().pop(),
        Some(format!("SOCKS {}", server.sim.address()))
    );
    let nowhere = ForwardProxy::to(closed().parse().expect("an address")).expect("a proxy");
    let url = format!("socks5h://{}", nowhere.address());
    server.main(&provider(&format!("proxy_url = {url:?}"), CHECK));
    server.plan_fails(&["refused to connect to the host", "proxy_url"]);
}

fn a_proxy_of_the_environment_is_used_unless_exempted(cli: &Cli) {
    let (mut server, proxy) = behind_proxy(cli);
    let url = format!("http://{}", proxy.address());
    server.main(CHECK);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let before = proxy.heads().len();
        server.scratch.set(name, &url);
        server.apply();
        server.scratch.set(name, "");
        assert!(proxy.heads().len() > before, "{name}");
    }
    server.scratch.set("HTTPS_PROXY", &url);
    server.scratch.set("NO_PROXY", "example.invalid");
    server.plan_fails(&["dns_failure"]);
    server.scratch.set("NO_PROXY", "");
    server.main(&provider(r#"proxy_url = """#, CHECK));
    server.plan_fails(&["dns_failure"]);
    // What runs on this machine is not asked for through a proxy that is for everybody.
    let (endpoint, before) = (server.sim.endpoint(), proxy.heads().len());
    server.scratch.set("PROXMOX_VE_ENDPOINT", &endpoint);
    server.main(CHECK);
    server.apply();
    assert_eq!(proxy.heads().len(), before);
}

fn a_failing_proxy_is_named(cli: &Cli) {
    let (mut server, _proxy) = behind_proxy(cli);
    let nowhere = ForwardProxy::to(closed().parse().expect("an address")).expect("a proxy");
    let guarded = ForwardProxy::guarded(server.sim.address(), "Basic eDp5").expect("a proxy");
    server.main(CHECK);
    for (address, words) in [
        (closed(), ["refused the connection", "proxy_url"]),
        (
            nowhere.address().to_string(),
            ["refused to connect to the host", "HTTPS_PROXY"],
        ),
        (
            guarded.address().to_string(),
            [
                "demands other credentials",
                "http://user:password@host:port",
            ],
        ),
    ] {
        let url = format!("http://{address}");
        server.scratch.set("PROXMOX_VE_PROXY_URL", &url);
        let proxy = format!("the proxy {address}");
        let run = server.plan_fails(&[&proxy, "the host was not reached"]);
        says(&run, &words);
    }
    assert!(server.sim.requests().is_empty());
}

fn headers_go_with_every_request_and_are_never_shown(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.scratch.set("TF_LOG", "TRACE");
    let cluster = format!(
        r"clusters = {{
    a = {{ endpoint = {:?}, api_token = {:?} }}
  }}",
        server.sim.endpoint(),
        server.admin
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
    server.main(&provider(&block, &format!("{CHECK}{of_cluster}")));
    let run = server.apply();
    assert!(!run.text().contains("not-shown"));
    let requests = server.sim.requests();
    let with = |name: &str| {
        let has = |request: &&proxmox_simulator::Request| request.headers.iter().any(|h| h == name);
        requests.iter().filter(has).count()
    };
    assert!(!requests.is_empty());
    assert_eq!(with("x-gate"), requests.len());

    server.sim.clear_requests();
    server
        .scratch
        .set("PROXMOX_VE_HTTP_HEADERS", "X-One: not-shown\nX-Two: 2");
    server.main(CHECK);
    server.apply();
    let requests = server.sim.requests();
    assert!(requests.iter().all(|request| {
        let has = |name: &str| request.headers.iter().any(|header| header == name);
        has("x-one") && has("x-two")
    }));
}

fn a_held_lock_is_retried_as_often_as_configured(cli: &Cli) {
    let server = TestServer::new(cli);
    server.sim.fault(Fault::user_config_locked());
    for (lines, posts) in [("", 3), ("max_retries = 0", 1), ("max_retries = 1", 2)] {
        server.sim.clear_requests();
        server.main(&provider(lines, TOKEN));
        server.apply_fails(&["Unable to create API token", "lock"]);
        assert_eq!(server.requests("POST", "/token/ci"), posts, "{lines}");
    }
    assert_eq!(server.attributes("proxmox_api_token.t"), Value::Null);
}

fn a_self_signed_certificate_is_trusted_when_it_is_given(cli: &Cli) {
    let options = TlsOptions {
        self_signed: true,
        ..TlsOptions::default()
    };
    let mut server = TestServer::with_tls(cli, options);
    server
        .scratch
        .set("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", "");
    server.main(CHECK);
    server.plan_fails(&["tls_untrusted", "which is its own authority"]);
    // As in a heredoc, indented and with other text around it.
    let pem = server.sim.certificate_pem().replace('\n', "\n      ");
    server.main(&provider(
        &format!("ca_certificate = <<PEM\n      the host:\n      {pem}\nPEM\n"),
        CHECK,
    ));
    server.plan();
}

fn an_empty_value_of_the_block_counts_as_not_set(cli: &Cli) {
    let server = TestServer::new(cli);
    let empty = r#"endpoint = ""
  endpoints = []
  api_token = ""
  api_token_id = ""
  api_token_secret = ""
  username = ""
  password = ""
  ca_certificate = ""
  certificate_fingerprints = []
  tls_server_name = ""
  min_tls_version = ""
  client_certificate = ""
  client_key = ""
  http_headers = {}
  request_timeout = ""
  clusters = {}"#;
    server.main(&provider(empty, CHECK));
    server.plan();
}

fn a_variable_of_another_tool_is_told_where_it_belongs(cli: &Cli) {
    const SUMMARY: &str = "Environment variable of another tool";
    let mut server = TestServer::new(cli);
    server.scratch.set("PROXMOX_URL", "https://not-shown:8006");
    server.scratch.set("PROXMOX_TOKEN", "not-shown");
    server.main(CHECK);
    assert!(!server.plan().text().contains(SUMMARY));
    server.scratch.set("PROXMOX_VE_ENDPOINT", "");
    server.scratch.set("PROXMOX_VE_API_TOKEN", "");
    let run = server.plan_fails(&[
        SUMMARY,
        "PROXMOX_VE_ENDPOINT",
        "PROXMOX_VE_API_TOKEN_SECRET",
    ]);
    assert!(!run.text().contains("not-shown"));
}

fn nearly_right_variables_are_pointed_out(cli: &Cli) {
    const SUMMARY: &str = "Unknown environment variable";
    let mut server = TestServer::new(cli);
    server.main(CHECK);
    server.scratch.set("PM_DEBUG", "1");
    server.scratch.set("PROXMOX_VE_SSH_PASSWORD", "x");
    assert!(!server.plan().text().contains(SUMMARY));
    server.scratch.set("PM_PSSS", "not-shown");
    let run = server.plan();
    says(&run, &[SUMMARY, "PM_PSSS", "Did you mean PM_PASS?"]);
    assert!(!run.text().contains("not-shown"));
}

fn of_two_credentials_in_the_environment_the_one_in_use_is_named(cli: &Cli) {
    let mut server = TestServer::new(cli);
    server.main(CHECK);
    server.scratch.set("PM_USER", "root@pam");
    server.scratch.set("PM_PASS", "not-shown");
    let run = server.plan();
    let words = [
        "Credential in the environment ignored",
        "PROXMOX_VE_API_TOKEN",
        "PM_PASS",
    ];
    says(&run, &words);
    assert!(!run.text().contains("not-shown"));
}
