//! The process of the provider, started as go-plugin starts it.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use terraform_provider_proxmox::plugin::proto::provider_client::ProviderClient;
use tonic::transport::Channel;

use super::client::{self, Credentials};
use super::within_limit;

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A process that is being set up. Its directory for temporary files is its own, so that a test
/// can see what it leaves behind.
pub struct Launch {
    command: Command,
    temporary: TempDir,
    credentials: Credentials,
}

impl Launch {
    /// With everything that Terraform says.
    pub fn like_terraform() -> Self {
        let credentials = Credentials::generate();
        let mut launch = Self::bare(credentials);
        let pem = launch.credentials.pem.clone();
        launch
            .command
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .env("PLUGIN_CLIENT_CERT", pem);
        launch
    }

    /// The way a person starts it.
    pub fn by_hand(arguments: &[&str]) -> Self {
        let mut launch = Self::bare(Credentials::generate());
        launch.command.args(arguments);
        launch
    }

    fn bare(credentials: Credentials) -> Self {
        let temporary = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_terraform-provider-proxmox"));
        command
            .env_clear()
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self {
            command,
            temporary,
            credentials,
        }
    }

    /// The same as a child of a shell, which stands for a parent that can be killed.
    pub fn below_a_shell(mut self) -> Self {
        let binary = self.command.get_program().to_owned();
        let environment: Vec<_> = self
            .command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", "\"$0\" & wait"])
            .arg(binary)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.command = shell;
        self
    }

    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    pub fn without(mut self, variable: &str) -> Self {
        self.command.env_remove(variable);
        self
    }

    /// Starts it and reads the first line of its output.
    pub fn start(mut self) -> Process {
        let mut child = self.command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            let _ = stderr.read_to_string(&mut log);
            log
        });
        Process {
            line,
            credentials: self.credentials,
            temporary: self.temporary,
            child,
            stdout,
            log: Some(log),
        }
    }

    /// Runs it to its end.
    pub async fn run(self) -> Ended {
        self.start().ended().await
    }
}

/// A running process. It is killed when a test drops it.
pub struct Process {
    /// The first line of its output.
    pub line: String,
    /// The certificate it was given, with its key.
    pub credentials: Credentials,
    /// Its directory for temporary files.
    pub temporary: TempDir,
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Option<JoinHandle<String>>,
}

/// What remains of a process.
pub struct Ended {
    pub status: ExitStatus,
    /// All of its output.
    pub stdout: String,
    pub stderr: String,
    /// What it left in its directory for temporary files.
    pub left_behind: usize,
}

impl Process {
    /// The fields of the handshake line.
    pub fn fields(&self) -> Vec<&str> {
        self.line.trim_end().split('|').collect()
    }

    pub fn socket(&self) -> PathBuf {
        self.fields()[3].into()
    }

    /// The certificate that the handshake line promises.
    pub fn certificate(&self) -> CertificateDer<'static> {
        STANDARD_NO_PAD.decode(self.fields()[5]).unwrap().into()
    }

    /// A connection with the certificate that it was given.
    pub async fn connect(&self) -> Channel {
        let connected = client::connect(self, &self.credentials).await;
        connected.unwrap()
    }

    /// The provider service, for messages of the size that Terraform takes.
    pub async fn provider(&self) -> ProviderClient<Channel> {
        client::provider(self.connect().await)
    }

    /// The value of `TF_REATTACH_PROVIDERS` in the output of `--debug`.
    pub fn reattach(&mut self) -> serde_json::Value {
        let mut line = String::new();
        while !line.contains("TF_REATTACH_PROVIDERS") {
            line.clear();
            assert_ne!(self.stdout.read_line(&mut line).unwrap(), 0);
        }
        let (_, value) = line.split_once('=').unwrap();
        serde_json::from_str(value.trim().trim_matches('\'')).unwrap()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
    }

    /// Kills the shell of [`Launch::below_a_shell`], without a word to the provider.
    pub fn kill_parent(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> Ended {
        let ended = tokio::task::spawn_blocking(move || {
            let status = self.child.wait().unwrap();
            let mut stdout = std::mem::take(&mut self.line);
            self.stdout.read_to_string(&mut stdout).unwrap();
            Ended {
                status,
                stdout,
                stderr: self.log.take().unwrap().join().unwrap(),
                left_behind: self.temporary.path().read_dir().unwrap().count(),
            }
        });
        within_limit(ended).await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
