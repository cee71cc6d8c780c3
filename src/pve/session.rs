//! Logging in with a password and, where the account has one, a second factor.
//!
//! A login takes one request, or two with a second factor: the first answers with a challenge,
//! the second returns it with the code (recording `249-tfa-challenge-right`). The one-request
//! form with `otp` no longer logs in and burns the code (`257-tfa-otp-in-one-no-prefix`).
//! Concurrent calls share one login, and a refused one is never tried again: wrong codes lock the
//! account after eight attempts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::api::lenient;
use super::ask::{Ask, Reply};
use super::client::{Client, Proof};
use super::failure::AuthFailure;
use super::ledger;
use super::single_flight::SingleFlight;
use super::{Call, Credentials, Error, LoginTicket, Secret, TotpSeed, UserId};

/// A ticket lives for two hours; a long apply should not meet its end.
const RENEW_AFTER: Duration = Duration::from_secs(60 * 60);

/// Who logs in, and with what.
pub(super) struct Account {
    user: UserId,
    password: Secret,
    totp: Option<TotpSeed>,
}

impl Account {
    pub(super) fn new(user: &UserId, password: &Secret, totp: Option<&TotpSeed>) -> Self {
        Self {
            user: user.clone(),
            password: password.clone(),
            totp: totp.cloned(),
        }
    }
}

/// A ticket and what belongs to it.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) login: LoginTicket,
    /// Tells this ticket from those before and after it.
    pub(super) number: u64,
    obtained: SystemTime,
}

impl Ticket {
    fn is_fresh(&self) -> bool {
        self.obtained.elapsed().is_ok_and(|age| age < RENEW_AFTER)
    }
}

/// Where a client stands with its login.
#[derive(Default)]
pub(super) struct Session {
    state: Mutex<State>,
    login: SingleFlight<Result<Ticket, Error>>,
}

#[derive(Default)]
struct State {
    ticket: Option<Ticket>,
    /// The refusal of a login. It would be refused again.
    refused: Option<Error>,
    logins: u64,
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops a ticket that was refused; the next call logs in anew.
    pub(super) fn forget(&self, number: u64) {
        let mut state = self.state();
        if state
            .ticket
            .as_ref()
            .is_some_and(|ticket| ticket.number == number)
        {
            state.ticket = None;
        }
    }

    /// Lets the ticket look as old as one that is due for renewal.
    #[cfg(test)]
    pub(super) fn age(&self) {
        if let Some(ticket) = &mut self.state().ticket {
            ticket.obtained -= RENEW_AFTER;
        }
    }

    fn known(&self) -> Option<Result<Ticket, Error>> {
        let state = self.state();
        match (&state.ticket, &state.refused) {
            (Some(ticket), _) if ticket.is_fresh() => Some(Ok(ticket.clone())),
            (_, Some(refused)) => Some(Err(refused.clone())),
            _ => None,
        }
    }

    fn note(&self, user: &UserId, outcome: Result<Granted, Error>) -> Result<Ticket, Error> {
        let mut state = self.state();
        match outcome {
            Ok(granted) => {
                state.logins += 1;
                let ticket = Ticket {
                    login: LoginTicket {
                        user: user.clone(),
                        ticket: granted.ticket,
                        csrf: granted.csrf,
                    },
                    number: state.logins,
                    obtained: SystemTime::now(),
                };
                state.ticket = Some(ticket.clone());
                Ok(ticket)
            }
            Err(refused @ (Error::Unauthenticated { .. } | Error::SecondFactorRequired { .. })) => {
                state.refused = Some(refused.clone());
                Err(refused)
            }
            Err(other) => Err(other),
        }
    }
}

#[derive(Deserialize)]
struct LoginAnswer {
    ticket: String,
    #[serde(rename = "CSRFPreventionToken", default)]
    csrf: String,
    #[serde(rename = "NeedTFA", default, deserialize_with = "lenient::flag")]
    need_tfa: bool,
}

struct Granted {
    ticket: Secret,
    csrf: Secret,
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

impl Client {
    /// The login behind this client, made now if it was not before: for somebody else who needs
    /// a ticket. `None` where the credentials are a token or nothing.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::SecondFactorRequired`], and whatever else a request
    /// can end in.
    pub async fn log_in(&self, call: &Call) -> Result<Option<LoginTicket>, Error> {
        let account = match &self.settings().credentials {
            Credentials::Password {
                user,
                password,
                totp,
            } => Account::new(user, password, totp.as_ref()),
            Credentials::Ticket(login) => return Ok(Some(login.clone())),
            Credentials::Token(_) | Credentials::None => return Ok(None),
        };
        let ticket = call.bound(self.ticket(account)).await;
        let ticket = ticket.unwrap_or_else(|stopped| Err(self.stop(stopped, &Ask::post(&TICKET))));
        ticket.map(|ticket| Some(ticket.login))
    }

    /// A ticket that is good for a while, from a login if need be.
    pub(super) async fn ticket(&self, account: Account) -> Result<Ticket, Error> {
        if let Some(known) = self.session().known() {
            return known;
        }
        let login = self.session().login.join(|| {
            let client = self.clone();
            async move { client.renew_or_log_in(&account).await }.boxed()
        });
        login.await
    }

    async fn renew_or_log_in(&self, account: &Account) -> Result<Ticket, Error> {
        // Another login may have ended between the look and the join.
        if let Some(known) = self.session().known() {
            return known;
        }
        let old = self.session().state().ticket.take();
        let renewed = match old {
            Some(old) => self.renew(&account.user, &old).await?,
            None => None,
        };
        let outcome = match renewed {
            Some(granted) => Ok(granted),
            None => self.prove_factors(account).await,
        };
        self.session().note(&account.user, outcome)
    }

    /// A ticket posted as the password gives a new one, without a second factor
    /// (recording `233-ticket-renew`). `None`: the old one is not accepted any more.
    async fn renew(&self, user: &UserId, old: &Ticket) -> Result<Option<Granted>, Error> {
        match self
            .post_login(&[
                ("username", &user.to_string()),
                ("password", old.login.ticket.expose()),
            ])
            .await
        {
            Ok((Login::Granted(granted), _)) => Ok(Some(granted)),
            Ok((Login::Challenge { .. }, _)) | Err(Error::Unauthenticated { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    async fn prove_factors(&self, account: &Account) -> Result<Granted, Error> {
        let Account {
            user,
            password,
            totp,
        } = account;
        let name = user.to_string();
        let first = self
            .post_login(&[("username", &name), ("password", password.expose())])
            .await;
        let (challenge, factors, server_time) = match first
            .map_err(|error| refused_as(error, AuthFailure::Password, user))?
        {
            (Login::Granted(granted), _) => return Ok(granted),
            (Login::Challenge { ticket, factors }, server_time) => (ticket, factors, server_time),
        };
        let Some(seed) = totp
            .as_ref()
            .filter(|_| factors.is_empty() || factors.iter().any(|factor| factor == "totp"))
        else {
            return Err(Error::SecondFactorRequired {
                request: Box::new(self.line(&Ask::post(&TICKET))),
                user: user.clone(),
                factors,
            });
        };
        let code = self.unused_code(user, seed, server_time).await;
        let second = self
            .post_login(&[
                ("username", &name),
                ("tfa-challenge", challenge.expose()),
                ("password", &format!("totp:{}", code.expose())),
            ])
            .await;
        match second.map_err(|error| refused_as(error, AuthFailure::SecondFactor, user))? {
            (Login::Granted(granted), _) => Ok(granted),
            (Login::Challenge { factors, .. }, _) => Err(Error::SecondFactorRequired {
                request: Box::new(self.line(&Ask::post(&TICKET))),
                user: user.clone(),
                factors,
            }),
        }
    }

    /// The code of the current time step on the server's clock, or of the next one if that code
    /// was used before.
    async fn unused_code(
        &self,
        user: &UserId,
        seed: &TotpSeed,
        server_time: OffsetDateTime,
    ) -> Secret {
        let ahead = server_time - OffsetDateTime::now_utc();
        let now = || {
            u64::try_from((OffsetDateTime::now_utc() + ahead).unix_timestamp()).unwrap_or_default()
        };
        let (endpoint, name) = (self.settings().endpoint.to_string(), user.to_string());
        loop {
            let time = now();
            let step = seed.step_at(time);
            if ledger::claim(&endpoint, &name, step).await {
                return seed.code_at(time);
            }
            let wait = seed.start_of(step + 1).saturating_sub(time);
            tracing::info!(
                user = name,
                seconds = wait,
                "the current one-time code was used before, waiting for the next one"
            );
            tokio::time::sleep(Duration::from_secs(wait)).await;
        }
    }

    async fn post_login(&self, form: &[(&str, &str)]) -> Result<(Login, OffsetDateTime), Error> {
        let reply: Reply = self
            .send(
                &Ask::post(&TICKET).form(form).anonymous(),
                &Proof::default(),
            )
            .await?;
        let server_time = reply.server_time;
        Ok((reply.decode::<LoginAnswer>()?.into(), server_time))
    }
}

const TICKET: [&str; 2] = ["access", "ticket"];

fn refused_as(error: Error, failure: AuthFailure, user: &UserId) -> Error {
    match error {
        Error::Unauthenticated { answer, .. } => Error::Unauthenticated {
            answer,
            failure,
            identity: Some(user.to_string()),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::factors;

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
    fn a_ticket_is_no_challenge() {
        assert_eq!(factors("PVE:demo@pve:6B0482D5::KHgwLos"), None);
    }
}
