//! An environment for the commands, and a simulated Proxmox VE.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use proxmox_simulator::{Simulator, State};
use tempfile::TempDir;

/// The password of `demo@pve`.
pub const PASSWORD: &str = "correct horse battery";

const BINARY: &str = env!("CARGO_BIN_EXE_terraform-provider-proxmox");

/// A simulator, and the environment of the commands that are run against it. Each run asserts
/// that no secret was shown.
pub struct Shell {
    pub sim: Simulator,
    variables: BTreeMap<String, String>,
    runtime_directory: TempDir,
    secrets: Vec<String>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Shell {
    /// An environment that names the simulator and trusts its certificate, without credentials.
    pub fn new() -> Self {
        let sim = Simulator::builder().spawn().unwrap();
        sim.state(|state| state.add_user("demo@pve", PASSWORD));
        let (endpoint, fingerprint) = (sim.endpoint(), sim.certificate_fingerprint().to_owned());
        let shell = Self {
            sim,
            variables: BTreeMap::new(),
            runtime_directory: TempDir::new().unwrap(),
            secrets: vec![PASSWORD.to_owned()],
        };
        shell
            .with("PROXMOX_VE_ENDPOINT", &endpoint)
            .with("PROXMOX_VE_CERTIFICATE_FINGERPRINTS", &fingerprint)
    }

    /// The same with a token in the environment that may do everything.
    pub fn with_token() -> Self {
        let mut shell = Self::new();
        let secret = shell.token("root@pam!admin");
        shell.with("PROXMOX_VE_API_TOKEN", &format!("root@pam!admin={secret}"))
    }

    /// Sets a variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Unsets a variable.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Changes what the server knows.
    pub fn state(self, change: impl FnOnce(&mut State)) -> Self {
        self.sim.state(change);
        self
    }

    /// Makes a token without privilege separation and returns its secret, which is never to be
    /// shown.
    pub fn token(&mut self, id: &str) -> String {
        let secret = self.sim.state(|state| state.add_token(id, false, None, 0));
        self.secrets.push(secret.clone());
        secret
    }

    /// Runs the binary, with these lines on standard input.
    pub fn run(&self, arguments: &[&str], lines: &[&str]) -> Ended {
        self.start(Command::new(BINARY).args(arguments), lines)
    }

    /// Runs a line of shell, in which `$BINARY` is the binary.
    pub fn sh(&self, line: &str, lines: &[&str]) -> Ended {
        self.start(Command::new("/bin/sh").args(["-c", line]), lines)
    }

    fn start(&self, command: &mut Command, lines: &[&str]) -> Ended {
        let mut child = command
            .env_clear()
            .env("BINARY", BINARY)
            .env("XDG_RUNTIME_DIR", self.runtime_directory.path())
            .envs(&self.variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        for line in lines {
            // A command that needs no response may have ended already.
            let _ = writeln!(stdin, "{line}");
        }
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let ended = Ended {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        for secret in &self.secrets {
            assert!(!ended.stdout.contains(secret), "{ended:?}");
            assert!(!ended.stderr.contains(secret), "{ended:?}");
        }
        ended
    }
}

/// An address at which nothing listens.
pub fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
