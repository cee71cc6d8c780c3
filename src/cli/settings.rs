//! What options and environment say together.
//!
//! Options win. Those about the certificate replace all that the environment says about it, and
//! those that name somebody take a secret from the environment only if it belongs to them.

use tf_provider::Diagnostics;

use crate::cli::args::Options;
use crate::cli::exit::Failure;
use crate::cli::terminal::tell;
use crate::provider::clients::connect;
use crate::provider::settings::address::AddressSettings;
use crate::provider::settings::connection::ConnectionSettings;
use crate::provider::settings::credentials::CredentialSettings;
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::{Setting, Source};
use crate::provider::settings::tls::TlsSettings;
use crate::provider::settings::{unknown_variables, warnings};
use crate::pve::Client;

impl Options {
    /// Address and trust from the options, or the environment; credentials as the environment
    /// has them.
    pub fn over_environment(&self) -> Result<ConnectionSettings, Failure> {
        let mut diags = Diagnostics::default();
        let environment = Environment::of_this_process();
        unknown_variables::warn(&environment, &mut diags);
        let environment = ConnectionSettings::from_environment(&environment, &mut diags);
        if !diags.errors.is_empty() {
            return Err(Failure::of_settings(&diags));
        }
        warn(&diags);
        let tls = TlsSettings {
            verify_ssl: Setting::Absent,
            ca_certificate: option("--ca-certificate", &self.ca_certificate),
            certificate_fingerprints: match self.fingerprints.is_empty() {
                true => Setting::Absent,
                false => Setting::Known(
                    self.fingerprints.clone(),
                    Source::CommandLine("--fingerprint"),
                ),
            },
            tls_server_name: option("--tls-server-name", &self.tls_server_name),
            min_tls_version: option("--min-tls-version", &self.min_tls_version),
        };
        let address = AddressSettings {
            endpoint: Setting::Absent,
            endpoints: match self.endpoints.is_empty() {
                true => Setting::Absent,
                false => Setting::Known(self.endpoints.clone(), Source::CommandLine("--endpoint")),
            },
        };
        Ok(ConnectionSettings {
            address: address.or(environment.address),
            tls: tls.or(&environment.tls),
            ..environment
        })
    }

    /// The login of the user that `--username` or the environment names, with the password and
    /// the second factor of that user where the environment has them.
    pub fn login(&self, environment: CredentialSettings) -> CredentialSettings {
        let own = agree(&self.username, &environment.username);
        CredentialSettings {
            username: option("--username", &self.username).or(environment.username),
            password: only_if(own, environment.password),
            totp_secret: only_if(own, environment.totp_secret),
            otp: only_if(own, environment.otp),
            ..CredentialSettings::default()
        }
    }

    /// The token that `--api-token-id` names, with its secret where the environment has it.
    pub fn token(&self, environment: CredentialSettings) -> CredentialSettings {
        let own = agree(&self.username, &environment.username)
            && agree(&self.api_token_id, &environment.api_token_id);
        CredentialSettings {
            api_token_id: option("--api-token-id", &self.api_token_id),
            api_token_secret: only_if(own, environment.api_token_secret),
            username: option("--username", &self.username).or(environment.username),
            ..CredentialSettings::default()
        }
    }
}

/// Whether the environment names nobody else than the option.
fn agree(option: &Option<String>, environment: &Setting<String>) -> bool {
    match (option, environment) {
        (Some(option), Setting::Known(environment, _)) => option == environment,
        _ => true,
    }
}

fn only_if<T>(own: bool, value: Setting<T>) -> Setting<T> {
    if own { value } else { Setting::Absent }
}

fn option(name: &'static str, value: &Option<String>) -> Setting<String> {
    match value {
        Some(value) => Setting::Known(value.clone(), Source::CommandLine(name)),
        None => Setting::Absent,
    }
}

/// What was answered to a question.
pub fn answered<T>(answer: T) -> Setting<T> {
    Setting::Known(answer, Source::CommandLine("the answer"))
}

fn warn(diags: &Diagnostics) {
    for warning in &diags.warnings {
        tell(&format!("{}: {}\n", warning.summary, warning.detail));
    }
}

/// A client for these settings, made as the provider makes its own.
pub fn client(settings: ConnectionSettings) -> Result<Client, Failure> {
    let mut diags = Diagnostics::default();
    let client = connect(&settings, &mut diags);
    warnings::warn(&settings, &Setting::Absent, &mut diags);
    warn(&diags);
    client.map_err(|_| Failure::of_settings(&diags))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment<const N: usize>(variables: [(&str, &str); N]) -> CredentialSettings {
        let environment = Environment::from(variables);
        CredentialSettings::from_environment(&environment, &mut Diagnostics::default())
    }

    fn options(username: Option<&str>, api_token_id: Option<&str>) -> Options {
        Options {
            username: username.map(str::to_owned),
            api_token_id: api_token_id.map(str::to_owned),
            ..Options::default()
        }
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
            assert!(login.password.is_given() && login.totp_secret.is_given());
        }
        let login = options(Some("root@pam"), None).login(of_demo());
        assert!(!login.password.is_given() && !login.totp_secret.is_given());
        let of_nobody = environment([("PROXMOX_VE_PASSWORD", "s3cr3t")]);
        let login = options(Some("root@pam"), None).login(of_nobody);
        assert!(login.password.is_given());
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
            assert_eq!(token.api_token_secret.is_given(), own, "{username:?} {id}");
        }
    }

    #[test]
    fn options_about_the_certificate_replace_what_the_environment_says() {
        let pinned = Options {
            fingerprints: vec!["AA".to_owned()],
            ..Options::default()
        };
        let settings = pinned.over_environment().unwrap();
        let source = settings.tls.certificate_fingerprints.source();
        assert_eq!(source, Some(Source::CommandLine("--fingerprint")));
        assert!(!settings.tls.verify_ssl.is_given() && !settings.tls.ca_certificate.is_given());
    }
}
