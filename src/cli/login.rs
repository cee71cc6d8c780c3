//! The command `login`: a ticket for accounts whose second factor requires interaction.

use std::path;

use crate::cli::args::Options;
use crate::cli::exit::{Exit, Failure};
use crate::cli::options::{Command, WORDS, help};
use crate::cli::prompt::{ask, ask_secretly};
use crate::cli::settings::{answered, client};
use crate::cli::terminal::{print, write_stderr};
use crate::provider::diagnostics::explain_error;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::credentials::CredentialSettings;
use crate::provider::settings::setting::{Problem, Setting, Source};
use crate::provider::settings::tls;
use crate::pve::diagnosis::Status;
use crate::pve::{AuthFailure, CachedClient, Context, Error, ErrorKind, LoginTicket, Secret};

const ABOUT: &str = "\
NAME
  terraform-provider-proxmox login - log in to Proxmox VE and print a ticket

SYNOPSIS
  eval \"$(terraform-provider-proxmox login [OPTIONS])\"
  terraform-provider-proxmox login --shell fish [OPTIONS] | source
  terraform-provider-proxmox login --shell powershell [OPTIONS] | Out-String | Invoke-Expression

DESCRIPTION
  Logs in with a password and, if the account requires it, a second factor. Prints lines for the
  shell with a ticket, which the provider uses in place of other credentials. A ticket is valid for
  two hours and cannot be revoked: do not store the lines in files or logs.

  Missing values are prompted for: address, user, password, and one-time code or recovery key.
  Questions go to stderr, and the password is typed without echo. If standard input is not a
  terminal, the answers are read from it, one on each line and in this order. Secrets are not
  options, because any user of the machine can read the arguments of a process.

  Variables of other credentials are emptied, because the provider accepts only one credential. If
  the login fails, the only line is one that fails, such as `false`, so that `eval` fails too.

OPTIONS
";

const DETAILS: &str = "
ENVIRONMENT
  Values that are not set by options come from the variables of the provider.

  PROXMOX_VE_ENDPOINT        Address of a node
  PROXMOX_VE_USERNAME        User to log in as
  PROXMOX_VE_PASSWORD        Password of that user
  PROXMOX_VE_TOTP_SECRET     Base32-encoded TOTP secret of that user, or
  PROXMOX_VE_OTP             a one-time code, valid for one login

  The index page of the documentation lists all variables.

EXIT STATUS
  0 if a ticket was printed, otherwise one of those of `check`.

EXAMPLES
  Log in as root with a one-time code, then plan:

    eval \"$(terraform-provider-proxmox login --endpoint pve1 --username root@pam)\" && terraform plan
";

/// Runs the command.
pub async fn run(options: Option<Options>) -> Result<Exit, Failure> {
    let Some(options) = options else {
        print(&format!("{ABOUT}{}{DETAILS}", help(Command::Login)))?;
        return Ok(Exit::Ok);
    };
    let mut settings = options.over_environment()?;
    let conflicting = conflicting_variables(&settings.credentials);
    prompt_for_missing(&options, &mut settings).await?;
    let client = client(&settings)?;
    let login = log_in(&client).await?;
    print(&exports(&options, &client, &login, &conflicting))?;
    write_stderr(&format!(
        "Logged in as {}. The ticket is valid for two hours.\n",
        login.user
    ));
    Ok(Exit::Ok)
}

/// Prompts for the address, the user and the password where they are not set.
async fn prompt_for_missing(
    options: &Options,
    settings: &mut ConnectionSettings,
) -> Result<(), Failure> {
    if !settings.address.is_set() {
        let address = ask(
            "Address of a Proxmox VE node",
            "set --endpoint or PROXMOX_VE_ENDPOINT",
        );
        settings.address.endpoint = answered(address.await?);
    }
    settings.nodes().map_err(Problem::from)?;
    let mut login = options.login(std::mem::take(&mut settings.credentials));
    if !login.username.is_set() {
        let username = ask(
            "User with realm, such as root@pam",
            "set --username or PROXMOX_VE_USERNAME",
        );
        login.username = answered(username.await?);
    }
    if !login.password.is_set() {
        let password = ask_secretly("Password", "set PROXMOX_VE_PASSWORD");
        login.password = answered(password.await?.into());
    }
    settings.credentials = login;
    Ok(())
}

async fn log_in(client: &CachedClient) -> Result<LoginTicket, Failure> {
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
        Ok(None) => Err(Failure::new(
            Exit::Other,
            "The host did not return a ticket.",
        )),
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
                "{error}. Log in again with the next code or another recovery key: each can be \
                 used only once."
            ),
        )),
        Err(error) => Err(Failure::new(
            Status::from(&error).into(),
            explain_error(&error, WORDS).text(),
        )),
    }
}

/// Whether a user can type one of these factors.
fn typed(factors: &[String]) -> bool {
    let can_be = |factor: &String| factor == "totp" || factor == "recovery";
    factors.iter().any(can_be)
}

/// The typed code, or the recovery key with its kind as a prefix: codes consist of digits, recovery
/// keys do not (recording `263-tfa-recovery`).
fn factor(typed: &str) -> Secret {
    let typed: String = typed.split_whitespace().collect();
    let is_code = typed.chars().all(|character| character.is_ascii_digit());
    Secret::new(if is_code || typed.contains(':') {
        typed
    } else {
        format!("recovery:{typed}")
    })
}

/// The lines for a shell: the ticket, and the settings of the connection.
fn exports(
    options: &Options,
    client: &CachedClient,
    login: &LoginTicket,
    conflicting: &[&'static str],
) -> String {
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
    for definition in tls::DEFINITIONS {
        if let (Some(name), Setting::Known(values, _)) =
            (definition.variables.first(), options.values(definition))
        {
            let value = values.join(",");
            let is_path = definition.name == tls::CA_CERTIFICATE.name;
            lines.push((name, if is_path { absolute(value) } else { value }));
        }
    }
    lines.extend(conflicting.iter().map(|name| (*name, String::new())));
    let lines = lines.into_iter();
    lines
        .map(|(name, value)| options.shell.assignment(name, &value))
        .collect()
}

/// The absolute path of an existing file, since Terraform may run in another folder. Any other
/// text, such as PEM, stays as it is.
fn absolute(text: String) -> String {
    let path = path::absolute(&text).ok().filter(|path| path.exists());
    path.map_or(text, |path| path.to_string_lossy().into_owned())
}

/// The environment variables of other credentials, which conflict with the ticket.
fn conflicting_variables(environment: &CredentialSettings) -> Vec<&'static str> {
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
}
