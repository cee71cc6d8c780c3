//! The form of credentials: what is trimmed, and what is refused before it is sent.
//!
//! A value from a file often ends in a line break, which no token, ticket, code or ID has. A
//! password may have any character, so a password is never changed. No value is quoted: a password
//! may stand in the wrong attribute.

use crate::framework::Problem;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::settings::credentials::{
    API_TOKEN, API_TOKEN_ID, API_TOKEN_SECRET, CredentialSettings,
};
use crate::provider::settings::setting::Setting;
use crate::pve::{IdError, Secret};

impl CredentialSettings {
    /// The settings without white space around tokens, tickets, codes and IDs.
    pub(super) fn trimmed(&self) -> Self {
        let secret = |setting: &Setting<StoredSecret>| {
            let setting = setting.clone();
            setting
                .map(|value| StoredSecret::from(Secret::new(trim(value.secret().expose()))))
                .unless_blank()
        };
        let text = |setting: &Setting<String>| {
            let setting = setting.clone();
            setting.map(|text| trim(&text).to_owned()).unless_blank()
        };
        Self {
            api_token: secret(&self.api_token),
            api_token_id: text(&self.api_token_id),
            api_token_secret: secret(&self.api_token_secret),
            username: text(&self.username),
            password: self.password.clone(),
            totp_secret: secret(&self.totp_secret),
            otp: secret(&self.otp),
            auth_ticket: secret(&self.auth_ticket),
            csrf_prevention_token: secret(&self.csrf_prevention_token),
        }
    }

    /// A warning about a password that looks like the secret of a token.
    pub fn misplaced_secret(&self) -> Option<Problem> {
        let Setting::Known(password, source) = &self.password else {
            return None;
        };
        is_uuid(password.secret().expose().trim()).then(|| {
            Problem::new(
                "Password has the form of a token secret",
                format!(
                    "{source} is a UUID, as the secret of an API token is. A token does not log in \
                     with a password: set `{}` to its ID and `{}` to its secret, or `{}` to both, \
                     and remove `username` and `password`.",
                    API_TOKEN_ID.name, API_TOKEN_SECRET.name, API_TOKEN.name
                ),
                source.path(),
            )
        })
    }
}

/// The text without white space and invisible characters around it.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}')
    })
}

/// What is odd about the form of a token, a ticket or a code, which are printable ASCII.
pub(super) fn odd(text: &str) -> Option<String> {
    let quotes = ['"', '\''];
    if quotes
        .iter()
        .any(|quote| text.starts_with(*quote) && text.ends_with(*quote))
    {
        return Some("it is in quotation marks. Remove them".to_owned());
    }
    let found = text.chars().find(|c| !c.is_ascii_graphic())?;
    Some(match found {
        '\n' | '\r' => "it contains a line break".to_owned(),
        c if c.is_whitespace() => "it contains white space".to_owned(),
        c if c.is_control() => "it contains a control character".to_owned(),
        c => format!(
            "it contains the character U+{:04X}, and only printable ASCII is possible",
            u32::from(c)
        ),
    })
}

/// What is odd about the form of a token's secret.
pub(super) fn odd_secret(text: &str) -> Option<String> {
    if let Some(odd) = odd(text) {
        return Some(odd);
    }
    if text.contains('!') && text.contains('=') {
        return Some(
            "it is a whole API token, with its ID. Set `api_token` to it instead, or remove what \
             stands up to the last `=`"
                .to_owned(),
        );
    }
    let is_cut = text.len() >= 20
        && text.contains('-')
        && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
        && !is_uuid(text);
    is_cut.then(|| {
        format!(
            "it has the form of a UUID with {} characters, and a UUID has 36. It may have been cut \
             when it was copied",
            text.len()
        )
    })
}

/// Why a text is not a user ID, without the text.
pub(super) fn not_a_user(error: &IdError) -> String {
    match error {
        IdError::NoRealm { .. } => "it names no realm. A user ID has the form name@realm, such as \
             terraform@pve or root@pam"
            .to_owned(),
        IdError::UserName { .. } => "the name before @ must not be empty and must not contain \
             white space, ':' or '/'"
            .to_owned(),
        IdError::TokenForUser { .. } => format!(
            "it is the ID of an API token. Set `{}` to the ID and `{}` to the secret of the token, \
             in place of `username` and `password`",
            API_TOKEN_ID.name, API_TOKEN_SECRET.name
        ),
        _ => "the realm after the last @ starts with a letter, has at least two characters and \
             contains only letters, digits, '.', '_' and '-'"
            .to_owned(),
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::settings::environment::Environment;
    use crate::pve::Credentials;

    const SECRET: &str = "573e8a06-e698-427c-acd8-738410c8ee7f";

    fn settings<const N: usize>(variables: [(&str, &str); N]) -> CredentialSettings {
        let environment = Environment::from(variables);
        CredentialSettings::from_environment(&environment, &mut Vec::new())
    }

    fn refused<const N: usize>(variables: [(&str, &str); N]) -> String {
        let error = settings(variables).resolve().unwrap_err();
        error.problem().unwrap().detail.into()
    }

    #[test]
    fn a_line_break_at_the_end_is_trimmed() {
        let whole = format!(" root@pam!ci={SECRET}\r\n");
        for variables in [
            [
                ("PROXMOX_VE_API_TOKEN", whole.as_str()),
                ("PROXMOX_VE_USERNAME", "root@pam\n"),
            ],
            [
                ("PROXMOX_VE_API_TOKEN_ID", "root@pam!ci\n"),
                (
                    "PROXMOX_VE_API_TOKEN_SECRET",
                    &format!("\u{feff}{SECRET}\n\n"),
                ),
            ],
        ] {
            let Ok(Credentials::Token(token)) = settings(variables).resolve() else {
                panic!("{variables:?} is a token");
            };
            assert_eq!(token.id.to_string(), "root@pam!ci");
            assert_eq!(token.secret.expose(), SECRET);
        }
    }

    #[test]
    fn a_password_is_never_changed() {
        let login = settings([
            ("PROXMOX_VE_USERNAME", " root@pam\n"),
            ("PROXMOX_VE_PASSWORD", " s3 cr3t\n"),
            ("PROXMOX_VE_OTP", "123456\n"),
        ]);
        let Ok(Credentials::Password { password, otp, .. }) = login.resolve() else {
            panic!("a login");
        };
        assert_eq!(password.expose(), " s3 cr3t\n");
        assert_eq!(otp.unwrap().expose(), "123456");
    }

    #[test]
    fn a_malformed_secret_is_refused_with_what_is_odd_about_it() {
        let cut = &SECRET[..35];
        for (secret, words) in [
            ("573e8a06-e698\n427c", "a line break"),
            ("573e8a06 e698", "white space"),
            ("573e8a06\u{0}e698", "a control character"),
            ("573e8a06\u{2013}e698", "U+2013"),
            (&format!("\"{SECRET}\""), "quotation marks"),
            (&format!("root@pam!ci={SECRET}"), "a whole API token"),
            (cut, "35 characters"),
            (&format!("{SECRET}0"), "37 characters"),
        ] {
            let detail = refused([
                ("PROXMOX_VE_API_TOKEN_ID", "root@pam!ci"),
                ("PROXMOX_VE_API_TOKEN_SECRET", secret),
            ]);
            assert!(detail.contains(words), "{detail}");
            assert!(!detail.contains("573e8a06"), "{detail}");
        }
        let detail = refused([("PROXMOX_VE_API_TOKEN", "root@pam!ci=573e8a06 e698")]);
        assert!(detail.contains("white space"), "{detail}");
    }

    #[test]
    fn a_password_in_the_place_of_the_user_is_not_quoted() {
        for username in ["hunter2", "hunter2 x@pam", "x@hunter2!", "@hunter2"] {
            let detail = refused([
                ("PROXMOX_VE_USERNAME", username),
                ("PROXMOX_VE_PASSWORD", "root@pam"),
            ]);
            assert!(!detail.contains("hunter2"), "{detail}");
        }
    }

    #[test]
    fn a_token_in_the_place_of_a_login_is_told_where_it_belongs() {
        let detail = refused([
            ("PROXMOX_VE_USERNAME", "root@pam!ci"),
            ("PROXMOX_VE_PASSWORD", SECRET),
        ]);
        assert!(
            detail.contains("`api_token_id`") && detail.contains("`api_token_secret`"),
            "{detail}"
        );
        let login = settings([
            ("PROXMOX_VE_USERNAME", "root@pam"),
            ("PROXMOX_VE_PASSWORD", SECRET),
        ]);
        let warning = login.misplaced_secret().unwrap();
        assert!(warning.detail.contains("`api_token_id`") && !warning.detail.contains(SECRET));
        assert!(
            settings([("PROXMOX_VE_PASSWORD", "s3cr3t")])
                .misplaced_secret()
                .is_none()
        );
    }
}
