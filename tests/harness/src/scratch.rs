//! A temporary directory in which a command line runs as on a fresh machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use super::Cli;

/// Source address of the provider in configurations.
const SOURCE: &str = "depl0y/proxmox";

/// What one run of a command line printed, and whether it succeeded.
#[derive(Clone, Debug)]
pub struct Run {
    /// Exit status; none when it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Whether it exited with 0.
    pub fn ok(&self) -> bool {
        self.code == Some(0)
    }

    /// Everything that was printed, with line breaks and frames taken out, so that a sentence can
    /// be looked for wherever the program wrapped it.
    pub fn text(&self) -> String {
        let printed = format!("{}\n{}", self.stdout, self.stderr);
        let plain = printed.replace(['│', '╷', '╵'], " ");
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A directory with a configuration, a state, and a provider binary to run it with.
pub struct Scratch {
    cli: Cli,
    folder: TempDir,
    environment: Vec<(String, String)>,
    printed: Printed,
}

/// What the runs in a directory printed, where a scan for leaked secrets asks for it.
pub type Printed = Arc<Mutex<Vec<String>>>;

/// The variable that asks for a scan: each run then logs at the highest level, and what it prints is
/// kept.
pub const LEAK_SCAN: &str = "LEAK_SCAN";

/// The log of the provider in a directory, during a scan.
pub const TRACE_LOG: &str = "leak-scan.log";

/// The commands that are there to print what a state holds.
const PRINTS_STATE: [&str; 4] = ["output", "show", "state", "console"];

impl Scratch {
    /// A new directory for this command line, in which the provider is the binary in `binaries`
    /// (a folder that holds `terraform-provider-proxmox`).
    pub fn new(cli: Cli, binaries: &Path) -> std::io::Result<Self> {
        Self::for_provider(cli, SOURCE, binaries)
    }

    /// The same for the provider with this source address, such as `example/toy`, whose binary is
    /// `terraform-provider-toy`.
    pub fn for_provider(cli: Cli, source: &str, binaries: &Path) -> std::io::Result<Self> {
        // The state in it holds secrets, also of real hosts.
        let mut private = tempfile::Builder::new();
        #[cfg(unix)]
        private.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = private.prefix("terraform-").tempdir()?;
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let environment = [
            ("CHECKPOINT_DISABLE", "1".to_owned()),
            ("TF_CLI_CONFIG_FILE", at("cli.tfrc")),
            ("TF_DATA_DIR", at(".terraform")),
            ("XDG_RUNTIME_DIR", at("run")),
        ];
        let settings = format!(
            r"provider_installation {{
  dev_overrides {{
    {source:?} = {binaries:?}
  }}
  direct {{}}
}}
"
        );
        fs::write(folder.path().join("cli.tfrc"), settings)?;
        Ok(Self {
            cli,
            folder,
            environment: environment
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            printed: Printed::default(),
        })
    }

    /// What the runs here print, from now on.
    pub fn printed(&self) -> Printed {
        Arc::clone(&self.printed)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command line that runs here.
    pub fn cli(&self) -> &Cli {
        &self.cli
    }

    /// Writes a file of the configuration.
    pub fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        fs::write(self.path().join(name), text)
    }

    /// Sets an environment variable for every run from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Takes an environment variable back.
    pub fn unset(&mut self, name: &str) {
        self.environment.retain(|(other, _)| other != name);
    }

    /// What is set for every run.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Leaves the directory where it is instead of removing it.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// A command ready to start here, with nothing of the caller's environment but PATH, HOME and TMPDIR.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let kept = ["PATH", "HOME", "TMPDIR"];
        let mut command = Command::new(&self.cli.path);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs(
                kept.into_iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(self.trace())
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// The variables that make the provider log everything into a file, during a scan for leaks.
    /// Where a test asks for a log itself, that log is scanned.
    fn trace(&self) -> impl IntoIterator<Item = (&'static str, PathBuf)> + use<> {
        let mut set = self.environment.iter();
        let has_log = set.any(|(name, _)| name.starts_with("TF_LOG"));
        let scans = std::env::var_os(LEAK_SCAN).is_some() && !has_log;
        let variables = scans.then(|| {
            [
                ("TF_LOG_PROVIDER", PathBuf::from("TRACE")),
                ("TF_LOG_PATH", self.file(TRACE_LOG)),
            ]
        });
        variables.into_iter().flatten()
    }

    /// Runs a command to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        let arguments: Vec<S> = arguments.into_iter().collect();
        let prints_state = arguments.first().is_some_and(|command| {
            let command = command.as_ref().to_string_lossy();
            PRINTS_STATE.contains(&command.as_ref())
        });
        let run = self.output_of(self.command(arguments));
        if std::env::var_os(LEAK_SCAN).is_some() && !prints_state {
            let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
            printed.push(format!("{}\n{}", run.stdout, run.stderr));
        }
        run
    }

    fn output_of(&self, mut command: Command) -> Run {
        match command.output() {
            Ok(output) => Run {
                code: output.status.code(),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            },
            Err(error) => Run {
                code: None,
                stdout: String::new(),
                stderr: format!("{}: {error}", self.cli.path.display()),
            },
        }
    }

    /// A path of a file here.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}
