//! From credential settings to a credential.
//!
//! A credential is never combined from two sources, and contradictions are errors that name the
//! source of each value. They are found even while some values are unknown.

use std::fmt::Display;

use crate::provider::attributes::secret::StoredSecret;
use crate::provider::mocked;
use crate::provider::settings::credentials::form;
use crate::provider::settings::credentials::{
    API_TOKEN_ID, API_TOKEN_SECRET, AUTH_TICKET, CSRF_PREVENTION_TOKEN, CredentialSettings,
    PASSWORD, USERNAME,
};
use crate::provider::settings::definition::Definition;
use crate::provider::settings::setting::{Setting, SettingError, Source};
use crate::pve::{ApiToken, Credentials, IdError, LoginTicket, TokenId, TotpSeed, UserId};

impl CredentialSettings {
    /// The credential that the settings name; [`Credentials::None`] where none is set.
    pub fn resolve(&self) -> Result<Credentials, SettingError> {
        self.trimmed().resolve_trimmed()
    }

    fn resolve_trimmed(&self) -> Result<Credentials, SettingError> {
        self.check_forms()?;
        self.check_halves()?;
        if let Some(source) = self.unknown() {
            return Err(SettingError::Unknown(source));
        }
        if let Setting::Known(token, source) = &self.api_token {
            let token = token.secret().expose();
            if let Some(odd) = form::odd(token) {
                return Err(invalid("API token", odd, source));
            }
            let token = token.parse::<ApiToken>();
            let token = token.map_err(|error| invalid("API token", error, source))?;
            if let Some(odd) = form::odd_secret(token.secret.expose()) {
                return Err(invalid("secret of the API token", odd, source));
            }
            return Ok(Credentials::Token(token));
        }
        if let (Setting::Known(id, source), Setting::Known(secret, secret_source)) =
            (&self.api_token_id, &self.api_token_secret)
        {
            if let Some(odd) = form::odd_secret(secret.secret().expose()) {
                return Err(invalid("secret of the API token", odd, secret_source));
            }
            return self.split_token(id, source, secret);
        }
        if let (Setting::Known(ticket, source), Setting::Known(csrf, csrf_source)) =
            (&self.auth_ticket, &self.csrf_prevention_token)
        {
            if let Some(odd) = form::odd(csrf.secret().expose()) {
                return Err(invalid("CSRF prevention token", odd, csrf_source));
            }
            let login = LoginTicket::new(ticket.secret().clone(), csrf.secret().clone());
            let login = login.map_err(|error| invalid("ticket", error, source))?;
            return Ok(Credentials::Ticket(login));
        }
        self.login()
    }

    /// Refuses settings of more than one form.
    fn check_forms(&self) -> Result<(), SettingError> {
        let forms = [
            self.api_token.source(),
            self.split_token_source(),
            self.login_source(),
            self.ticket_source(),
        ];
        let mut set = forms.into_iter().flatten();
        let (Some(first), Some(second)) = (set.next(), set.next()) else {
            return Ok(());
        };
        Err(SettingError::invalid(
            "More than one credential",
            format!(
                "{first} and {second} are both set, but belong to different credentials. Set only \
                 one credential: `api_token`, or `api_token_id` with `api_token_secret`, or \
                 `username` with `password`, or `auth_ticket` with `csrf_prevention_token`."
            ),
            &second,
        ))
    }

    /// Refuses one half of a credential without the other, and two second factors.
    fn check_halves(&self) -> Result<(), SettingError> {
        let token_id = (&API_TOKEN_ID, self.api_token_id.source());
        let token_secret = (&API_TOKEN_SECRET, self.api_token_secret.source());
        requires_both(token_id, token_secret)?;
        let ticket = (&AUTH_TICKET, self.auth_ticket.source());
        let csrf = (&CSRF_PREVENTION_TOKEN, self.csrf_prevention_token.source());
        requires_both(ticket, csrf)?;
        if let (Some(secret), Some(code)) = (self.totp_secret.source(), self.otp.source()) {
            return Err(SettingError::invalid(
                "Conflicting second factors",
                format!(
                    "{secret} and {code} are both set, but a login takes one code. Set only \
                     `totp_secret`, from which the provider computes codes, or `otp`, which is a \
                     code."
                ),
                &code,
            ));
        }
        // A user name without a password may belong to a token or a ticket.
        let is_alone = self.source() == self.username.source();
        if self.login_source().is_some() || is_alone {
            let username = (&USERNAME, self.username.source());
            let password = (&PASSWORD, self.password.source());
            requires_both(username, password)?;
        }
        Ok(())
    }

    fn split_token_source(&self) -> Option<Source> {
        let id = self.api_token_id.source();
        id.or(self.api_token_secret.source())
    }

    fn login_source(&self) -> Option<Source> {
        let password = self.password.source();
        password.or(self.totp_secret.source()).or(self.otp.source())
    }

    fn ticket_source(&self) -> Option<Source> {
        let ticket = self.auth_ticket.source();
        ticket.or(self.csrf_prevention_token.source())
    }

    fn user(&self) -> Result<Option<UserId>, SettingError> {
        let Setting::Known(username, source) = &self.username else {
            return Ok(None);
        };
        let user = username.parse();
        user.map(Some)
            .map_err(|error| invalid("user ID", form::not_a_user(&error), source))
    }

    fn split_token(
        &self,
        id: &str,
        source: &Source,
        secret: &StoredSecret,
    ) -> Result<Credentials, SettingError> {
        let user = self.user()?;
        match TokenId::parse(id, user.as_ref()) {
            Ok(id) => Ok(Credentials::Token(ApiToken {
                id,
                secret: secret.secret().clone(),
            })),
            Err(IdError::NoUser { .. }) if !id.contains('@') => Err(invalid(
                "token ID",
                format!(
                    "it is a token name without an owner. Set the full ID, user@realm!name, or \
                     set `username` as well{}",
                    mocked::hint(id)
                ),
                source,
            )),
            Err(_) if id.contains('@') && !id.contains('!') => Err(invalid(
                "token ID",
                "it is the ID of a user. The ID of a token has the form user@realm!name",
                source,
            )),
            Err(error) => Err(invalid("token ID", error, source)),
        }
    }

    fn login(&self) -> Result<Credentials, SettingError> {
        let (Some(user), Setting::Known(password, _)) = (self.user()?, &self.password) else {
            return Ok(Credentials::None);
        };
        let totp = match &self.totp_secret {
            Setting::Known(secret, source) => {
                let seed = secret.secret().expose().parse::<TotpSeed>();
                Some(seed.map_err(|error| invalid("TOTP secret", error, source))?)
            }
            _ => None,
        };
        let otp = match &self.otp {
            Setting::Known(code, _) => Some(code.secret().clone()),
            _ => None,
        };
        Ok(Credentials::Password {
            user,
            password: password.secret().clone(),
            totp,
            otp,
        })
    }
}

/// Refuses one of two attributes without the other.
fn requires_both(
    (first, first_source): (&Definition, Option<Source>),
    (second, second_source): (&Definition, Option<Source>),
) -> Result<(), SettingError> {
    let (source, missing) = match (first_source, second_source) {
        (Some(source), None) => (source, second.name),
        (None, Some(source)) => (source, first.name),
        _ => return Ok(()),
    };
    let where_to = match source {
        Source::Attribute(_) | Source::ClusterAttribute(..) => "in the same block",
        Source::Variable(_) | Source::CommandLine(_) => "in the environment",
    };
    let imported = match missing == API_TOKEN_SECRET.name {
        true => {
            " The secret of an imported `proxmox_api_token` is null until the token is rotated."
        }
        false => "",
    };
    Err(SettingError::invalid(
        "Incomplete credential",
        format!(
            "{source} is set, but `{missing}` is not. The provider never combines a credential \
             from two sources: set `{missing}` {where_to} as well, or remove {source}.{imported}"
        ),
        &source,
    ))
}

fn invalid(object: &str, error: impl Display, source: &Source) -> SettingError {
    SettingError::invalid(
        "Invalid credential",
        format!("The {object} in {source} is invalid: {error}."),
        source,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::Problem;
    use crate::provider::settings::environment::Environment;
    use crate::pve::Secret;

    const TICKET: &str = "PVE:demo@pve:6B0482D5::s3cr3t";

    fn resolve<const N: usize>(variables: [(&str, &str); N]) -> Result<Credentials, Problem> {
        let environment = Environment::from(variables);
        let settings = CredentialSettings::from_environment(&environment, &mut Vec::new());
        settings.resolve().map_err(|error| error.problem().unwrap())
    }

    #[test]
    fn a_ticket_and_its_csrf_token_are_a_credential() {
        let credentials = resolve([
            ("PROXMOX_VE_AUTH_TICKET", TICKET),
            ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "6B0482D5:OwkT"),
        ]);
        assert_eq!(credentials.unwrap().to_string(), "ticket demo@pve");
    }

    #[test]
    fn a_user_name_may_stay_beside_a_ticket() {
        let credentials = resolve([
            ("PROXMOX_VE_AUTH_TICKET", TICKET),
            ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "6B0482D5:OwkT"),
            ("PROXMOX_VE_USERNAME", "demo@pve"),
        ]);
        assert_eq!(credentials.unwrap().to_string(), "ticket demo@pve");
    }

    #[test]
    fn half_of_a_ticket_is_refused_and_the_other_half_named() {
        for (set, value, missing) in [
            ("PROXMOX_VE_AUTH_TICKET", TICKET, "csrf_prevention_token"),
            (
                "PROXMOX_VE_CSRF_PREVENTION_TOKEN",
                "6B0482D5:s3cr3t",
                "auth_ticket",
            ),
        ] {
            let problem = resolve([(set, value)]);
            let problem = problem.unwrap_err();
            assert_eq!(problem.summary, "Incomplete credential");
            assert!(
                problem.detail.contains(set) && problem.detail.contains(missing),
                "{problem:?}"
            );
            assert!(!problem.detail.contains("s3cr3t"), "{problem:?}");
        }
    }

    #[test]
    fn a_ticket_beside_another_credential_is_refused() {
        for (other, value) in [
            ("PROXMOX_VE_API_TOKEN", "demo@pve!ci=s3cr3t"),
            ("PROXMOX_VE_API_TOKEN_ID", "demo@pve!ci"),
            ("PROXMOX_VE_PASSWORD", "s3cr3t"),
            ("PROXMOX_VE_TOTP_SECRET", "s3cr3t"),
        ] {
            let problem = resolve([
                ("PROXMOX_VE_AUTH_TICKET", TICKET),
                ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "6B0482D5:OwkT"),
                (other, value),
            ]);
            let problem = problem.unwrap_err();
            assert_eq!(problem.summary, "More than one credential");
            assert!(
                problem.detail.contains(other) && problem.detail.contains("PROXMOX_VE_AUTH_TICKET"),
                "{problem:?}"
            );
            assert!(!problem.detail.contains("s3cr3t"), "{problem:?}");
        }
    }

    #[test]
    fn the_half_ticket_of_a_second_factor_is_refused_without_being_quoted() {
        let problem = resolve([
            (
                "PROXMOX_VE_AUTH_TICKET",
                "PVE:!tfa!{\"totp\"%3Atrue}:6B04830B::s3cr3t",
            ),
            ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "x"),
        ]);
        let problem = problem.unwrap_err();
        assert!(
            problem.detail.contains("PROXMOX_VE_AUTH_TICKET"),
            "{problem:?}"
        );
        assert!(!problem.detail.contains("s3cr3t"), "{problem:?}");
    }

    #[test]
    fn a_code_goes_with_a_password_and_with_neither_a_seed_nor_a_token() {
        let login = [
            ("PROXMOX_VE_USERNAME", "demo@pve"),
            ("PROXMOX_VE_PASSWORD", "s3cr3t"),
            ("PROXMOX_VE_OTP", "123456"),
        ];
        let credentials = resolve(login);
        assert!(matches!(
            credentials.unwrap(),
            Credentials::Password {
                totp: None,
                otp: Some(_),
                ..
            }
        ));
        let [user, password, code] = login;
        let seed = ("PROXMOX_VE_TOTP_SECRET", "JBSWY3DPEHPK3PXP");
        let problem = resolve([user, password, code, seed]).unwrap_err();
        assert_eq!(problem.summary, "Conflicting second factors");
        let token = ("PROXMOX_VE_API_TOKEN", "demo@pve!ci=s3cr3t");
        let problem = resolve([code, token]).unwrap_err();
        assert_eq!(problem.summary, "More than one credential");
        assert!(
            problem.detail.contains("PROXMOX_VE_OTP") && !problem.detail.contains("123456"),
            "{problem:?}"
        );
    }

    #[test]
    fn an_unknown_half_counts_as_set() {
        let settings = CredentialSettings {
            auth_ticket: Setting::Unknown(Source::Attribute("auth_ticket")),
            csrf_prevention_token: Setting::Known(
                Secret::new("6B0482D5:OwkT").into(),
                Source::Attribute("csrf_prevention_token"),
            ),
            ..CredentialSettings::default()
        };
        assert_eq!(
            settings.resolve().unwrap_err(),
            SettingError::Unknown(Source::Attribute("auth_ticket"))
        );
    }
}
