//! The steps of the quickstart, each with a line that explains it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cli_harness::{Run, Scratch};
use terraform_provider_proxmox::pve::{
    ApiToken, Client, Context, Credentials, Error, ErrorKind, Settings,
};

use crate::server::Server;
use crate::tools::{self, say};

/// Runs all steps, and cleans up after a failed one.
pub fn run(keep: bool) -> Result<(), String> {
    let cli = tools::command_line()?;
    let binaries = tools::provider()?;
    let server = Server::open()?;
    say(&format!("\n{cli} on {}.", server.description));
    let mut terminal = Terminal::open(Scratch::new(cli, &binaries).map_err(text)?, &server)?;

    if let Some(seed) = &server.totp_secret {
        why(
            "The server refuses a password alone, because the account has a second factor. Automation with a password ends here.",
        );
        terminal.refused("second factor", &["apply", "-auto-approve"])?;
        say("As expected.");
        terminal.scratch.set("PROXMOX_VE_TOTP_SECRET", seed);
    }
    let outcome = life_cycle(&mut terminal, &server, keep);
    match outcome {
        Ok(()) if keep => remain(terminal, &server),
        Ok(()) => {
            say("\nDone. The token is revoked.");
            Ok(())
        }
        Err(problem) => {
            why("A step failed. Cleaning up.");
            terminal.interrupted.store(false, Ordering::Relaxed);
            if !terminal.run(&["destroy", "-auto-approve"]).ok() {
                say(&format!(
                    "The cleanup failed too. If the token {}!{} exists on the host, revoke it manually.",
                    server.user_id, server.token_name
                ));
            }
            Err(problem)
        }
    }
}

/// Creates, uses, updates and revokes the token.
fn life_cycle(terminal: &mut Terminal, server: &Server, keep: bool) -> Result<(), String> {
    if server.totp_secret.is_some() {
        say(
            "\nWith the seed of the one-time codes, the administrator can log in. A password and a seed in the same place are a single factor. Use them to create a token, and the token from then on.",
        );
    }
    why(
        "Create a token, grant it privileges, and check that the host accepts it (`proxmox_host` exists only in the state).",
    );
    terminal.succeeds(&["apply", "-auto-approve"])?;
    let token = terminal.api_token()?;
    terminal.proven = Some((terminal.output("endpoint"), terminal.output("fingerprint")));

    why("The token requires no one-time code. Any HTTPS client can use it.");
    terminal.use_token(&token)?;

    why("A change of the comment is an update in place. The secret stays the same.");
    terminal
        .scratch
        .set("TF_VAR_comment", "VM provisioning, reviewed");
    terminal.succeeds(&["apply", "-auto-approve"])?;
    if terminal.api_token()?.secret.expose() != token.secret.expose() {
        return Err("the secret changed with the comment".to_owned());
    }

    why("The server matches the configuration: the plan is empty.");
    terminal.succeeds(&["plan", "-detailed-exitcode"])?;
    if keep {
        return Ok(());
    }

    why("Destroying the resource revokes the token on the server.");
    terminal.succeeds(&["destroy", "-auto-approve"])?;

    why("The server now refuses the token:");
    terminal.token_is_refused(&token)
}

/// Leaves everything running and prints how to continue.
fn remain(terminal: Terminal, server: &Server) -> Result<(), String> {
    why("The token still exists. To continue, run in another terminal:");
    let simulated = server.totp_secret.is_some();
    let folder = terminal.scratch.path().to_owned();
    say(&format!("  cd {}", folder.display()));
    for (name, value) in terminal.scratch.environment() {
        // Whoever named a real host has its credentials, which are not for a screen.
        if simulated || !name.starts_with("PROXMOX_VE_") {
            let quoted = value.replace('\'', r"'\''");
            say(&format!("  export {name}='{quoted}'"));
        }
    }
    let cli = terminal.scratch.cli().path.clone();
    say(&format!("  {} plan", cli.display()));
    say(&format!("  {} destroy", cli.display()));
    if simulated {
        say("\nThe simulated host and the directory exist until you stop this program (Ctrl-C).");
        terminal
            .runtime
            .block_on(tokio::signal::ctrl_c())
            .map_err(text)
    } else {
        say(
            "\nSet the same PROXMOX_VE_ variables in that terminal. After the destroy, delete the directory: its state files contain the secret of the token.",
        );
        let _ = terminal.scratch.keep();
        Ok(())
    }
}

fn why(line: &str) {
    say(&format!("\n== {line}"));
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The command line in its directory, and an HTTPS client beside it.
struct Terminal {
    scratch: Scratch,
    runtime: tokio::runtime::Runtime,
    /// Address and certificate of the host, once `apply` has proven them.
    proven: Option<(String, String)>,
    /// Set by Ctrl-C: the command that runs ends by itself, and what it made is cleaned up.
    interrupted: Arc<AtomicBool>,
}

impl Terminal {
    fn open(mut scratch: Scratch, server: &Server) -> Result<Self, String> {
        let configuration =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/main.tf");
        let configuration = std::fs::read_to_string(configuration).map_err(text)?;
        scratch.write("main.tf", &configuration).map_err(text)?;
        for (name, value) in &server.environment {
            scratch.set(name, value);
        }
        scratch.set("TF_VAR_user_id", &server.user_id);
        scratch.set("TF_VAR_token_name", &server.token_name);
        if server.totp_secret.is_none() {
            // Which codes of a real account were used is for all runs of this user to know.
            scratch.unset("XDG_RUNTIME_DIR");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(text)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        runtime.spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                flag.store(true, Ordering::Relaxed);
            }
        });
        Ok(Self {
            scratch,
            runtime,
            proven: None,
            interrupted,
        })
    }

    /// Runs a command and shows what it says.
    fn run(&self, arguments: &[&str]) -> Run {
        say(&format!(
            "$ {} {}",
            self.scratch.cli().name,
            arguments.join(" ")
        ));
        let run = self
            .scratch
            .run(arguments.iter().copied().chain(["-no-color"]));
        say(&own_words(&run));
        run
    }

    fn succeeds(&self, arguments: &[&str]) -> Result<(), String> {
        let run = self.run(arguments);
        if self.interrupted.load(Ordering::Relaxed) {
            Err("interrupted".to_owned())
        } else if run.ok() {
            Ok(())
        } else {
            Err(format!("`{}` did not succeed", arguments.join(" ")))
        }
    }

    /// Runs a command that must fail for this reason.
    fn refused(&self, reason: &str, arguments: &[&str]) -> Result<(), String> {
        let run = self.run(arguments);
        if run.ok() || !run.text().contains(reason) {
            let command = arguments.join(" ");
            return Err(format!("`{command}` was not refused for its {reason}"));
        }
        Ok(())
    }

    /// The token that was minted, from the sensitive output.
    fn api_token(&self) -> Result<ApiToken, String> {
        self.output("api_token").parse().map_err(text)
    }

    fn output(&self, name: &str) -> String {
        let run = self.scratch.run(["output", "-raw", "-no-color", name]);
        run.stdout.trim().to_owned()
    }

    /// An HTTPS client for the host as Terraform has proven it: same address, same certificate.
    fn client(&self, token: &ApiToken) -> Result<Client, String> {
        let (endpoint, fingerprint) = self.proven.as_ref().ok_or("nothing was proven yet")?;
        let mut settings = Settings::new(
            endpoint.parse().map_err(text)?,
            Credentials::Token(token.clone()),
        );
        settings.tls.fingerprints = vec![fingerprint.parse().map_err(text)?];
        Ok(Client::new(settings))
    }

    fn use_token(&self, token: &ApiToken) -> Result<(), String> {
        let client = self.client(token)?;
        let context = Context::default();
        say(&format!("GET /version as {}", token.id));
        let version = self
            .runtime
            .block_on(client.version(&context))
            .map_err(text)?;
        say(&format!("  Proxmox VE {}", version.version));
        say("GET /access/permissions?path=/vms");
        let held = self
            .runtime
            .block_on(client.permissions("/vms", &context))
            .map_err(text)?;
        say(&format!(
            "  {}",
            held.names().collect::<Vec<_>>().join(", ")
        ));
        Ok(())
    }

    fn token_is_refused(&self, token: &ApiToken) -> Result<(), String> {
        let client = self.client(token)?;
        say(&format!("GET /version as {}", token.id));
        match self.runtime.block_on(client.version(&Context::default())) {
            Err(
                error @ Error {
                    kind: ErrorKind::Unauthenticated { .. },
                    ..
                },
            ) => {
                say(&format!("  {error}"));
                Ok(())
            }
            Ok(_) => Err("the revoked token still works".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What a command printed, without the notice that the provider is a local build.
fn own_words(run: &Run) -> String {
    const NOTICE: &str = "Provider development overrides are in effect";
    let printed = format!("{}\n{}", run.stdout.trim_end(), run.stderr.trim_end());
    let mut words = Vec::new();
    let mut in_notice = false;
    for line in printed.trim().lines() {
        in_notice |= line.contains(NOTICE);
        if !in_notice {
            words.push(line);
        }
        // Its last sentence is about published releases, in both command lines.
        in_notice &= !line.contains("releases.");
    }
    words.join("\n").trim().to_owned()
}
