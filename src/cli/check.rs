//! The command `check`: the connection check from a shell.

use std::fmt::Write;

use crate::cli::args::Options;
use crate::cli::exit::{Exit, Failure};
use crate::cli::options::{Command, WORDS, help};
use crate::cli::prompt::ask_secretly;
use crate::cli::settings::{answered, client};
use crate::cli::terminal::print;
use crate::printable::escaped;
use crate::provider::diagnostics::{Explanation, explain_check};
use crate::provider::host::check_result::Outcome;
use crate::provider::host::facts::Facts;
use crate::provider::settings::credentials::{API_TOKEN_ID, CredentialSettings, USERNAME};
use crate::pve::diagnosis::Report;
use crate::pve::{Context, diagnosis};

const ABOUT: &str = "\
NAME
  terraform-provider-proxmox check - check the connection to Proxmox VE

SYNOPSIS
  terraform-provider-proxmox check [OPTIONS]

DESCRIPTION
  Checks the connection in stages, from the address to the privileges, and prints the result.
  Nothing is changed on the server.

  Secrets are not options, because any user of the machine can read the arguments of a process. The
  password of --username and the secret of --api-token-id are read from the environment, or else
  prompted for: on a terminal without echo, otherwise from one line of standard input.

OPTIONS
";

const DETAILS: &str = "
  Options take precedence over the environment. --ca-certificate and --fingerprint replace all
  certificate settings of the environment.

ENVIRONMENT
  PROXMOX_VE_ENDPOINT          Address of a node
  PROXMOX_VE_API_TOKEN         API token ID and secret in one string, or
  PROXMOX_VE_API_TOKEN_ID      ID of the API token, with
  PROXMOX_VE_API_TOKEN_SECRET  its secret, or
  PROXMOX_VE_USERNAME          user to log in as, with
  PROXMOX_VE_PASSWORD          the password

  The index page of the documentation lists all variables of the provider.

EXIT STATUS
  0  Success, also with nodes of the cluster offline (ok, cluster_degraded)
  1  Other failure, such as an output that cannot be written
  2  Invalid arguments or settings, without a connection (invalid_endpoint)
  3  Host unreachable (dns_failure, connection_refused, timeout)
  4  TLS failure (tls_untrusted, tls_name_mismatch, tls_expired, tls_fingerprint_mismatch)
  5  Server is not Proxmox VE (not_proxmox)
  6  Authentication or second factor rejected (unauthenticated, second_factor_required)
  7  Privileges missing (permission_denied, missing_privileges)
  8  Host or cluster failure (no_quorum, server_error, unsupported_version)

EXAMPLES
  Check the token in the environment, and that it may create virtual machines:

    terraform-provider-proxmox check --require /vms=VM.Allocate

  Check a token of which only the ID is known, and type the secret:

    terraform-provider-proxmox check --endpoint pve1 --api-token-id root@pam!ci
";

/// Runs the command.
pub async fn run(options: Option<Options>) -> Result<Exit, Failure> {
    let Some(options) = options else {
        print(&format!("{ABOUT}{}{DETAILS}", help(Command::Check)))?;
        return Ok(Exit::Ok);
    };
    let mut settings = options.over_environment()?;
    if !settings.address.is_set() {
        return Err(Failure::configuration(
            "No address to check. Set --endpoint or PROXMOX_VE_ENDPOINT.",
        ));
    }
    if let Some((error, source)) = settings.address.invalid() {
        let message = format!("The address in {source} is invalid: {error}.");
        let report = Report::invalid_endpoint(error);
        let explanation = Explanation {
            message,
            ..explain_check(&report, WORDS)
        };
        return finish(Facts::default(), report, explanation, options.json);
    }
    settings.credentials = credentials(&options, settings.credentials).await?;
    let client = client(&settings)?;
    let report = diagnosis::check(&client, None, &options.requirements, &Context::default()).await;
    let explanation = explain_check(&report, WORDS);
    finish(
        Facts::of(&client, &report),
        report,
        explanation,
        options.json,
    )
}

/// The credential to check, with a prompt for the secret of the one that the options name.
async fn credentials(
    options: &Options,
    environment: CredentialSettings,
) -> Result<CredentialSettings, Failure> {
    if options.value(&API_TOKEN_ID).is_set() {
        let mut token = options.token(environment);
        if !token.api_token_secret.is_set() {
            let secret = ask_secretly("Secret of the token", "set PROXMOX_VE_API_TOKEN_SECRET");
            token.api_token_secret = answered(secret.await?.into());
        }
        return Ok(token);
    }
    if options.value(&USERNAME).is_set() {
        let mut login = options.login(environment);
        if !login.password.is_set() {
            let password = ask_secretly("Password", "set PROXMOX_VE_PASSWORD");
            login.password = answered(password.await?.into());
        }
        return Ok(login);
    }
    if environment.source().is_none() {
        return Err(Failure::configuration(
            "No credentials to check. Set PROXMOX_VE_API_TOKEN (or PROXMOX_VE_API_TOKEN_ID and \
             PROXMOX_VE_API_TOKEN_SECRET, or PROXMOX_VE_USERNAME and PROXMOX_VE_PASSWORD), or set \
             --username or --api-token-id to be prompted for the secret.",
        ));
    }
    Ok(environment)
}

/// Prints the report. A failed check is a result like any other and goes to stdout.
fn finish(
    facts: Facts,
    report: Report,
    explanation: Explanation,
    json: bool,
) -> Result<Exit, Failure> {
    let exit = report.status().into();
    if json {
        let object = serde_json::to_string(&Outcome::of(facts, report, explanation));
        let object = object.map_err(|error| {
            Failure::new(Exit::Other, format!("Unable to write the result: {error}."))
        })?;
        print(&format!("{object}\n"))?;
    } else {
        print(&escaped(text_of(&report, &explanation).into()))?;
    }
    Ok(exit)
}

/// The report as text: a line for each stage, the result, and the required change.
fn text_of(report: &Report, explanation: &Explanation) -> String {
    let mut text = String::new();
    for stage in &report.stages {
        let outcome = if stage.ok { "ok" } else { "failed" };
        let (name, elapsed) = (stage.name.as_str(), stage.elapsed.as_millis());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<16}{outcome:<8}{elapsed:>6} ms");
    }
    let _ = writeln!(text, "\n{}: {}", report.status(), explanation.message);
    if !explanation.remedy.is_empty() {
        let _ = writeln!(text, "{}", explanation.remedy);
    }
    text
}
