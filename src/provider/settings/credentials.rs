//! The credential settings: the attributes that can name a credential.
//!
//! A credential has one of four forms: a token in one string (`api_token`), a token in two
//! (`api_token_id` and `api_token_secret`), the login of a user (`username`, `password` and, with a
//! second factor, `totp_secret` or a one-time code in `otp`), and an existing login (`auth_ticket`
//! and `csrf_prevention_token`). `resolve` turns the settings into one of them.

mod form;
mod resolve;

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::framework::Problem;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::settings::definition::{Definition, Kind};
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::{Setting, Source};
use crate::pve::Secret;

pub const API_TOKEN: Definition = Definition {
    name: "api_token",
    kind: Kind::Secret,
    description: "API token ID and secret in one string: `user@realm!name=secret`. Conflicts with \
                  `api_token_id`, `password` and `auth_ticket`.",
    variables: &["PROXMOX_VE_API_TOKEN", "PM_API_TOKEN"],
    format: "",
};

/// The ID of an API token.
pub const API_TOKEN_ID: Definition = Definition {
    name: "api_token_id",
    kind: Kind::Text,
    description: "ID of the API token: the full ID, `user@realm!name`, or the token name alone \
                  together with `username`. Requires the secret of the token. Conflicts with \
                  `api_token`, `password` and `auth_ticket`.",
    variables: &["PROXMOX_VE_API_TOKEN_ID", "PM_API_TOKEN_ID"],
    format: "",
};

pub const API_TOKEN_SECRET: Definition = Definition {
    name: "api_token_secret",
    kind: Kind::Secret,
    description: "Secret of the API token `api_token_id` (a UUID).",
    variables: &["PROXMOX_VE_API_TOKEN_SECRET", "PM_API_TOKEN_SECRET"],
    format: "",
};

/// The user.
pub const USERNAME: Definition = Definition {
    name: "username",
    kind: Kind::Text,
    description: "User ID with the realm, such as `root@pam`: the user that logs in with \
                  `password`, or the owner of the token if `api_token_id` is only a name.",
    variables: &["PROXMOX_VE_USERNAME", "PM_USER"],
    format: "",
};

pub const PASSWORD: Definition = Definition {
    name: "password",
    kind: Kind::Secret,
    description: "Password of `username`. Conflicts with `api_token`, `api_token_id` and \
                  `auth_ticket`.",
    variables: &["PROXMOX_VE_PASSWORD", "PM_PASS"],
    format: "",
};

pub const TOTP_SECRET: Definition = Definition {
    name: "totp_secret",
    kind: Kind::Secret,
    description: "Base32-encoded TOTP secret of `username`, for an account with two-factor \
                  authentication. Requires the password. Conflicts with `otp`. A password and a \
                  TOTP secret that are stored together are a single factor: prefer an API token.",
    variables: &["PROXMOX_VE_TOTP_SECRET", "PM_TOTP_SECRET"],
    format: "",
};

pub const OTP: Definition = Definition {
    name: "otp",
    kind: Kind::Secret,
    description: "One-time code for the second factor of `username`, in place of \
                  `totp_secret`: `123456` from an authenticator app, or `recovery:` followed \
                  by a recovery key. A code is valid for one login and is reserved for apply: \
                  a refresh does not log in, and a data source or an import that needs to log \
                  in during a plan fails.",
    variables: &["PROXMOX_VE_OTP", "PM_OTP"],
    format: "",
};

pub const AUTH_TICKET: Definition = Definition {
    name: "auth_ticket",
    kind: Kind::Secret,
    description: "Ticket of an existing login, `PVE:user@realm:...`, for an account whose \
                  second factor requires interaction. Requires `csrf_prevention_token`. The \
                  command `terraform-provider-proxmox login` logs in and prints both. A ticket \
                  is valid for two hours, is renewed while the provider runs, and cannot be \
                  revoked.",
    variables: &["PROXMOX_VE_AUTH_TICKET"],
    format: "",
};

pub const CSRF_PREVENTION_TOKEN: Definition = Definition {
    name: "csrf_prevention_token",
    kind: Kind::Secret,
    description: "CSRF prevention token that the server issued together with `auth_ticket`. \
                  Required for every change.",
    variables: &["PROXMOX_VE_CSRF_PREVENTION_TOKEN"],
    format: "",
};

/// The credential attributes.
pub const DEFINITIONS: [&Definition; 9] = [
    &API_TOKEN,
    &API_TOKEN_ID,
    &API_TOKEN_SECRET,
    &USERNAME,
    &PASSWORD,
    &TOTP_SECRET,
    &OTP,
    &AUTH_TICKET,
    &CSRF_PREVENTION_TOKEN,
];

/// The credential attributes, as a block sets them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CredentialAttributes {
    pub api_token: Value<StoredSecret>,
    pub api_token_id: Value<String>,
    pub api_token_secret: Value<StoredSecret>,
    pub username: Value<String>,
    pub password: Value<StoredSecret>,
    pub totp_secret: Value<StoredSecret>,
    pub otp: Value<StoredSecret>,
    pub auth_ticket: Value<StoredSecret>,
    pub csrf_prevention_token: Value<StoredSecret>,
}

impl CredentialAttributes {
    /// The settings that the attributes of a block hold.
    pub fn settings(self, source: impl Fn(&'static str) -> Source) -> CredentialSettings {
        CredentialSettings {
            api_token: API_TOKEN.setting(&source, self.api_token),
            api_token_id: API_TOKEN_ID.setting(&source, self.api_token_id),
            api_token_secret: API_TOKEN_SECRET.setting(&source, self.api_token_secret),
            username: USERNAME.setting(&source, self.username),
            password: PASSWORD.setting(&source, self.password),
            totp_secret: TOTP_SECRET.setting(&source, self.totp_secret),
            otp: OTP.setting(&source, self.otp),
            auth_ticket: AUTH_TICKET.setting(&source, self.auth_ticket),
            csrf_prevention_token: CSRF_PREVENTION_TOKEN
                .setting(&source, self.csrf_prevention_token),
        }
    }
}

/// The settings that can name a credential.
#[derive(Clone, Debug, Default)]
pub struct CredentialSettings {
    /// `user@realm!name=secret`.
    pub api_token: Setting<StoredSecret>,
    /// `user@realm!name`, or `name` together with `username`.
    pub api_token_id: Setting<String>,
    /// The secret of `api_token_id`.
    pub api_token_secret: Setting<StoredSecret>,
    /// `user@realm`.
    pub username: Setting<String>,
    /// The password of `username`.
    pub password: Setting<StoredSecret>,
    /// The base32-encoded TOTP secret of `username`.
    pub totp_secret: Setting<StoredSecret>,
    /// A one-time code for the second factor of `username`, valid for one login.
    pub otp: Setting<StoredSecret>,
    /// The ticket of an existing login.
    pub auth_ticket: Setting<StoredSecret>,
    /// The CSRF prevention token of `auth_ticket`, sent with every write.
    pub csrf_prevention_token: Setting<StoredSecret>,
}

impl CredentialSettings {
    /// The credential from the environment: from the variables of this provider if any of them is
    /// set, else from the fallback variables. The two are never mixed, and a warning names the
    /// one that is ignored.
    pub fn from_environment(environment: &Environment, warnings: &mut Vec<Problem>) -> Self {
        let own = Self::from_variables(environment, 0);
        let fallback = Self::from_variables(environment, 1);
        let Some(used) = own.source() else {
            return fallback;
        };
        if let Some(ignored) = fallback.source() {
            warnings.push(Problem::new(
                "Credential in the environment ignored",
                format!(
                    "{used} takes precedence over {ignored}: the credential in {ignored} is not \
                     used."
                ),
                used.path(),
            ));
        }
        own
    }

    /// The credential from the first or the second variable of each attribute.
    fn from_variables(environment: &Environment, index: usize) -> Self {
        let text = |definition: &Definition| {
            let name = definition.variables.get(index);
            name.map(|name| environment.get(name)).unwrap_or_default()
        };
        let secret =
            |definition| text(definition).map(|text| StoredSecret::from(Secret::new(text)));
        Self {
            api_token: secret(&API_TOKEN),
            api_token_id: text(&API_TOKEN_ID),
            api_token_secret: secret(&API_TOKEN_SECRET),
            username: text(&USERNAME),
            password: secret(&PASSWORD),
            totp_secret: secret(&TOTP_SECRET),
            otp: secret(&OTP),
            auth_ticket: secret(&AUTH_TICKET),
            csrf_prevention_token: secret(&CSRF_PREVENTION_TOKEN),
        }
    }

    /// Each of these settings where it is set, else that of the others.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            api_token: self.api_token.or(other.api_token),
            api_token_id: self.api_token_id.or(other.api_token_id),
            api_token_secret: self.api_token_secret.or(other.api_token_secret),
            username: self.username.or(other.username),
            password: self.password.or(other.password),
            totp_secret: self.totp_secret.or(other.totp_secret),
            otp: self.otp.or(other.otp),
            auth_ticket: self.auth_ticket.or(other.auth_ticket),
            csrf_prevention_token: self.csrf_prevention_token.or(other.csrf_prevention_token),
        }
    }

    /// The source of the first setting that is set.
    pub fn source(&self) -> Option<Source> {
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

    /// The source of the first setting that is unknown.
    fn unknown(&self) -> Option<Source> {
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
}
