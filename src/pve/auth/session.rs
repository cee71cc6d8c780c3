//! The login of a client: made when first needed, shared by all calls, kept fresh.
//!
//! Concurrent calls share one login, and a refused one is never tried again: wrong codes lock the
//! account after eight attempts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;

use crate::pve::auth::credentials::{Credentials, LoginTicket};
use crate::pve::auth::login::{Account, Factor, Granted, TICKET};
use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::id::UserId;
use crate::pve::net::request::Ask;
use crate::pve::secret::Secret;
use crate::pve::single_flight::SingleFlight;

/// A ticket lives for two hours; a long apply should not meet its end.
const RENEW_AFTER: Duration = Duration::from_secs(60 * 60);

/// How long a ticket lives.
const LIFE: Duration = Duration::from_secs(2 * 60 * 60);

/// A ticket and what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) login: LoginTicket,
    /// Tells this ticket from those before and after it.
    pub(crate) number: u64,
    obtained: SystemTime,
}

impl Ticket {
    /// A login that was made before, as old as it says it is.
    fn given(login: &LoginTicket) -> Self {
        let issued = login.issued().unwrap_or_else(SystemTime::now);
        Self {
            login: login.clone(),
            number: 0,
            obtained: issued.min(SystemTime::now()),
        }
    }

    fn is_fresh(&self) -> bool {
        self.obtained.elapsed().is_ok_and(|age| age < RENEW_AFTER)
    }

    /// Whether its end has come. The server would take it for a wrong password.
    fn is_over(&self) -> bool {
        self.obtained.elapsed().is_ok_and(|age| age >= LIFE)
    }
}

/// Where a client stands with its login.
#[derive(Default)]
pub(crate) struct Session {
    state: Mutex<State>,
    login: SingleFlight<Result<Ticket, Error>>,
}

#[derive(Default)]
struct State {
    ticket: Option<Ticket>,
    /// The refusal of a login. It would be refused again.
    refused: Option<Error>,
    logins: u64,
    /// A ticket that was given is too old to get another one for it.
    outlived: bool,
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops a ticket that was refused; the next call logs in anew.
    pub(crate) fn forget(&self, number: u64) {
        let mut state = self.state();
        if state
            .ticket
            .as_ref()
            .is_some_and(|ticket| ticket.number == number)
        {
            state.ticket = None;
        }
    }

    /// Whether a code that is good once has been used.
    fn has_logged_in(&self) -> bool {
        self.state().logins > 0
    }

    /// Takes back the refusal of a login that only lacked a code.
    fn code_is_here(&self) {
        let mut state = self.state();
        if matches!(state.refused, Some(Error::SecondFactorRequired { .. })) {
            state.refused = None;
        }
    }

    /// Lets the ticket look as old as one that is due for renewal.
    #[cfg(test)]
    pub(crate) fn age(&self) {
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

impl Client {
    /// Whether the next request would use up a one-time code, since nobody has logged in yet.
    pub fn would_spend_a_code(&self) -> bool {
        let takes_code = self
            .account()
            .is_some_and(|account| account.factor.is_some());
        takes_code && !matches!(self.session().known(), Some(Ok(_)))
    }

    /// The login behind this client, made now if it was not before: for somebody else who needs
    /// a ticket. `None` where the credentials are a token or nothing.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::SecondFactorRequired`], and whatever else a request
    /// can end in.
    pub async fn log_in(&self, context: &Context) -> Result<Option<LoginTicket>, Error> {
        self.log_in_as(self.account(), context).await
    }

    /// As [`Client::log_in`], with a one-time code that somebody typed in: `123456` from an
    /// app, or `recovery:` and one of the account's recovery keys. This client then stays logged
    /// in for as long as its ticket can be renewed.
    ///
    /// # Errors
    /// As [`Client::log_in`].
    pub async fn log_in_with_code(
        &self,
        code: &Secret,
        context: &Context,
    ) -> Result<Option<LoginTicket>, Error> {
        self.session().code_is_here();
        let account = self.account().map(|account| Account {
            factor: Some(Factor::Code(code.clone())),
            ..account
        });
        self.log_in_as(account, context).await
    }

    async fn log_in_as(
        &self,
        account: Option<Account>,
        context: &Context,
    ) -> Result<Option<LoginTicket>, Error> {
        let account = match (&self.settings().credentials, account) {
            (Credentials::Ticket(login), _) => return Ok(Some(login.clone())),
            (_, None) => return Ok(None),
            (_, Some(account)) => account,
        };
        let ticket = context.bound(self.ticket(account)).await;
        let ticket = ticket.unwrap_or_else(|stopped| Err(self.stop(stopped, &Ask::post(&TICKET))));
        ticket.map(|ticket| Some(ticket.login))
    }

    /// Who logs in, if somebody does.
    pub(crate) fn account(&self) -> Option<Account> {
        match &self.settings().credentials {
            Credentials::Password {
                user,
                password,
                totp,
                otp,
            } => Some(Account {
                user: user.clone(),
                password: password.clone(),
                factor: match otp {
                    Some(code) if !self.session().has_logged_in() => {
                        Some(Factor::Code(code.clone()))
                    }
                    _ => totp.clone().map(Factor::Seed),
                },
            }),
            _ => None,
        }
    }

    /// The ticket that was given, or the one that was got for it once it was old enough. One that
    /// cannot be renewed is used for as long as it lasts.
    pub(crate) async fn ticket_for(&self, login: &LoginTicket) -> Result<Ticket, Error> {
        if let Some(Ok(known)) = self.session().known() {
            return Ok(known);
        }
        let login = login.clone();
        let renewal = self.session().login.join(|| {
            let client = self.clone();
            async move { client.keep_or_renew(&login).await }.boxed()
        });
        renewal.await
    }

    async fn keep_or_renew(&self, login: &LoginTicket) -> Result<Ticket, Error> {
        let (held, outlived) = {
            let state = self.session().state();
            (state.ticket.clone(), state.outlived)
        };
        let held = held.unwrap_or_else(|| Ticket::given(login));
        if held.is_fresh() || held.is_over() || outlived {
            return Ok(held);
        }
        match self.renew_login(&held.login).await {
            Ok(Some(granted)) => self.session().note(&login.user, Ok(granted)),
            Ok(None) => {
                self.session().state().outlived = true;
                Ok(held)
            }
            Err(_) => Ok(held),
        }
    }

    /// A ticket that is good for a while, from a login if need be.
    pub(crate) async fn ticket(&self, account: Account) -> Result<Ticket, Error> {
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
        let old = self.session().state().ticket.clone();
        let renewed = match old {
            Some(old) => self.renew_login(&old.login).await?,
            None => None,
        };
        let outcome = match renewed {
            Some(granted) => Ok(granted),
            None => self.new_login(account).await,
        };
        self.session().note(&account.user, outcome)
    }
}
