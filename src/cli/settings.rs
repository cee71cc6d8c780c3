//! The settings of a command, from its options and the environment.
//!
//! Options take precedence. Those about certificates replace all that the environment sets about
//! them, and those that name a user or a token use a secret of the environment only if it belongs
//! to that user or token.

use crate::cli::args::Options;
use crate::cli::exit::Failure;
use crate::cli::options::in_own_words;
use crate::cli::terminal::write_stderr;
use crate::provider::clients::connect;
use crate::provider::settings::address::{self, AddressSettings};
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::credentials::{self, CredentialSettings};
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::{Problem, Setting, Source};
use crate::provider::settings::tls::TlsSettings;
use crate::provider::settings::{unknown_variables, warnings};
use crate::pve::CachedClient;

impl Options {
    /// Address and TLS settings from the options, or else the environment. Credentials from the
    /// environment.
    pub fn over_environment(&self) -> Result<ConnectionSettings, Failure> {
        let variables = Environment::of_this_process();
        let mut warnings = unknown_variables::warnings(&variables);
        let (environment, problems) =
            ConnectionSettings::from_environment(&variables, &mut warnings);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        warn(warnings);
        let tls = TlsSettings::from_values(|definition| self.values(definition));
        let address = AddressSettings {
            endpoint: Setting::Absent,
            endpoints: self.values(&address::ENDPOINTS),
        };
        let settings = ConnectionSettings {
            address: address.or(environment.address),
            tls: tls.or(&environment.tls),
            ..environment
        };
        warn(unknown_variables::of_other_tools(&variables, &settings));
        Ok(settings)
    }

    /// The login of the user that `--username` or the environment names, with the password and
    /// the second factor that the environment has for that user.
    pub fn login(&self, environment: CredentialSettings) -> CredentialSettings {
        let username = self.value(&credentials::USERNAME);
        let same_user = agree(&username, &environment.username);
        CredentialSettings {
            username: username.or(environment.username),
            password: only_if(same_user, environment.password),
            totp_secret: only_if(same_user, environment.totp_secret),
            otp: only_if(same_user, environment.otp),
            ..CredentialSettings::default()
        }
    }

    /// The token that `--api-token-id` names, with the secret that the environment has for it.
    pub fn token(&self, environment: CredentialSettings) -> CredentialSettings {
        let username = self.value(&credentials::USERNAME);
        let api_token_id = self.value(&credentials::API_TOKEN_ID);
        let same_token = agree(&username, &environment.username)
            && agree(&api_token_id, &environment.api_token_id);
        CredentialSettings {
            api_token_id,
            api_token_secret: only_if(same_token, environment.api_token_secret),
            username: username.or(environment.username),
            ..CredentialSettings::default()
        }
    }
}

/// Whether the environment does not contradict the option.
fn agree(option: &Setting<String>, environment: &Setting<String>) -> bool {
    match (option, environment) {
        (Setting::Known(option, _), Setting::Known(environment, _)) => option == environment,
        _ => true,
    }
}

fn only_if<T>(condition: bool, value: Setting<T>) -> Setting<T> {
    if condition { value } else { Setting::Absent }
}

/// The answer to a question.
pub fn answered<T>(answer: T) -> Setting<T> {
    Setting::Known(answer, Source::CommandLine("the answer"))
}

fn warn(warnings: Vec<Problem>) {
    for warning in warnings {
        write_stderr(&format!(
            "{}: {}\n",
            warning.summary,
            in_own_words(&warning.detail)
        ));
    }
}

/// A client for these settings, made as the provider makes its own.
pub fn client(settings: &ConnectionSettings) -> Result<CachedClient, Failure> {
    let client = connect(settings);
    warn(warnings::of_tls([&settings.tls].into_iter()));
    client.map_err(|error| Failure::from(Problem::from(error)))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cli::options::Command;

    fn environment<const N: usize>(variables: [(&str, &str); N]) -> CredentialSettings {
        let environment = Environment::from(variables);
        CredentialSettings::from_environment(&environment, &mut Vec::new())
    }

    fn options(username: Option<&str>, api_token_id: Option<&str>) -> Options {
        let username = username.map(|user| format!("--username={user}"));
        let api_token_id = api_token_id.map(|id| format!("--api-token-id={id}"));
        parse(username.into_iter().chain(api_token_id))
    }

    fn parse(arguments: impl IntoIterator<Item = String>) -> Options {
        let arguments = arguments.into_iter().map(OsString::from).collect();
        Options::parse(Command::Check, arguments).unwrap().unwrap()
    }

    #[test]
    fn a_password_of_the_environment_goes_with_its_own_user_only() {
        let of_demo = || {
            environment([
                ("PROXMOX_VE_USERNAME", "demo@pve"),
                ("PROXMOX_VE_PASSWORD", "s3cr3t"),
                ("PROXMOX_VE_TOTP_SECRET", "JBSWY3DPEHPK3PXP"),
            ])
        };
        for username in [None, Some("demo@pve")] {
            let login = options(username, None).login(of_demo());
            assert!(login.password.is_set() && login.totp_secret.is_set());
        }
        let login = options(Some("root@pam"), None).login(of_demo());
        assert!(!login.password.is_set() && !login.totp_secret.is_set());
        let of_nobody = environment([("PROXMOX_VE_PASSWORD", "s3cr3t")]);
        let login = options(Some("root@pam"), None).login(of_nobody);
        assert!(login.password.is_set());
    }

    #[test]
    fn a_token_s_secret_of_the_environment_goes_with_its_own_token_only() {
        let of_ci = || {
            environment([
                ("PROXMOX_VE_USERNAME", "demo@pve"),
                ("PROXMOX_VE_API_TOKEN_ID", "ci"),
                ("PROXMOX_VE_API_TOKEN_SECRET", "s3cr3t"),
            ])
        };
        for (username, id, own) in [
            (None, "ci", true),
            (Some("demo@pve"), "ci", true),
            (Some("root@pam"), "ci", false),
            (None, "backup", false),
        ] {
            let token = options(username, Some(id)).token(of_ci());
            assert_eq!(token.api_token_secret.is_set(), own, "{username:?} {id}");
        }
    }

    #[test]
    fn options_about_the_certificate_replace_what_the_environment_says() {
        let pinned = parse(["--fingerprint=AA".to_owned()]);
        let settings = pinned.over_environment().unwrap();
        let source = settings.tls.certificate_fingerprints.source();
        assert_eq!(source, Some(Source::CommandLine("--fingerprint")));
        assert!(!settings.tls.verify_ssl.is_set() && !settings.tls.ca_certificate.is_set());
    }
}
