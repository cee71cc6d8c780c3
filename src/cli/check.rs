//! The command `check`: the connection check from a shell.

use std::ffi::OsString;
use std::fmt::Write;

use crate::cli::args::Options;
use crate::cli::exit::{Exit, Failure};
use crate::cli::prompt::ask_secretly;
use crate::cli::settings::{answered, client};
use crate::cli::terminal::print;
use crate::provider::diagnostics::check_result::Outcome;
use crate::provider::host::facts::Facts;
use crate::provider::settings::credentials::CredentialSettings;
use crate::pve::diagnosis::Report;
use crate::pve::{Context, diagnosis};

const HELP: &str = "\
Usage: terraform-provider-proxmox check [OPTIONS]

Checks the connection to Proxmox VE stage by stage, from the address to the privileges, with the
settings that the provider takes from the environment (PROXMOX_VE_ENDPOINT,
PROXMOX_VE_API_TOKEN, ...), and prints what it finds. Options win over the environment.

  --endpoint ADDRESS         URL, host, host:port or IP address of a node; may be repeated for
                             further nodes of its cluster
  --username USER@REALM      log in as this user, or whose token a short id means
  --api-token-id ID          use this token: user@realm!name, or name beside a user
  --ca-certificate FILE      trust the authorities in this PEM file
  --fingerprint SHA256       accept the certificate with this fingerprint; may be repeated
  --tls-server-name NAME     the name that the certificate must be valid for, if not the address
  --min-tls-version VERSION  1.2 or 1.3
  --require PATH=PRIV[,PRIV] privileges that the credential must have; may be repeated
  --json                     print one JSON object, with the attributes of the data source
                             proxmox_connection
  --help                     print this help

Secrets are not options, since everybody on the machine can read the arguments of a process. The
password or the token's secret that belongs to --username or --api-token-id is taken from the
environment, or asked for: on the terminal without echo, else as a line of standard input.
--ca-certificate and --fingerprint replace all that the environment says about certificates.

A remedy names attributes of the provider; each is also a variable, PROXMOX_VE_ and its name in
capitals.

Exit status:
  0  ok
  1  the result could not be written, or the like
  2  arguments or settings cannot be used (also invalid_endpoint); nothing was connected to
  3  the host cannot be reached (dns_failure, connection_refused, timeout)
  4  TLS (tls_untrusted, tls_name_mismatch, tls_expired, tls_fingerprint_mismatch)
  5  it is not Proxmox VE (not_proxmox)
  6  authentication and second factor (unauthenticated, second_factor_required)
  7  privileges (permission_denied, missing_privileges)
  8  the host or its cluster (no_quorum, cluster_degraded, server_error, unsupported_version)
";

const OPTIONS: [&str; 9] = [
    "endpoint",
    "username",
    "api-token-id",
    "ca-certificate",
    "fingerprint",
    "tls-server-name",
    "min-tls-version",
    "require",
    "json",
];

/// Runs the command.
pub async fn run(arguments: Vec<OsString>) -> Result<Exit, Failure> {
    let Some(options) = Options::parse(arguments, &OPTIONS)? else {
        print(HELP)?;
        return Ok(Exit::Ok);
    };
    let mut settings = options.over_environment()?;
    if !settings.address.is_given() {
        return Err(Failure::configuration(
            "There is no address to check: give --endpoint, or set PROXMOX_VE_ENDPOINT.",
        ));
    }
    if let Some((error, source)) = settings.address.unusable() {
        let report = Report {
            message: format!("The address from {source} cannot be used: {error}."),
            ..Report::invalid_endpoint(&error)
        };
        return conclude(Facts::default(), report, options.json);
    }
    settings.credentials = credentials(&options, settings.credentials).await?;
    let client = client(settings)?;
    let report = diagnosis::check(&client, None, &options.requirements, &Context::default()).await;
    conclude(Facts::of(&client, &report), report, options.json)
}

/// Settles who it is that connects, and asks for the secret of whoever the options name.
async fn credentials(
    options: &Options,
    environment: CredentialSettings,
) -> Result<CredentialSettings, Failure> {
    if options.api_token_id.is_some() {
        let mut token = options.token(environment);
        if !token.api_token_secret.is_given() {
            let secret = ask_secretly("Secret of the token", "set PROXMOX_VE_API_TOKEN_SECRET");
            token.api_token_secret = answered(secret.await?.into());
        }
        return Ok(token);
    }
    if options.username.is_some() {
        let mut login = options.login(environment);
        if !login.password.is_given() {
            let password = ask_secretly("Password", "set PROXMOX_VE_PASSWORD");
            login.password = answered(password.await?.into());
        }
        return Ok(login);
    }
    if environment.first_given().is_none() {
        return Err(Failure::configuration(
            "There are no credentials to check: set PROXMOX_VE_API_TOKEN (or \
             PROXMOX_VE_API_TOKEN_ID and PROXMOX_VE_API_TOKEN_SECRET, or PROXMOX_VE_USERNAME and \
             PROXMOX_VE_PASSWORD), or give --username or --api-token-id and be asked for the \
             secret.",
        ));
    }
    Ok(environment)
}

/// Prints the report. What is wrong with the connection is a result like any other, so it goes to
/// stdout.
fn conclude(facts: Facts, report: Report, json: bool) -> Result<Exit, Failure> {
    let exit = report.status.into();
    if json {
        let object = serde_json::to_string(&Outcome::of(facts, report));
        let object = object.map_err(|error| {
            Failure::new(Exit::Other, format!("Unable to write the result: {error}."))
        })?;
        print(&format!("{object}\n"))?;
    } else {
        print(&told(&report))?;
    }
    Ok(exit)
}

/// The report for a person: a line for each stage, what was found, and what to change.
fn told(report: &Report) -> String {
    let mut text = String::new();
    for stage in &report.stages {
        let outcome = if stage.ok { "ok" } else { "failed" };
        let (name, elapsed) = (stage.name.as_str(), stage.elapsed.as_millis());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<16}{outcome:<8}{elapsed:>6} ms");
    }
    let _ = writeln!(text, "\n{}: {}", report.status, report.message);
    if let Some(remedy) = &report.remedy {
        let _ = writeln!(text, "{remedy}");
    }
    text
}
