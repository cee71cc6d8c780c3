//! The columns: everything that can go wrong with a write.

use std::{
    fs,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use cli_harness::Run;
use proxmox_simulator::{Fault, RawAnswer, Request, Simulator};

use super::{super::stage::Stage, points::Point};

/// One fault.
pub struct Strike {
    /// What goes wrong.
    pub name: &'static str,
    /// The name of the token that it strikes.
    pub token: &'static str,
    fault: fn() -> Fault,
    /// How many requests it strikes: one, or as many as are tried.
    times: usize,
    end: End,
}

/// How the run of the command line ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// By itself.
    Itself,
    /// By itself, and nothing answers any more.
    NobodyAnswers,
    /// The provider is killed while the answer is on its way.
    ProviderKilled,
    /// Everything is killed then, as by a power cut.
    AllKilled,
    /// The person presses Ctrl-C then.
    Interrupted,
}

const fn request(name: &'static str, token: &'static str, fault: fn() -> Fault) -> Strike {
    Strike {
        name,
        token,
        fault,
        times: 1,
        end: End::Itself,
    }
}

const fn run(name: &'static str, token: &'static str, fault: fn() -> Fault, end: End) -> Strike {
    Strike {
        end,
        ..request(name, token, fault)
    }
}

/// Faults that strike one request.
pub const REQUESTS: &[Strike] = &[
    request("reset before", "reset", Fault::dropped_before),
    request("answer lost", "lost", Fault::dropped_after_commit),
    request("595", "down", Fault::daemon_down),
    request("596 after commit", "hung", Fault::daemon_hung),
    Strike {
        times: 3,
        ..request("lock held", "locked", Fault::user_config_locked)
    },
    request("no quorum", "quorum", Fault::no_quorum),
    request("pmxcfs down", "pmxcfs", Fault::pmxcfs_down),
    request("disk full", "full", disk_full),
    request("unreadable answer", "garbled", garbled),
];

/// Faults that concern the whole run.
pub const RUNS: &[Strike] = &[
    run(
        "server gone",
        "gone",
        Fault::dropped_after_commit,
        End::NobodyAnswers,
    ),
    run("provider killed", "killed", slow, End::ProviderKilled),
    run("all killed", "power", slow, End::AllKilled),
    run("Ctrl-C", "stopped", slow, End::Interrupted),
];

/// Long enough for a signal to arrive before the answer does.
fn slow() -> Fault {
    Fault::slow(Duration::from_millis(700))
}

fn disk_full() -> Fault {
    let text = "unable to write '/etc/pve/user.cfg.tmp.53' - No space left on device";
    Fault::answer(RawAnswer {
        status: 500,
        reason: text.to_owned(),
        headers: json(),
        body: format!(r#"{{"data":null,"message":"{text}\n"}}"#).into_bytes(),
    })
}

fn garbled() -> Fault {
    Fault::answer(RawAnswer {
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

impl Strike {
    /// Lets it strike the write of `point` for `token`.
    pub fn set(&self, sim: &Simulator, point: &'static Point, token: &'static str) {
        let write = move |request: &Request| point.write.is(request, token);
        sim.fault((self.fault)().when(write).times(self.times));
    }

    /// Runs the operation to the end that this fault makes of it.
    pub fn run(&self, stage: &Stage, point: &'static Point, token: &'static str) -> Run {
        if self.end == End::Itself {
            return stage.try_apply();
        }
        let mut command = stage
            .scratch
            .command(["apply", "-auto-approve", "-no-color"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = child.expect("the command line starts");
        wait_for(|| stage.sim.count(|request| point.write.is(request, token)) > 0);
        self.strike(stage, &child);
        run_of(child.wait_with_output().expect("it ends"))
    }

    fn strike(&self, stage: &Stage, child: &Child) {
        match self.end {
            End::Itself => {}
            End::NobodyAnswers => stage.sim.fault(Fault::dropped_before()),
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

fn run_of(output: Output) -> Run {
    Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn wait_for(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the write never came"
        );
        thread::sleep(Duration::from_millis(2));
    }
}

/// By the shell, whose `kill` is always there.
fn signal(name: &str, process: u32) {
    let kill = format!("kill -{name} {process}");
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.is_ok(), "no signal was sent");
}

/// The provider processes that a command line has started, as Linux tells them.
fn providers_of(parent: u32) -> impl Iterator<Item = u32> {
    let processes = fs::read_dir("/proc").expect("the processes");
    let names = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let children: Vec<u32> = names
        .filter_map(|name| name.parse().ok())
        .filter(|process| parent_of(*process) == Some(parent))
        .collect();
    assert!(!children.is_empty(), "there is no provider to kill");
    children.into_iter()
}

/// The second field behind the program's name, which is in brackets.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}
