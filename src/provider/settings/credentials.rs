//! Which credential is meant, out of the attributes that can name one.
//!
//! There are four forms: a token in one string (`api_token`), a token in two
//! (`api_token_id` and `api_token_secret`), a user's login (`username`, `password` and, with two
//! factors, `totp_secret` or a one-time `otp`), and a login that was made before (`auth_ticket` and
//! `csrf_prevention_token`). A credential is never put together from two sources, and
//! contradictions are errors that say where each value came from.

use tf_provider::Diagnostics;

use crate::framework::Report;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::{Setting, Source};
use crate::pve::{ApiToken, Credentials, IdError, LoginTicket, Secret, TokenId, TotpSeed, UserId};

/// The attributes that can name a credential, as given.
#[derive(Clone, Debug, Default)]
pub struct CredentialSettings {
    /// `user@realm!name=secret`.
    pub api_token: Setting<StoredSecret>,
    /// `user@realm!name`, or `name` beside `username`.
    pub api_token_id: Setting<String>,
    /// The secret that belongs to `api_token_id`.
    pub api_token_secret: Setting<StoredSecret>,
    /// `user@realm`.
    pub username: Setting<String>,
    /// The password of `username`.
    pub password: Setting<StoredSecret>,
    /// The base32 seed of the user's time-based codes.
    pub totp_secret: Setting<StoredSecret>,
    /// One code of the user's second factor, good for one login.
    pub otp: Setting<StoredSecret>,
    /// The ticket of a login that was made before.
    pub auth_ticket: Setting<StoredSecret>,
    /// What belongs to `auth_ticket` and goes with every write.
    pub csrf_prevention_token: Setting<StoredSecret>,
}

/// Why a setting has no usable value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingError {
    /// It is known only after apply.
    Unknown(Source),
    /// It is wrong; the diagnostics say how.
    Invalid,
}

impl CredentialSettings {
    /// The credential from the environment: our own names if any of them is set, else the
    /// fallback names, which no tool has for a ticket. Never a mixture; a warning says so
    /// when both hold one.
    pub fn from_environment(environment: &Environment, diags: &mut Diagnostics) -> Self {
        let own = Self {
            auth_ticket: secret_variable(environment, "PROXMOX_VE_AUTH_TICKET"),
            csrf_prevention_token: secret_variable(environment, "PROXMOX_VE_CSRF_PREVENTION_TOKEN"),
            ..Self::named(
                environment,
                [
                    "PROXMOX_VE_API_TOKEN",
                    "PROXMOX_VE_API_TOKEN_ID",
                    "PROXMOX_VE_API_TOKEN_SECRET",
                    "PROXMOX_VE_USERNAME",
                    "PROXMOX_VE_PASSWORD",
                    "PROXMOX_VE_TOTP_SECRET",
                    "PROXMOX_VE_OTP",
                ],
            )
        };
        let fallback = Self::named(
            environment,
            [
                "PM_API_TOKEN",
                "PM_API_TOKEN_ID",
                "PM_API_TOKEN_SECRET",
                "PM_USER",
                "PM_PASS",
                "PM_TOTP_SECRET",
                "PM_OTP",
            ],
        );
        let Some(used) = own.first_given() else {
            return fallback;
        };
        if let Some(ignored) = fallback.first_given() {
            diags.warn(
                "Credential in the environment ignored",
                format!("{used} goes before {ignored}: the credential from {ignored} is not used."),
                used.path(),
            );
        }
        own
    }

    fn named(environment: &Environment, names: [&'static str; 7]) -> Self {
        let secret = |name| secret_variable(environment, name);
        let [api_token, id, token_secret, username, password, totp, otp] = names;
        Self {
            api_token: secret(api_token),
            api_token_id: environment.get(id),
            api_token_secret: secret(token_secret),
            username: environment.get(username),
            password: secret(password),
            totp_secret: secret(totp),
            otp: secret(otp),
            ..Self::default()
        }
    }

    /// Where the first value that is given came from.
    pub fn first_given(&self) -> Option<Source> {
        self.api_token
            .source()
            .or(self.api_token_id.source())
            .or(self.api_token_secret.source())
            .or(self.password.source())
            .or(self.totp_secret.source())
            .or(self.otp.source())
            .or(self.auth_ticket.source())
            .or(self.csrf_prevention_token.source())
            .or(self.username.source())
    }

    fn first_unknown(&self) -> Option<Source> {
        self.api_token
            .unknown()
            .or(self.api_token_id.unknown())
            .or(self.api_token_secret.unknown())
            .or(self.username.unknown())
            .or(self.password.unknown())
            .or(self.totp_secret.unknown())
            .or(self.otp.unknown())
            .or(self.auth_ticket.unknown())
            .or(self.csrf_prevention_token.unknown())
    }

    /// Turns the fields into a credential, or says why not.
    ///
    /// Contradictions and missing halves are found even while some values are unknown.
    pub fn resolve(&self, diags: &mut Diagnostics) -> Result<Credentials, SettingError> {
        self.check(diags)?;
        if let Some(source) = self.first_unknown() {
            return Err(SettingError::Unknown(source));
        }
        if let Setting::Known(token, source) = &self.api_token {
            return whole_token(token, source, diags);
        }
        if let (Setting::Known(id, source), Setting::Known(secret, _)) =
            (&self.api_token_id, &self.api_token_secret)
        {
            return self.split_token(id, source, secret, diags);
        }
        if let (Setting::Known(ticket, source), Setting::Known(csrf, _)) =
            (&self.auth_ticket, &self.csrf_prevention_token)
        {
            return earlier_login(ticket, csrf, source, diags);
        }
        self.login(diags)
    }

    /// Refuses more than one credential, and half of one.
    fn check(&self, diags: &mut Diagnostics) -> Result<(), SettingError> {
        let whole = self.api_token.source();
        let split = self
            .api_token_id
            .source()
            .or(self.api_token_secret.source());
        let factor = self.totp_secret.source().or(self.otp.source());
        let login = self.password.source().or(factor);
        let ticket = self
            .auth_ticket
            .source()
            .or(self.csrf_prevention_token.source());
        let given = [&whole, &split, &login, &ticket];
        let given: Vec<&Source> = given.into_iter().flatten().collect();
        if let [first, second, ..] = &given[..] {
            diags.fail(
                "More than one credential",
                format!(
                    "{first} and {second} are both set, and they name different credentials. \
                     Keep one: `api_token`, or `api_token_id` with `api_token_secret`, or \
                     `username` with `password`, or `auth_ticket` with `csrf_prevention_token`."
                ),
                second.path(),
            );
            return Err(SettingError::Invalid);
        }
        if split.is_some() {
            needs_both(
                &self.api_token_id,
                "api_token_id",
                &self.api_token_secret,
                "api_token_secret",
                diags,
            )?;
        }
        if ticket.is_some() {
            needs_both(
                &self.auth_ticket,
                "auth_ticket",
                &self.csrf_prevention_token,
                "csrf_prevention_token",
                diags,
            )?;
        }
        if let (Some(seed), Some(code)) = (self.totp_secret.source(), self.otp.source()) {
            diags.fail(
                "Two second factors",
                format!(
                    "{seed} and {code} are both set, and a login takes one code. Keep \
                     `totp_secret`, from which codes are computed, or `otp`, which is one."
                ),
                code.path(),
            );
            return Err(SettingError::Invalid);
        }
        if login.is_some() || (self.username.is_given() && given.is_empty()) {
            needs_both(
                &self.username,
                "username",
                &self.password,
                "password",
                diags,
            )?;
        }
        Ok(())
    }

    fn user(&self, diags: &mut Diagnostics) -> Result<Option<UserId>, SettingError> {
        let Setting::Known(username, source) = &self.username else {
            return Ok(None);
        };
        match username.parse() {
            Ok(user) => Ok(Some(user)),
            Err(error) => Err(malformed("user name", &format!("{error}."), source, diags)),
        }
    }

    fn split_token(
        &self,
        id: &str,
        source: &Source,
        secret: &StoredSecret,
        diags: &mut Diagnostics,
    ) -> Result<Credentials, SettingError> {
        let user = self.user(diags)?;
        match TokenId::parse(id, user.as_ref()) {
            Ok(id) => Ok(Credentials::Token(ApiToken {
                id,
                secret: secret.secret().clone(),
            })),
            Err(IdError::NoUser { .. }) => Err(malformed(
                "token id",
                "it is the name of a token without its owner. Give the full id, user@realm!name, \
                 or set `username` beside it.",
                source,
                diags,
            )),
            Err(error) => Err(malformed("token id", &format!("{error}."), source, diags)),
        }
    }

    fn login(&self, diags: &mut Diagnostics) -> Result<Credentials, SettingError> {
        let (Some(user), Setting::Known(password, _)) = (self.user(diags)?, &self.password) else {
            return Ok(Credentials::None);
        };
        let totp = match &self.totp_secret {
            Setting::Known(seed, source) => match seed.secret().expose().parse::<TotpSeed>() {
                Ok(seed) => Some(seed),
                Err(error) => {
                    return Err(malformed("TOTP seed", &format!("{error}."), source, diags));
                }
            },
            _ => None,
        };
        Ok(Credentials::Password {
            user,
            password: password.secret().clone(),
            totp,
            otp: match &self.otp {
                Setting::Known(code, _) => Some(code.secret().clone()),
                _ => None,
            },
        })
    }
}

fn whole_token(
    token: &StoredSecret,
    source: &Source,
    diags: &mut Diagnostics,
) -> Result<Credentials, SettingError> {
    match token.secret().expose().parse::<ApiToken>() {
        Ok(token) => Ok(Credentials::Token(token)),
        Err(error) => Err(malformed("API token", &format!("{error}."), source, diags)),
    }
}

fn earlier_login(
    ticket: &StoredSecret,
    csrf: &StoredSecret,
    source: &Source,
    diags: &mut Diagnostics,
) -> Result<Credentials, SettingError> {
    match LoginTicket::new(ticket.secret().clone(), csrf.secret().clone()) {
        Ok(login) => Ok(Credentials::Ticket(login)),
        Err(error) => Err(malformed("ticket", &format!("{error}."), source, diags)),
    }
}

fn secret_variable(environment: &Environment, name: &'static str) -> Setting<StoredSecret> {
    match environment.get(name) {
        Setting::Known(value, source) => Setting::Known(Secret::new(value).into(), source),
        _ => Setting::Absent,
    }
}

fn needs_both<A, B>(
    one: &Setting<A>,
    one_name: &str,
    other: &Setting<B>,
    other_name: &str,
    diags: &mut Diagnostics,
) -> Result<(), SettingError> {
    let (set, missing) = match (one.source(), other.source()) {
        (Some(source), None) => (source, other_name),
        (None, Some(source)) => (source, one_name),
        _ => return Ok(()),
    };
    let place = match set {
        Source::Attribute(_) | Source::ClusterAttribute(..) => "in the same place",
        Source::Variable(_) | Source::CommandLine(_) => "in the environment",
    };
    diags.fail(
        "Half a credential",
        format!(
            "{set} is set, but `{missing}` is not. A credential is never put together from two \
             sources: set `{missing}` {place} as well, or remove {set}."
        ),
        set.path(),
    );
    Err(SettingError::Invalid)
}

fn malformed(what: &str, problem: &str, source: &Source, diags: &mut Diagnostics) -> SettingError {
    diags.fail(
        "Malformed credential",
        format!("The {what} from {source} cannot be used: {problem}"),
        source.path(),
    );
    SettingError::Invalid
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKET: &str = "PVE:demo@pve:6B0482D5::s3cr3t";

    fn resolve<const N: usize>(
        variables: [(&str, &str); N],
    ) -> (Result<Credentials, SettingError>, String) {
        let mut diags = Diagnostics::default();
        let environment = Environment::from(variables);
        let fields = CredentialSettings::from_environment(&environment, &mut diags);
        let resolved = fields.resolve(&mut diags);
        let told: Vec<String> = diags
            .errors
            .iter()
            .map(|error| format!("{}: {}", error.summary, error.detail))
            .collect();
        (resolved, told.join("\n"))
    }

    #[test]
    fn a_ticket_and_its_csrf_token_are_a_credential() {
        let (resolved, _) = resolve([
            ("PROXMOX_VE_AUTH_TICKET", TICKET),
            ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "6B0482D5:OwkT"),
        ]);
        assert_eq!(resolved.unwrap().to_string(), "ticket demo@pve");
    }

    #[test]
    fn a_user_name_may_stay_beside_a_ticket() {
        let (resolved, _) = resolve([
            ("PROXMOX_VE_AUTH_TICKET", TICKET),
            ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "6B0482D5:OwkT"),
            ("PROXMOX_VE_USERNAME", "demo@pve"),
        ]);
        assert_eq!(resolved.unwrap().to_string(), "ticket demo@pve");
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
            let (resolved, told) = resolve([(set, value)]);
            assert_eq!(resolved.unwrap_err(), SettingError::Invalid);
            assert!(told.starts_with("Half a credential"), "{told}");
            assert!(told.contains(set) && told.contains(missing), "{told}");
            assert!(!told.contains("s3cr3t"), "{told}");
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
            let (resolved, told) = resolve([
                ("PROXMOX_VE_AUTH_TICKET", TICKET),
                ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "6B0482D5:OwkT"),
                (other, value),
            ]);
            assert_eq!(resolved.unwrap_err(), SettingError::Invalid);
            assert!(told.starts_with("More than one credential"), "{told}");
            assert!(
                told.contains(other) && told.contains("PROXMOX_VE_AUTH_TICKET"),
                "{told}"
            );
            assert!(!told.contains("s3cr3t"), "{told}");
        }
    }

    #[test]
    fn the_half_ticket_of_a_second_factor_is_refused_without_being_quoted() {
        let (resolved, told) = resolve([
            (
                "PROXMOX_VE_AUTH_TICKET",
                "PVE:!tfa!{\"totp\"%3Atrue}:6B04830B::s3cr3t",
            ),
            ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "x"),
        ]);
        assert_eq!(resolved.unwrap_err(), SettingError::Invalid);
        assert!(told.contains("PROXMOX_VE_AUTH_TICKET"), "{told}");
        assert!(!told.contains("s3cr3t"), "{told}");
    }

    #[test]
    fn a_code_goes_with_a_password_and_with_neither_a_seed_nor_a_token() {
        let login = [
            ("PROXMOX_VE_USERNAME", "demo@pve"),
            ("PROXMOX_VE_PASSWORD", "s3cr3t"),
            ("PROXMOX_VE_OTP", "123456"),
        ];
        let (resolved, _) = resolve(login);
        assert!(matches!(
            resolved.unwrap(),
            Credentials::Password {
                totp: None,
                otp: Some(_),
                ..
            }
        ));
        let [user, password, code] = login;
        let seed = ("PROXMOX_VE_TOTP_SECRET", "JBSWY3DPEHPK3PXP");
        let (_, told) = resolve([user, password, code, seed]);
        assert!(told.starts_with("Two second factors"), "{told}");
        let token = ("PROXMOX_VE_API_TOKEN", "demo@pve!ci=s3cr3t");
        let (_, told) = resolve([code, token]);
        assert!(told.starts_with("More than one credential"), "{told}");
        assert!(
            told.contains("PROXMOX_VE_OTP") && !told.contains("123456"),
            "{told}"
        );
    }

    #[test]
    fn an_unknown_half_counts_as_set() {
        let fields = CredentialSettings {
            auth_ticket: Setting::Unknown(Source::Attribute("auth_ticket")),
            csrf_prevention_token: Setting::Known(
                Secret::new("6B0482D5:OwkT").into(),
                Source::Attribute("csrf_prevention_token"),
            ),
            ..CredentialSettings::default()
        };
        let mut diags = Diagnostics::default();
        assert_eq!(
            fields.resolve(&mut diags).unwrap_err(),
            SettingError::Unknown(Source::Attribute("auth_ticket"))
        );
        assert!(diags.errors.is_empty());
    }
}
