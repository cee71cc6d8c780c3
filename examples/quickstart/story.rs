//! The steps, in order, each with a line of why.

use std::{path::Path, thread};

use cli_harness::{Run, Scratch};
use terraform_provider_proxmox::pve::{ApiToken, Call, Client, Credentials, Error, Settings};

use crate::{
    server::Server,
    tools::{self, say},
};

/// Plays the whole story; what went wrong otherwise.
pub fn tell(keep: bool) -> Result<(), String> {
    let cli = tools::command_line()?;
    let binaries = tools::provider()?;
    let server = Server::open()?;
    say(&format!("\n{cli} on {}.", server.description));
    let mut terminal = Terminal::open(Scratch::new(cli, &binaries).map_err(text)?, &server)?;

    if let Some(seed) = &server.totp_secret {
        why(
            "A password alone is refused: the account has a second factor, so nothing can be automated with it.",
        );
        terminal.refused(&["apply", "-auto-approve"])?;
        terminal.scratch.set("PROXMOX_VE_TOTP_SECRET", seed);
    }
    let outcome = life(&mut terminal, keep);
    match outcome {
        Ok(()) if keep => remain(terminal, &server),
        Ok(()) => Ok(()),
        Err(problem) => {
            why("Something went wrong: cleaning up.");
            let _ = terminal.run(&["destroy", "-auto-approve"]);
            Err(problem)
        }
    }
}

/// Mint, use, change, revoke.
fn life(terminal: &mut Terminal, keep: bool) -> Result<(), String> {
    why("Once, with the second factor: mint a token, scope it, and prove that a host takes it.");
    terminal.succeeds(&["apply", "-auto-approve"])?;
    let token = terminal.api_token()?;
    terminal.proven = Some((terminal.output("endpoint"), terminal.output("fingerprint")));

    why("The token needs no code: any HTTPS client can use it.");
    terminal.use_token(&token)?;

    why("A changed comment is changed in place; the secret stays as it is.");
    terminal
        .scratch
        .set("TF_VAR_comment", "VM provisioning, reviewed");
    terminal.succeeds(&["apply", "-auto-approve"])?;
    if terminal.api_token()?.secret.expose() != token.secret.expose() {
        return Err("the secret changed with the comment".to_owned());
    }

    why("What is there is what is written: the plan is empty.");
    terminal.succeeds(&["plan", "-detailed-exitcode"])?;
    if keep {
        return Ok(());
    }

    why("Destroying it revokes the token on the server.");
    terminal.succeeds(&["destroy", "-auto-approve"])?;

    why("The token is refused from now on.");
    terminal.token_is_refused(&token)
}

/// Leaves everything as it is and says how to go on.
fn remain(terminal: Terminal, server: &Server) -> Result<(), String> {
    why("Left running. In another terminal:");
    let cli = terminal.scratch.cli().path.clone();
    let settings = terminal.scratch.environment().to_vec();
    let folder = terminal.scratch.keep();
    say(&format!("  cd {}", folder.display()));
    for (name, value) in settings {
        say(&format!(
            "  export {name}='{}'",
            value.replace('\'', r"'\''")
        ));
    }
    say(&format!("  {} plan", cli.display()));
    say(&format!("  {} destroy", cli.display()));
    if server.totp_secret.is_some() {
        say("\nThe simulated host runs until you stop this program (Ctrl-C).");
        loop {
            thread::park();
        }
    }
    Ok(())
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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(text)?;
        Ok(Self {
            scratch,
            runtime,
            proven: None,
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
        if self.run(arguments).ok() {
            Ok(())
        } else {
            Err(format!("`{}` did not succeed", arguments.join(" ")))
        }
    }

    fn refused(&self, arguments: &[&str]) -> Result<(), String> {
        if self.run(arguments).ok() {
            Err(format!(
                "`{}` succeeded without a second factor",
                arguments.join(" ")
            ))
        } else {
            Ok(())
        }
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
        let call = Call::default();
        say(&format!("GET /version as {}", token.id));
        let version = self.runtime.block_on(client.version(&call)).map_err(text)?;
        say(&format!("  Proxmox VE {}", version.version));
        say("GET /access/permissions?path=/vms");
        let held = self
            .runtime
            .block_on(client.permissions("/vms", &call))
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
        match self.runtime.block_on(client.version(&Call::default())) {
            Err(error @ Error::Unauthenticated { .. }) => {
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
