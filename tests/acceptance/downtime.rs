//! A client that always uses the current secret, while secrets rotate: it must never be refused.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use cli_harness::Cli;
use proxmox_simulator::{Fault, Version};
use serde_json::Value;
use terraform_provider_proxmox::pve::{
    ApiToken, Client, Context, Credentials, Error, ErrorKind, Settings, TlsPolicy,
};

use super::Scenario;
use super::test_server::TestServer;

pub const SCENARIOS: &[Scenario] = scenarios![
    five_rotations_with_overlap_have_none,
    five_rotations_with_overlap_have_none_on_proxmox_ve_8_2,
    a_rotation_without_overlap_has_a_moment,
];

/// How often the client uses the secret.
const PACE: Duration = Duration::from_millis(50);

fn five_rotations_with_overlap_have_none(cli: &Cli) {
    let seen = five_rotations(&TestServer::new(cli), r#"rotation = { overlap = "48h" }"#);
    assert_eq!(seen.refused, 0, "of {} uses", seen.uses);
}

fn five_rotations_with_overlap_have_none_on_proxmox_ve_8_2(cli: &Cli) {
    let server = TestServer::with(cli, Version::V8_2);
    let seen = five_rotations(&server, r#"rotation = { overlap = "48h" }"#);
    assert_eq!(seen.refused, 0, "of {} uses", seen.uses);
}

/// Without it there is a moment between the server's change and the state in which it is noted.
fn a_rotation_without_overlap_has_a_moment(cli: &Cli) {
    let seen = five_rotations(&TestServer::new(cli), "");
    assert!(
        seen.refused > 0,
        "not one of {} uses was refused",
        seen.uses
    );
}

/// What the client saw.
struct Seen {
    uses: usize,
    refused: usize,
}

fn five_rotations(server: &TestServer, rotation: &str) -> Seen {
    let config = |value: u32| {
        format!(
            r#"resource "proxmox_api_token" "t" {{
  user_id = "demo@pve"
  token_name = "ci"
  {rotation}
  rotate_when_changed = {{ key = "{value}" }}
}}
"#
        )
    };
    server.main(&config(0));
    server.apply();
    // The answers to changes take their time, as over a long line.
    let writes = |request: &proxmox_simulator::Request| request.method != "GET";
    let slow = Fault::slow(3 * PACE).when(writes);
    server.sim.fault(slow);
    let client = Consumer::of(server).start();
    for value in 1..=5 {
        server.main(&config(value));
        server.apply();
    }
    client.stop()
}

/// Somebody who looks up the secret each time, and uses it.
struct Consumer {
    state: PathBuf,
    settings: Settings,
}

/// The same at work.
struct Working {
    done: Arc<AtomicBool>,
    thread: thread::JoinHandle<Seen>,
}

impl Consumer {
    fn of(server: &TestServer) -> Self {
        let endpoint = server.sim.endpoint().parse().expect("an address");
        let pin = server.sim.certificate_fingerprint().parse();
        Self {
            state: server.scratch.file("terraform.tfstate"),
            settings: Settings {
                tls: TlsPolicy {
                    fingerprints: vec![pin.expect("a fingerprint")],
                    ..TlsPolicy::default()
                },
                ..Settings::new(endpoint, Credentials::None)
            },
        }
    }

    fn start(self) -> Working {
        let done = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&done);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let thread = thread::spawn(move || runtime.block_on(self.work(&told)));
        Working { done, thread }
    }

    async fn work(self, done: &AtomicBool) -> Seen {
        let mut seen = Seen {
            uses: 0,
            refused: 0,
        };
        let mut pace = tokio::time::interval(PACE);
        while !done.load(Relaxed) {
            pace.tick().await;
            let Some(token) = self.current() else {
                continue;
            };
            seen.uses += 1;
            match self.client(token).version(&Context::default()).await {
                Ok(_) => {}
                Err(Error {
                    kind: ErrorKind::Unauthenticated { .. },
                    ..
                }) => seen.refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        seen
    }

    /// The secret that the state names; none in the moment in which it is being written.
    fn current(&self) -> Option<ApiToken> {
        let state = std::fs::read_to_string(&self.state).ok()?;
        let state: Value = serde_json::from_str(&state).ok()?;
        let attributes = &state["resources"][0]["instances"][0]["attributes"];
        attributes["api_token"].as_str()?.parse().ok()
    }

    fn client(&self, token: ApiToken) -> Client {
        Client::new(Settings {
            credentials: Credentials::Token(token),
            ..self.settings.clone()
        })
    }
}

impl Working {
    fn stop(self) -> Seen {
        self.done.store(true, Relaxed);
        let seen = self.thread.join().expect("the client works to the end");
        assert!(seen.uses > 20, "only {} uses", seen.uses);
        seen
    }
}
