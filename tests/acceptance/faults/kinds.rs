//! The columns of the matrix: the faults of a write.

use std::process::{Child, Stdio};
use std::time::Duration;

use cli_harness::Run;
use proxmox_simulator::{self as simulator, RawResponse, Request, Simulator};

use super::super::processes::{providers_of, run_of, signal, wait_for};
use super::super::test_server::TestServer;
use super::operations::Operation;

/// A fault in one write.
pub struct Fault {
    /// What goes wrong.
    pub name: &'static str,
    /// The name of the token that it concerns.
    pub token: &'static str,
    /// What the simulator does.
    kind: fn() -> simulator::Fault,
    /// How many requests it concerns: one, or one for each retry.
    times: usize,
    end: End,
}

/// How the run of the command line ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// By itself.
    Itself,
    /// By itself; the server stops answering.
    ServerGone,
    /// The provider is killed while the response is on its way.
    ProviderKilled,
    /// Everything is killed then, as by a power cut.
    AllKilled,
    /// The user presses Ctrl-C then.
    Interrupted,
}

const fn request(name: &'static str, token: &'static str, kind: fn() -> simulator::Fault) -> Fault {
    Fault {
        name,
        token,
        kind,
        times: 1,
        end: End::Itself,
    }
}

const fn run(
    name: &'static str,
    token: &'static str,
    kind: fn() -> simulator::Fault,
    end: End,
) -> Fault {
    Fault {
        end,
        ..request(name, token, kind)
    }
}

/// Faults of a single request.
pub const REQUESTS: &[Fault] = &[
    request("reset before", "reset", simulator::Fault::dropped_before),
    request(
        "answer lost",
        "lost",
        simulator::Fault::dropped_after_commit,
    ),
    request("595", "down", simulator::Fault::daemon_down),
    request("596 after commit", "hung", simulator::Fault::daemon_hung),
    Fault {
        times: 3,
        ..request("lock held", "locked", simulator::Fault::user_config_locked)
    },
    request("no quorum", "quorum", simulator::Fault::no_quorum),
    request("pmxcfs down", "pmxcfs", simulator::Fault::pmxcfs_down),
    request("disk full", "full", disk_full),
    request("unreadable answer", "garbled", garbled),
];

/// Faults of the whole run.
pub const RUNS: &[Fault] = &[
    run(
        "server gone",
        "gone",
        simulator::Fault::dropped_after_commit,
        End::ServerGone,
    ),
    run("provider killed", "killed", slow, End::ProviderKilled),
    run("all killed", "power", slow, End::AllKilled),
    run("Ctrl-C", "stopped", slow, End::Interrupted),
];

/// Long enough for a signal to arrive before the response does.
fn slow() -> simulator::Fault {
    simulator::Fault::slow(Duration::from_millis(700))
}

fn disk_full() -> simulator::Fault {
    let text = "unable to write '/etc/pve/user.cfg.tmp.53' - No space left on device";
    simulator::Fault::response(RawResponse {
        status: 500,
        reason: text.to_owned(),
        headers: json(),
        body: format!(r#"{{"data":null,"message":"{text}\n"}}"#).into_bytes(),
    })
}

fn garbled() -> simulator::Fault {
    simulator::Fault::response(RawResponse {
        status: 200,
        reason: "OK".to_owned(),
        headers: json(),
        body: br#"{"data":{"val"#.to_vec(),
    })
}

fn json() -> Vec<(String, String)> {
    let kind = "application/json;charset=UTF-8";
    vec![("Content-Type".to_owned(), kind.to_owned())]
}

impl Fault {
    /// Injects it into the write of `operation` for `token`.
    pub fn inject(&self, sim: &Simulator, operation: &'static Operation, token: &'static str) {
        let write = move |request: &Request| operation.write.is(request, token);
        sim.fault((self.kind)().when(write).times(self.times));
    }

    /// Runs the operation to the end that this fault causes.
    pub fn run(
        &self,
        server: &TestServer,
        operation: &'static Operation,
        token: &'static str,
    ) -> Run {
        if self.end == End::Itself {
            return server.try_apply();
        }
        let mut command = server
            .scratch
            .command(["apply", "-auto-approve", "-no-color"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = child.expect("the command line starts");
        wait_for(|| {
            server
                .sim
                .count(|request| operation.write.is(request, token))
                > 0
        });
        self.end_run(server, &child);
        run_of(child.wait_with_output().expect("it ends"))
    }

    fn end_run(&self, server: &TestServer, child: &Child) {
        match self.end {
            End::Itself => {}
            End::ServerGone => server.sim.fault(simulator::Fault::dropped_before()),
            End::Interrupted => signal("INT", child.id()),
            End::ProviderKilled => {
                providers_of(child.id()).for_each(|provider| signal("KILL", provider));
            }
            End::AllKilled => {
                let providers: Vec<u32> = providers_of(child.id()).collect();
                signal("KILL", child.id());
                providers
                    .into_iter()
                    .for_each(|provider| signal("KILL", provider));
            }
        }
    }
}
