//! What tests control: faults, waits and time, and the log of requests.

mod support {
    #[allow(
        dead_code,
        reason = "shared with the conformance test, which uses all of it"
    )]
    pub mod client;
}

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use proxmox_simulator::{
    Cluster, Fault, ForwardProxy, Identity, RawResponse, Simulator, TlsOptions, Version,
};
use serde_json::Value;
use support::client::{Answer, Client, handshake};

const TOKEN: &str = "/access/users/demo@pve/token/t1";

/// A simulator with a user, and a token that may do everything.
struct Given {
    simulator: Simulator,
    secret: String,
}

fn given() -> Given {
    given_version(Version::V9_1)
}

fn given_version(version: Version) -> Given {
    let builder = Simulator::builder().version(version).time_scale(0.001);
    let simulator = builder.spawn().unwrap();
    let secret = simulator.state(|state| {
        state.add_user("demo@pve", "demo-pass-1");
        state.add_token("root@pam!admin", false, None, 0)
    });
    Given { simulator, secret }
}

impl Given {
    fn send(&self, method: &str, path: &str, header: &str, body: &str) -> Option<Answer> {
        let mut client = Client::encrypted(self.simulator.address(), self.simulator.ca_pem());
        let length = body.len();
        client.send(
            format!(
                "{method} /api2/json{path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
        client.receive()
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Option<Answer> {
        let header = format!("Authorization: PVEAPIToken=root@pam!admin={}", self.secret);
        self.send(method, path, &header, body)
    }

    fn log_in(&self, form: &str) -> Answer {
        self.send("POST", "/access/ticket", "X: y", form).unwrap()
    }

    fn has_token(&self) -> bool {
        self.simulator
            .state(|state| state.token("demo@pve", "t1").is_some())
    }
}

fn json(response: &Answer) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

fn status(response: Option<Answer>) -> String {
    response.map_or_else(|| "no answer".to_owned(), |response| response.status_line)
}

#[test]
fn a_dropped_answer_leaves_the_write_done() {
    let given = given();
    given.simulator.fault(
        Fault::dropped_after_commit()
            .on("POST", "/access/users/*/token/*")
            .times(1),
    );
    assert_eq!(status(given.call("POST", TOKEN, "")), "no answer");
    assert!(given.has_token());
    assert_eq!(status(given.call("GET", TOKEN, "")), "HTTP/1.1 200 OK");
}

#[test]
fn a_connection_dropped_before_leaves_nothing_done() {
    let given = given();
    given.simulator.fault(Fault::dropped_before());
    assert_eq!(status(given.call("POST", TOKEN, "")), "no answer");
    assert!(!given.has_token());
    assert_eq!(given.simulator.requests()[0].status, None);
}

#[test]
fn a_hung_daemon_does_what_it_was_asked_and_answers_596_late() {
    let given = given();
    given.simulator.fault(Fault::daemon_hung());
    assert_eq!(
        status(given.call("POST", TOKEN, "")),
        "HTTP/1.1 596 Connection timed out"
    );
    assert!(given.has_token());
    assert_eq!(
        given.simulator.requests()[0].waited,
        Duration::from_secs(30)
    );
    assert_eq!(status(given.call("GET", TOKEN, "")), "HTTP/1.1 200 OK");
}

#[test]
fn without_quorum_writes_are_refused_and_reads_go_on() {
    let given = given();
    given.simulator.fault(Fault::no_quorum());
    assert_eq!(
        status(given.call("POST", TOKEN, "")),
        "HTTP/1.1 500 generating token failed: cfs-lock 'file-user_cfg' error: no quorum!"
    );
    assert!(!given.has_token());
    assert_eq!(
        status(given.call("GET", "/access/users", "")),
        "HTTP/1.1 200 OK"
    );
}

#[test]
fn a_cluster_without_a_majority_refuses_writes_too() {
    let given = given();
    given.simulator.state(|state| {
        state.cluster = Some(Cluster {
            name: "lab".to_owned(),
            quorate: false,
        });
    });
    let response = status(given.call("POST", TOKEN, ""));
    assert!(response.ends_with("error: no quorum!"), "{response}");
    let entries = json(&given.call("GET", "/cluster/status", "").unwrap());
    let cluster = entries["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["type"] == "cluster");
    assert_eq!(cluster.unwrap()["quorate"], 0);
}

#[test]
fn a_creation_that_is_overtaken_fails_under_the_lock() {
    let given = given();
    given.simulator.fault(Fault::overtaken(|state| {
        state.add_token("demo@pve!t1", true, None, 0);
    }));
    assert_eq!(
        status(given.call("POST", TOKEN, "")),
        "HTTP/1.1 500 generating token failed: Token already exists."
    );
}

#[test]
fn a_slow_answer_comes_late_to_a_write_that_is_done() {
    let given = given();
    let late = Duration::from_millis(50);
    given.simulator.fault(Fault::slow(late));
    let began = Instant::now();
    assert_eq!(status(given.call("POST", TOKEN, "")), "HTTP/1.1 200 OK");
    assert!(began.elapsed() >= late && given.has_token());
}

#[test]
fn an_answer_of_ones_own_is_sent_as_it_is() {
    let given = given();
    given.simulator.fault(Fault::response(RawResponse {
        status: 200,
        reason: "OK".to_owned(),
        headers: vec![("Content-Length".to_owned(), "100".to_owned())],
        body: br#"{"data":"#.to_vec(),
    }));
    let response = given.call("POST", TOKEN, "").unwrap();
    assert_eq!(response.body, br#"{"data":"#);
    assert!(!given.has_token());
}

#[test]
fn writes_at_the_same_time_wait_for_each_other_and_all_succeed() {
    let given = given();
    let answers: Vec<String> = std::thread::scope(|scope| {
        let path = |number: usize| format!("/access/users/demo@pve/token/par{number}");
        let calls = (0..8).map(|number| {
            let given = &given;
            scope.spawn(move || status(given.call("POST", &path(number), "")))
        });
        let calls: Vec<_> = calls.collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(answers, vec!["HTTP/1.1 200 OK"; 8]);
}

#[test]
fn a_token_stops_working_when_the_clock_passes_its_expiry() {
    let given = given();
    let simulator = &given.simulator;
    let secret = simulator.state(|state| {
        let expire = u64::try_from(state.now()).unwrap() + 60;
        state.add_token("demo@pve!t1", false, None, expire)
    });
    let header = format!("Authorization: PVEAPIToken=demo@pve!t1={secret}");
    let ask = || status(given.send("GET", "/version", &header, ""));
    assert_eq!(ask(), "HTTP/1.1 200 OK");
    simulator.advance(Duration::from_secs(61));
    assert_eq!(ask(), "HTTP/1.1 401 Authentication failed!");
    assert_eq!(simulator.requests()[1].waited, Duration::from_secs(3));
}

#[test]
fn a_one_time_code_logs_in_once_in_its_thirty_seconds() {
    let given = given();
    given
        .simulator
        .state(|state| _ = state.enable_totp("demo@pve"));
    let log_in = || {
        let first = json(&given.log_in("username=demo@pve&password=demo-pass-1"));
        assert_eq!(first["data"]["NeedTFA"], 1);
        let challenge = first["data"]["ticket"].as_str().unwrap();
        let challenge = challenge
            .replace('%', "%25")
            .replace('+', "%2B")
            .replace('=', "%3D");
        let code = given
            .simulator
            .state(|state| state.totp_code("demo@pve"))
            .unwrap();
        given
            .log_in(&format!(
                "username=demo@pve&tfa-challenge={challenge}&password=totp:{code}"
            ))
            .status_line
    };
    assert_eq!(log_in(), "HTTP/1.1 200 OK");
    assert_eq!(log_in(), "HTTP/1.1 401 authentication failure");
    given.simulator.advance(Duration::from_secs(30));
    assert_eq!(log_in(), "HTTP/1.1 200 OK");
}

#[test]
fn a_ticket_needs_its_csrf_token_to_write_and_dies_after_two_hours() {
    let given = given();
    let login = json(&given.log_in("username=root@pam&password=root-pass-1"));
    let text = |name: &str| login["data"][name].as_str().unwrap().to_owned();
    let cookie = format!("Cookie: PVEAuthCookie={}", text("ticket"));
    let both = format!(
        "{cookie}\r\nCSRFPreventionToken: {}",
        text("CSRFPreventionToken")
    );
    assert_eq!(
        status(given.send("POST", TOKEN, &cookie, "")),
        "HTTP/1.1 401 Permission denied - invalid csrf token"
    );
    assert_eq!(
        status(given.send("POST", TOKEN, &both, "")),
        "HTTP/1.1 200 OK"
    );
    given.simulator.advance(Duration::from_secs(7200));
    assert_eq!(
        status(given.send("GET", TOKEN, &cookie, "")),
        "HTTP/1.1 401 Authentication failed!"
    );
}

#[test]
fn an_older_server_says_what_is_wrong_with_a_credential() {
    let given = given_version(Version::V8_2);
    let header = "Authorization: PVEAPIToken=root@pam!admin=wrong";
    assert_eq!(
        status(given.send("GET", "/version", header, "")),
        "HTTP/1.1 401 invalid token value!"
    );
}

#[test]
fn the_log_has_the_requests_and_no_secrets() {
    let given = given();
    given
        .call("POST", &format!("{TOKEN}?privsep=0"), "comment=hidden")
        .unwrap();
    let requests = given.simulator.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", TOKEN)
    );
    assert_eq!(request.query.as_deref(), Some("privsep=0"));
    assert_eq!(request.parameters, ["comment", "privsep"]);
    assert_eq!(
        request.identity,
        Identity::Token("root@pam!admin".to_owned())
    );
    assert_eq!(request.status, Some(200));
    assert!(!format!("{request:?}").contains(&given.secret));
    assert_eq!(given.simulator.count(|request| request.method == "POST"), 1);
    assert_eq!(given.simulator.tls_connections(), 1);
    given.simulator.clear_requests();
    assert!(given.simulator.requests().is_empty());
}

#[test]
fn a_certificate_can_be_expired_or_for_another_name() {
    let names = vec!["elsewhere.example".to_owned()];
    let loopback = TlsOptions::default().names;
    for (names, expired) in [(loopback, true), (names, false)] {
        let options = TlsOptions {
            names,
            expired,
            ..TlsOptions::default()
        };
        let simulator = Simulator::builder().tls(options).spawn().unwrap();
        let mut client = Client::encrypted(simulator.address(), simulator.ca_pem());
        client.send(b"GET /api2/json/access/domains HTTP/1.1\r\n\r\n");
        assert!(client.receive().is_none());
        assert!(simulator.requests().is_empty());
    }
}

#[test]
fn a_node_may_speak_tls_1_2_only() {
    let options = TlsOptions {
        only_tls12: true,
        ..TlsOptions::default()
    };
    let simulator = Simulator::builder().tls(options).spawn().unwrap();
    let shaken = handshake(simulator.address(), simulator.ca_pem(), &[]);
    assert_eq!(shaken.version, "TLSv1.2");
}

#[test]
fn nodes_know_the_same_and_fail_each_for_itself() {
    let first = given();
    let second = Given {
        simulator: first
            .simulator
            .join("pve2", &TlsOptions::default())
            .unwrap(),
        secret: first.secret.clone(),
    };
    first.simulator.fault(Fault::dropped_before());
    assert_eq!(status(first.call("POST", TOKEN, "")), "no answer");
    assert_eq!(status(second.call("POST", TOKEN, "")), "HTTP/1.1 200 OK");
    first.simulator.clear_faults();
    assert_eq!(status(first.call("GET", TOKEN, "")), "HTTP/1.1 200 OK");

    let nodes = json(&first.call("GET", "/nodes", "").unwrap());
    let fingerprints = nodes["data"].as_array().unwrap().iter();
    let fingerprints: Vec<&str> = fingerprints
        .map(|node| node["ssl_fingerprint"].as_str().unwrap())
        .collect();
    let shown = [&first, &second].map(|given| given.simulator.certificate_fingerprint());
    assert_eq!(fingerprints, shown);
    assert_ne!(shown[0], shown[1]);
    for (given, name) in [(&first, "pve1"), (&second, "pve2")] {
        let status = json(&given.call("GET", "/cluster/status", "").unwrap());
        let entries = status["data"].as_array().unwrap();
        let local: Vec<&Value> = entries.iter().filter(|entry| entry["local"] == 1).collect();
        assert_eq!(local.len(), 1);
        assert_eq!(local[0]["name"], name);
    }
}

#[test]
fn a_forward_proxy_leads_to_the_host_and_may_want_credentials() {
    let given = given();
    let target = given.simulator.address();
    let open = ForwardProxy::to(target).unwrap();
    let guarded = ForwardProxy::guarded(target, "Basic eDp5").unwrap();
    let closed = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        ForwardProxy::to(free.local_addr().unwrap()).unwrap()
    };
    let connect = "CONNECT pve1.example.com:8006 HTTP/1.1";
    for (proxy, line, header, expected) in [
        (
            &open,
            connect,
            "X: y",
            "HTTP/1.1 200 Connection established",
        ),
        (
            &open,
            "GET / HTTP/1.1",
            "X: y",
            "HTTP/1.1 405 Method Not Allowed",
        ),
        (&closed, connect, "X: y", "HTTP/1.1 502 Bad Gateway"),
        (
            &guarded,
            connect,
            "X: y",
            "HTTP/1.1 407 Proxy Authentication Required",
        ),
        (
            &guarded,
            connect,
            "proxy-authorization: Basic eDp5",
            "HTTP/1.1 200 Connection established",
        ),
    ] {
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        write!(stream, "{line}\r\n{header}\r\n\r\n").unwrap();
        let mut answered = String::new();
        BufReader::new(stream).read_line(&mut answered).unwrap();
        assert_eq!(answered.trim_end(), expected);
    }
    assert_eq!(open.heads()[0], format!("{connect}\r\nX: y\r\n\r\n"));
}

#[test]
fn dropping_the_simulator_stops_it() {
    let simulator = Simulator::builder().spawn().unwrap();
    let address = simulator.address();
    assert!(TcpStream::connect(address).is_ok());
    drop(simulator);
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
        std::thread::yield_now();
    }
}
