//! The command `login`: a ticket for accounts whose second factor needs a person.

use std::ffi::OsString;
use std::fmt::Write;
use std::path;

use tf_provider::Diagnostics;

use crate::cli::args::Options;
use crate::cli::exit::{Exit, Failure};
use crate::cli::prompt::{ask, ask_secretly};
use crate::cli::settings::{answered, client};
use crate::cli::terminal::{print, tell};
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::credentials::CredentialSettings;
use crate::provider::settings::setting::Source;
use crate::pve::{AuthFailure, Client, Context, Error, ErrorKind, LoginTicket, Secret};

const HELP: &str = "\
Usage: eval \"$(terraform-provider-proxmox login [OPTIONS])\"

Logs in to Proxmox VE with a password and, where the account has one, a second factor, and prints
`export` lines with a ticket, which the provider then uses instead of other credentials. A ticket
lives for two hours and cannot be revoked; keep the lines out of files and logs.

  --endpoint ADDRESS         URL, host, host:port or IP address of a node; may be repeated for
                             further nodes of its cluster
  --username USER@REALM      who logs in
  --ca-certificate FILE      trust the authorities in this PEM file
  --fingerprint SHA256       accept the certificate with this fingerprint; may be repeated
  --tls-server-name NAME     the name that the certificate must be valid for, if not the address
  --min-tls-version VERSION  1.2 or 1.3
  --help                     print this help

What is not given is taken from the environment (PROXMOX_VE_ENDPOINT, PROXMOX_VE_USERNAME,
PROXMOX_VE_PASSWORD, PROXMOX_VE_TOTP_SECRET, PROXMOX_VE_OTP, ...), and what is missing there is asked for: address,
user, password, and a one-time code or a recovery key. Questions go to stderr and the password is
typed without echo. When standard input is not a terminal, the answers are read from it instead,
one a line and in this order. Secrets are not options, since everybody on the machine can read the
arguments of a process.

The exit status is 0 when a ticket was printed, else one of those of `check`.
";

const OPTIONS: [&str; 6] = [
    "endpoint",
    "username",
    "ca-certificate",
    "fingerprint",
    "tls-server-name",
    "min-tls-version",
];

/// Runs the command.
pub async fn run(arguments: Vec<OsString>) -> Result<Exit, Failure> {
    let Some(options) = Options::parse(arguments, &OPTIONS)? else {
        print(HELP)?;
        return Ok(Exit::Ok);
    };
    let mut settings = options.over_environment()?;
    let in_the_way = others(&settings.credentials);
    complete(&options, &mut settings).await?;
    let client = client(settings)?;
    let login = log_in(&client).await?;
    print(&exports(&options, &client, &login))?;
    tell(&format!(
        "Logged in as {}. The ticket lives for two hours.\n",
        login.user
    ));
    if !in_the_way.is_empty() {
        tell(&format!(
            "The provider refuses two credentials at once: unset {} before it runs.\n",
            in_the_way.join(" and ")
        ));
    }
    Ok(Exit::Ok)
}

/// Asks for the address, the user and the password where nobody gave them.
async fn complete(options: &Options, settings: &mut ConnectionSettings) -> Result<(), Failure> {
    if !settings.address.is_given() {
        let address = ask(
            "Address of a Proxmox VE node",
            "give --endpoint, or set PROXMOX_VE_ENDPOINT",
        );
        settings.address.endpoint = answered(address.await?);
    }
    let mut diags = Diagnostics::default();
    if settings.nodes(&mut diags).is_err() {
        return Err(Failure::of_settings(&diags));
    }
    let mut login = options.login(std::mem::take(&mut settings.credentials));
    if !login.username.is_given() {
        let username = ask(
            "User with realm, such as root@pam",
            "give --username, or set PROXMOX_VE_USERNAME",
        );
        login.username = answered(username.await?);
    }
    if !login.password.is_given() {
        let password = ask_secretly("Password", "set PROXMOX_VE_PASSWORD");
        login.password = answered(password.await?.into());
    }
    settings.credentials = login;
    Ok(())
}

async fn log_in(client: &Client) -> Result<LoginTicket, Failure> {
    let context = Context::default();
    let login = match client.log_in(&context).await {
        Err(Error {
            kind: ErrorKind::SecondFactorRequired { factors, .. },
            ..
        }) if typed(&factors) => {
            let code = ask(
                "One-time code or recovery key",
                "set PROXMOX_VE_OTP or PROXMOX_VE_TOTP_SECRET",
            );
            let code = factor(&code.await?);
            client.log_in_with_code(&code, &context).await
        }
        other => other,
    };
    match login {
        Ok(Some(login)) => Ok(login),
        Ok(None) => Err(Failure::new(Exit::Other, "The host gave no ticket.")),
        Err(
            error @ Error {
                kind:
                    ErrorKind::Unauthenticated {
                        failure: AuthFailure::SecondFactor,
                        ..
                    },
                ..
            },
        ) => Err(Failure::new(
            Exit::Authentication,
            format!(
                "{error}. Log in again with the next code, or another recovery key: each is good \
                 once."
            ),
        )),
        Err(error) => Err(Failure::from(&error)),
    }
}

/// Whether one of these factors can be typed.
fn typed(factors: &[String]) -> bool {
    let can_be = |factor: &String| factor == "totp" || factor == "recovery";
    factors.iter().any(can_be)
}

/// What was typed, with its kind in front where that is not a code: codes are digits, recovery
/// keys are not (recording `263-tfa-recovery`).
fn factor(typed: &str) -> Secret {
    let typed: String = typed.split_whitespace().collect();
    let is_code = typed.chars().all(|character| character.is_ascii_digit());
    Secret::new(if is_code || typed.contains(':') {
        typed
    } else {
        format!("recovery:{typed}")
    })
}

/// The lines for a shell: the ticket, and how the host was reached with it.
fn exports(options: &Options, client: &Client, login: &LoginTicket) -> String {
    let mut lines = vec![
        (
            "PROXMOX_VE_ENDPOINT",
            client.settings().endpoint.to_string(),
        ),
        ("PROXMOX_VE_AUTH_TICKET", login.ticket.expose().to_owned()),
        (
            "PROXMOX_VE_CSRF_PREVENTION_TOKEN",
            login.csrf.expose().to_owned(),
        ),
    ];
    let further = &client.settings().other_endpoints;
    if !further.is_empty() {
        let further: Vec<String> = further.iter().map(ToString::to_string).collect();
        lines.push(("PROXMOX_VE_ENDPOINTS", further.join(",")));
    }
    for (name, option) in [
        ("PROXMOX_VE_TLS_SERVER_NAME", &options.tls_server_name),
        ("PROXMOX_VE_MIN_TLS_VERSION", &options.min_tls_version),
    ] {
        lines.extend(option.clone().map(|value| (name, value)));
    }
    if let Some(certificate) = &options.ca_certificate {
        // Terraform may run elsewhere; what has no absolute path is no path.
        let path = path::absolute(certificate).ok();
        let path = path.filter(|path| path.exists());
        let certificate = path.map_or_else(
            || certificate.clone(),
            |path| path.to_string_lossy().into_owned(),
        );
        lines.push(("PROXMOX_VE_CA_CERTIFICATE", certificate));
    }
    if !options.fingerprints.is_empty() {
        lines.push((
            "PROXMOX_VE_CERTIFICATE_FINGERPRINTS",
            options.fingerprints.join(","),
        ));
    }
    let mut text = String::new();
    for (name, value) in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "export {name}={}", quoted(&value));
    }
    text
}

/// In single quotes, in which a shell takes everything as it is but the quote itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The variables of other credentials that the provider would find beside the ticket.
fn others(environment: &CredentialSettings) -> Vec<&'static str> {
    let sources = [
        environment.api_token.source(),
        environment.api_token_id.source(),
        environment.api_token_secret.source(),
        environment.password.source(),
        environment.totp_secret.source(),
        environment.otp.source(),
    ];
    let own = sources
        .into_iter()
        .flatten()
        .filter_map(|source| match source {
            Source::Variable(name) if name.starts_with("PROXMOX_VE_") => Some(name),
            _ => None,
        });
    own.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_code_and_anything_else_a_recovery_key() {
        for (typed, sent) in [
            ("123456", "123456"),
            (" 123 456 ", "123456"),
            ("20a8-d210-1111-2222", "recovery:20a8-d210-1111-2222"),
            ("1111-2222-3333-4444", "recovery:1111-2222-3333-4444"),
            ("recovery:20a8-d210", "recovery:20a8-d210"),
            ("totp:123456", "totp:123456"),
        ] {
            assert_eq!(factor(typed).expose(), sent);
        }
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        assert_eq!(
            quoted("PVE:o'hara@pve:6B::a/b=="),
            "'PVE:o'\\''hara@pve:6B::a/b=='"
        );
    }
}
