//! The privileged daemon: its workers, its lock, and what shows while it hangs.

mod support {
    #[allow(
        dead_code,
        reason = "shared with the conformance test, which uses all of it"
    )]
    pub mod client;
}

use std::time::{Duration, Instant};

use proxmox_simulator::{Fault, Simulator};
use support::client::Client;

const TOKEN: &str = "/access/users/demo@pve/token/t1";
const GRANT: &str = "path=/vms&roles=PVEAuditor&tokens=demo@pve!t1";

/// A simulator with a user, and a token that may do everything.
struct Given {
    simulator: Simulator,
    secret: String,
}

fn given(scale: f64) -> Given {
    let simulator = Simulator::builder().time_scale(scale).spawn().unwrap();
    let secret = simulator.state(|state| {
        state.add_user("demo@pve", "demo-pass-1");
        state.add_token("root@pam!admin", false, None, 0)
    });
    Given { simulator, secret }
}

impl Given {
    fn client(&self) -> Client {
        Client::encrypted(self.simulator.address(), self.simulator.ca_pem())
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        self.request_of("root@pam!admin", &self.secret, method, path, body)
    }

    fn request_of(&self, id: &str, secret: &str, method: &str, path: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        format!(
            "{method} /api2/json{path} HTTP/1.1\r\nHost: localhost\r\n\
             Authorization: PVEAPIToken={id}={secret}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    fn call(&self, method: &str, path: &str, body: &str) -> String {
        let mut client = self.client();
        client.send(&self.request(method, path, body));
        client
            .receive()
            .map_or_else(|| "no answer".to_owned(), |answer| answer.status_line)
    }

    fn has_token(&self) -> bool {
        self.simulator
            .state(|state| state.token("demo@pve", "t1").is_some())
    }

    /// What a token gets with this secret.
    fn try_secret(&self, secret: &str) -> String {
        let mut client = self.client();
        client.send(&self.request_of("demo@pve!t1", secret, "GET", "/version", ""));
        client.receive().unwrap().status_line
    }
}

fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "it never came about");
        std::thread::yield_now();
    }
}

#[test]
fn a_secret_works_until_the_daemon_that_hangs_goes_on() {
    let given = given(0.001);
    let old = given
        .simulator
        .state(|state| state.add_token("demo@pve!t1", true, None, 0));
    given
        .simulator
        .fault(Fault::daemon_hangs().on("PUT", "*/token/*").times(1));
    assert_eq!(
        given.call("PUT", TOKEN, "regenerate=1"),
        "HTTP/1.1 596 Connection timed out"
    );
    let waited = given.simulator.requests()[0].waited;
    assert_eq!(waited, Duration::from_secs(30));
    assert_eq!(given.try_secret(&old), "HTTP/1.1 200 OK");
    // Reads that the proxy answers itself show what was before; the daemon's get no response.
    assert_eq!(given.call("GET", TOKEN, ""), "HTTP/1.1 200 OK");
    assert_eq!(
        given.call("GET", "/access/users", ""),
        "HTTP/1.1 596 Connection timed out"
    );
    given.simulator.resume_daemon();
    until(|| {
        given
            .simulator
            .state(|state| state.token_secret("demo@pve!t1") != Some(&old))
    });
    assert_eq!(
        given.try_secret(&old),
        "HTTP/1.1 401 Authentication failed!"
    );
    assert_eq!(given.call("GET", "/access/users", ""), "HTTP/1.1 200 OK");
}

#[test]
fn what_was_asked_of_a_daemon_that_hangs_is_done_in_order() {
    let given = given(0.001);
    given
        .simulator
        .fault(Fault::daemon_hangs().on("POST", "*").times(1));
    let timed_out = "HTTP/1.1 596 Connection timed out";
    assert_eq!(given.call("POST", TOKEN, ""), timed_out);
    assert_eq!(given.call("PUT", "/access/acl", GRANT), timed_out);
    assert!(!given.has_token());
    given.simulator.resume_daemon();
    until(|| given.simulator.state(|state| !state.acl().is_empty()));
    assert!(given.has_token());
}

#[test]
fn a_client_that_gave_up_gets_its_write_all_the_same() {
    let given = given(0.001);
    let mut client = given.client();
    given
        .simulator
        .fault(Fault::daemon_hangs_in_silence().on("POST", "*").times(1));
    client.send(&given.request("POST", TOKEN, ""));
    until(|| given.simulator.count(|request| request.method == "POST") == 1);
    drop(client);
    assert!(!given.has_token());
    given.simulator.clear_faults();
    until(|| given.has_token());
}

#[test]
fn a_daemon_that_goes_on_in_time_responds() {
    let given = given(1.0);
    let going_on = Duration::from_millis(50);
    given
        .simulator
        .fault(Fault::daemon_hangs().going_on_after(going_on).times(1));
    let began = Instant::now();
    assert_eq!(given.call("POST", TOKEN, ""), "HTTP/1.1 200 OK");
    assert!(began.elapsed() >= going_on);
    assert!(given.has_token());
}

/// 50 creations took genuine daemons 0.57 s by one writer and 2.0 s by ten writers.
#[test]
fn many_writers_wait_for_a_worker_before_they_meet_the_lock() {
    let given = given(1.0);
    let write = |writer: usize, writes: usize| {
        for number in 0..writes {
            let path = format!("/access/users/demo@pve/token/w{writer}-{number}");
            assert_eq!(given.call("POST", &path, ""), "HTTP/1.1 200 OK");
        }
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..10 {
            scope.spawn(move || write(writer, 5));
        }
    });
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(500), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_broken_pipe_does_not_tell_whether_the_write_was_done() {
    for (fault, done) in [
        (Fault::broken_pipe(), false),
        (Fault::broken_pipe_after_commit(), true),
    ] {
        let given = given(0.001);
        given.simulator.fault(fault);
        let answer = given.call("POST", TOKEN, "");
        assert_eq!(answer, "HTTP/1.1 596 Broken pipe");
        assert_eq!(given.has_token(), done);
    }
}

#[test]
fn a_node_without_quorum_refuses_after_ten_seconds() {
    let given = given(0.001);
    given.simulator.fault(Fault::no_quorum());
    let refused =
        "HTTP/1.1 500 generating token failed: cfs-lock 'file-user_cfg' error: no quorum!";
    assert_eq!(given.call("POST", TOKEN, ""), refused);
    let waited = given.simulator.requests()[0].waited;
    assert_eq!(waited, Duration::from_secs(10));
}

#[test]
fn a_node_without_figures_is_unknown_and_only_a_node_that_is_away_is_offline() {
    let given = given(0.001);
    given.simulator.state(|state| {
        state.add_node("pve2", false);
        state.nodes.iter_mut().for_each(|node| node.reports = false);
    });
    let mut client = given.client();
    client.send(&given.request("GET", "/nodes", ""));
    let body = client.receive().unwrap().body;
    let nodes: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(nodes["data"][0]["status"], "unknown");
    assert_eq!(nodes["data"][1]["status"], "offline");
    assert!(nodes["data"][1]["ssl_fingerprint"].is_null());
}
