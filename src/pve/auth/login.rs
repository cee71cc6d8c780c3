//! Logging in with a password and, where the account has one, a second factor.
//!
//! It takes one request, or two with a second factor: the response to the first is a challenge, the
//! second returns it with the code (recording `249-tfa-challenge-right`). The one-request form
//! with `otp` no longer logs in and burns the code (`257-tfa-otp-in-one-no-prefix`).

use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::pve::auth::credentials::LoginTicket;
use crate::pve::auth::totp::TotpSeed;
use crate::pve::auth::used_codes;
use crate::pve::error::failure::AuthFailure;
use crate::pve::error::request::RequestKind;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::id::UserId;
use crate::pve::lenient;
use crate::pve::net::nodes::Nodes;
use crate::pve::net::request::{Proof, Request};
use crate::pve::secret::Secret;

/// The largest difference of the two clocks for which codes are computed. A server, or a gateway in
/// front of it, that could name any time would be handed codes that are valid days later.
const LARGEST_DIFFERENCE: time::Duration = time::Duration::minutes(5);

/// An account with its password and second factor.
pub(crate) struct Account {
    pub(crate) user: UserId,
    pub(crate) password: Secret,
    pub(crate) factor: Option<Factor>,
}

/// The second factor of an account.
pub(crate) enum Factor {
    /// Codes are computed when they are needed.
    Seed(TotpSeed),
    /// A code that works once, perhaps with its kind in front.
    Code(Secret),
}

impl Factor {
    /// The kind of factor, in the server's words.
    fn kind(&self) -> &str {
        match self {
            Self::Seed(_) => "totp",
            Self::Code(code) => code
                .expose()
                .split_once(':')
                .map_or("totp", |(kind, _)| kind),
        }
    }
}

/// The result of a login.
pub(crate) struct Granted {
    pub(crate) ticket: Secret,
    pub(crate) csrf: Secret,
}

#[derive(Deserialize)]
struct LoginAnswer {
    ticket: String,
    #[serde(rename = "CSRFPreventionToken", default)]
    csrf: String,
    #[serde(rename = "NeedTFA", default, deserialize_with = "lenient::flag")]
    need_tfa: bool,
}

impl LoginAnswer {
    /// Refuses what is no ticket: a ticket becomes a header of later requests, and `login` hands it
    /// to a shell.
    fn checked(self) -> Result<Self, String> {
        match is_ticket(&self.ticket) && is_csrf_token(&self.csrf) {
            true => Ok(self),
            false => {
                Err("its ticket or its CSRF token has characters that these do not have".to_owned())
            }
        }
    }
}

/// Whether a text has the form of a ticket, `PVE:user@realm:6B0482D5::signature`, or of the
/// challenge in its place. A user id has neither white space nor colons.
pub(crate) fn is_ticket(text: &str) -> bool {
    let Some((front, signature)) = text
        .strip_prefix("PVE:")
        .and_then(|rest| rest.rsplit_once("::"))
    else {
        return false;
    };
    let Some((subject, time)) = front.rsplit_once(':') else {
        return false;
    };
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control();
    is_signature(signature) && is_hexadecimal(time) && subject.chars().all(is_plain)
}

/// Whether a text has the form of a CSRF token, `6B0482D5:signature`. A challenge comes without.
pub(crate) fn is_csrf_token(text: &str) -> bool {
    let parts = text.split_once(':');
    text.is_empty()
        || parts.is_some_and(|(time, signature)| is_hexadecimal(time) && is_signature(signature))
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Whether a text is in Base64.
fn is_signature(text: &str) -> bool {
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || b"+/=-_".contains(&c);
    !text.is_empty() && text.bytes().all(is_allowed)
}

enum Login {
    Granted(Granted),
    Challenge {
        ticket: Secret,
        factors: Vec<String>,
    },
}

impl From<LoginAnswer> for Login {
    fn from(answer: LoginAnswer) -> Self {
        match factors(&answer.ticket) {
            Some(factors) => Self::Challenge {
                ticket: Secret::new(answer.ticket),
                factors,
            },
            None if answer.need_tfa => Self::Challenge {
                ticket: Secret::new(answer.ticket),
                factors: Vec::new(),
            },
            None => Self::Granted(Granted {
                ticket: Secret::new(answer.ticket),
                csrf: Secret::new(answer.csrf),
            }),
        }
    }
}

/// The kinds of factor that a challenge `PVE:!tfa!{"totp"%3Atrue}:6B04830B::…` accepts.
fn factors(ticket: &str) -> Option<Vec<String>> {
    let challenge = ticket.strip_prefix("PVE:!tfa!")?;
    let json =
        percent_decode_str(challenge.split(':').next().unwrap_or_default()).decode_utf8_lossy();
    let offered: serde_json::Map<String, Value> = serde_json::from_str(&json).unwrap_or_default();
    let usable = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
    Some(
        offered
            .into_iter()
            .filter(|(_, value)| usable(value))
            .map(|(name, _)| name)
            .collect(),
    )
}

/// Renews a ticket: posted as the password, it gives a new one without a second factor (recording
/// `233-ticket-renew`). `None`: the server does not accept the old one any more.
pub(crate) async fn renew(nodes: &Nodes, old: &LoginTicket) -> Result<Option<Granted>, Error> {
    let user = old.user.to_string();
    let form = [
        ("username", user.as_str()),
        ("password", old.ticket.expose()),
    ];
    match post(nodes, RequestKind::Login, &form).await {
        Ok((Login::Granted(granted), _)) => Ok(Some(granted)),
        Ok((Login::Challenge { .. }, _)) => Ok(None),
        Err(error) if matches!(error.kind, ErrorKind::Unauthenticated { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Logs in from the beginning.
pub(crate) async fn log_in(nodes: &Nodes, account: &Account) -> Result<Granted, Error> {
    let user = account.user.to_string();
    let form = [
        ("username", user.as_str()),
        ("password", account.password.expose()),
    ];
    let first = post(nodes, RequestKind::Login, &form).await;
    match first.map_err(|error| refused_as(error, AuthFailure::Password, &account.user))? {
        (Login::Granted(granted), _) => Ok(granted),
        (Login::Challenge { ticket, factors }, server_time) => {
            let code = code(nodes, account, factors, server_time).await?;
            answer_challenge(nodes, &account.user, &ticket, &code).await
        }
    }
}

async fn answer_challenge(
    nodes: &Nodes,
    user: &UserId,
    challenge: &Secret,
    code: &Secret,
) -> Result<Granted, Error> {
    let name = user.to_string();
    let form = [
        ("username", name.as_str()),
        ("tfa-challenge", challenge.expose()),
        ("password", code.expose()),
    ];
    let second = post(nodes, RequestKind::CodeLogin, &form).await;
    match second.map_err(|error| refused_as(error, AuthFailure::SecondFactor, user))? {
        (Login::Granted(granted), _) => Ok(granted),
        (Login::Challenge { factors, .. }, _) => Err(lacks_factor(nodes, user, factors)),
    }
}

/// The response to a challenge, as `totp:123456`.
async fn code(
    nodes: &Nodes,
    account: &Account,
    factors: Vec<String>,
    server_time: OffsetDateTime,
) -> Result<Secret, Error> {
    let accepted = |kind: &str| factors.is_empty() || factors.iter().any(|factor| factor == kind);
    let factor = account
        .factor
        .as_ref()
        .filter(|factor| accepted(factor.kind()));
    let ahead = server_time - OffsetDateTime::now_utc();
    let code = match factor {
        None => return Err(lacks_factor(nodes, &account.user, factors)),
        Some(Factor::Seed(_)) if ahead.abs() > LARGEST_DIFFERENCE => {
            let request = request(RequestKind::CodeLogin).info(nodes.endpoint(), &[]);
            return Err(Error::new(request, ErrorKind::ClocksDiffer { ahead }));
        }
        Some(Factor::Seed(seed)) => unused_code(nodes, &account.user, seed, server_time).await,
        Some(Factor::Code(code)) => code.clone(),
    };
    Ok(match code.expose().contains(':') {
        true => code,
        false => Secret::new(format!("totp:{}", code.expose())),
    })
}

/// The code of the current time step on the server's clock, or of the next one if that code was
/// used before.
async fn unused_code(
    nodes: &Nodes,
    user: &UserId,
    seed: &TotpSeed,
    server_time: OffsetDateTime,
) -> Secret {
    let ahead = (server_time - OffsetDateTime::now_utc()).whole_seconds();
    let now = || {
        let here = OffsetDateTime::now_utc().unix_timestamp();
        u64::try_from(here.saturating_add(ahead)).unwrap_or_default()
    };
    let (endpoint, name) = (nodes.first().to_string(), user.to_string());
    loop {
        let time = now();
        let step = seed.step_at(time);
        if used_codes::claim(&endpoint, &name, step).await {
            return seed.code_at(time);
        }
        let wait = seed.start_of(step + 1).saturating_sub(time);
        tracing::info!(
            user = name,
            seconds = wait,
            "The current one-time code was used before, waiting for the next one"
        );
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
}

fn lacks_factor(nodes: &Nodes, user: &UserId, factors: Vec<String>) -> Error {
    let request = request(RequestKind::CodeLogin).info(nodes.endpoint(), &[]);
    let user = user.clone();
    Error::new(request, ErrorKind::SecondFactorRequired { user, factors })
}

/// The request for a ticket, without its form.
pub(crate) fn request(kind: RequestKind) -> Request {
    Request::post(&["access", "ticket"]).kind(kind).anonymous()
}

async fn post(
    nodes: &Nodes,
    kind: RequestKind,
    form: &[(&str, &str)],
) -> Result<(Login, OffsetDateTime), Error> {
    let response = nodes
        .send(&request(kind).form(form), &Proof::none())
        .await?;
    let server_time = response.date.unwrap_or_else(OffsetDateTime::now_utc);
    let login = response.decode_with(|answer: LoginAnswer| answer.checked())?;
    Ok((login.into(), server_time))
}

fn refused_as(mut error: Error, credential: AuthFailure, user: &UserId) -> Error {
    if let ErrorKind::Unauthenticated {
        failure, identity, ..
    } = &mut error.kind
    {
        *failure = credential;
        *identity = Some(user.to_string());
    }
    error
}

#[cfg(test)]
mod tests {
    use super::{factors, is_csrf_token, is_ticket};

    #[test]
    fn a_challenge_names_the_factors_it_accepts() {
        // 249-tfa-challenge-right and 263-tfa-recovery
        assert_eq!(
            factors("PVE:!tfa!{\"totp\"%3Atrue}:6B04830B::bJljkt31").unwrap(),
            ["totp"]
        );
        assert_eq!(
            factors("PVE:!tfa!{\"recovery\"%3A[0,1,2]}:6B048362::pSB09").unwrap(),
            ["recovery"]
        );
        assert_eq!(
            factors("PVE:!tfa!{\"totp\"%3Afalse,\"webauthn\"%3Anull}:6B::x").unwrap(),
            [""; 0]
        );
        assert_eq!(factors("PVE:!tfa!nonsense").unwrap(), [""; 0]);
    }

    #[test]
    fn a_ticket_has_no_character_that_a_shell_or_a_header_would_read() {
        for (text, expected) in [
            ("PVE:demo@pve:6B0482D5::KHgwLos/+==", true),
            ("PVE:o'hara$(false)@pve:6B0482D5::KHgwLos", true),
            ("PVE:!tfa!{\"totp\"%3Atrue}:6B04830B::bJljkt31", true),
            ("PVE:demo@pve:6B0482D5::KHg'; rm -rf /", false),
            ("PVE:demo@pve:6B0482D5::\\'; rm", false),
            ("PVE:demo@pve\u{1b}[2J:6B0482D5::KHg", false),
            ("PVE:demo@pve:6B0482D5::KHg\n", false),
            ("PVE:demo@pve:now::KHg", false),
            ("$(id)", false),
            ("", false),
        ] {
            assert_eq!(is_ticket(text), expected, "{text:?}");
        }
        assert!(is_csrf_token("6B0482D5:KHgwLos/+") && is_csrf_token(""));
        assert!(!is_csrf_token("6B0482D5:KHg';id") && !is_csrf_token("KHg"));
    }

    #[test]
    fn a_ticket_is_no_challenge() {
        assert_eq!(factors("PVE:demo@pve:6B0482D5::KHgwLos"), None);
    }
}
