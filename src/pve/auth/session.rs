//! The identity of a client, and its proof on each request.
//!
//! A login is made when first needed, shared by all requests and kept fresh. Concurrent requests
//! share one login, and a refused one is never tried again: wrong codes lock the account after
//! eight attempts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use http::Method;
use percent_encoding::utf8_percent_encode;

use crate::pve::auth::credentials::{ApiToken, Credentials, LIFE, LoginTicket};
use crate::pve::auth::login::{self, Account, Factor, Granted};
use crate::pve::error::failure::AuthFailure;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::id::UserId;
use crate::pve::net::nodes::Nodes;
use crate::pve::net::request::{Proof, Request, SEGMENT};
use crate::pve::secret::Secret;
use crate::pve::single_flight::SingleFlight;

/// A ticket lives for two hours; a long apply should not meet its end.
const RENEW_AFTER: Duration = Duration::from_secs(60 * 60);

/// A ticket and its age.
#[derive(Debug, Clone)]
struct Ticket {
    login: LoginTicket,
    /// The place of the login among those of the session; 0 for a ticket that was configured.
    number: u64,
    obtained: SystemTime,
}

impl Ticket {
    /// A configured ticket, as old as it says it is at `server_now`: the time in it is of the
    /// server's clock.
    fn configured(login: &LoginTicket, server_now: SystemTime) -> Self {
        let age = login
            .issued()
            .and_then(|issued| server_now.duration_since(issued).ok())
            .unwrap_or_default();
        let now = SystemTime::now();
        Self {
            login: login.clone(),
            number: 0,
            obtained: now.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH),
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

/// The credentials of a client and the state of its login.
pub(crate) struct Session {
    credentials: Credentials,
    nodes: Arc<Nodes>,
    state: Mutex<State>,
    login: SingleFlight<Result<Ticket, Error>>,
    /// The token that took the place of the configured one during this run.
    successor: RwLock<Option<ApiToken>>,
}

#[derive(Default)]
struct State {
    ticket: Option<Ticket>,
    /// The refusal of a login. It would be refused again.
    refused: Option<Error>,
    logins: u64,
    /// Whether a configured ticket is too old to be renewed.
    outlived: bool,
}

impl Session {
    pub(crate) fn new(credentials: Credentials, nodes: Arc<Nodes>) -> Self {
        Self {
            credentials,
            nodes,
            state: Mutex::default(),
            login: SingleFlight::default(),
            successor: RwLock::default(),
        }
    }

    /// The proof of identity for a request. Logs in if that needs a login.
    pub(crate) async fn prove(self: &Arc<Self>, request: &Request) -> Result<Proof, Error> {
        if request.anonymous {
            return Ok(Proof::none());
        }
        let ticket = match (self.account(), &self.credentials) {
            (Some(account), _) => self.ticket(account).await?,
            (None, Credentials::Ticket(login)) => self.configured_ticket(login).await?,
            (None, Credentials::Token(token)) => return Ok(self.by_token(token)),
            (None, _) => return Ok(Proof::none()),
        };
        Ok(self.by_ticket(&ticket, request))
    }

    /// Replaces the configured token, when it was just given another secret.
    pub(crate) fn continue_with(&self, token: ApiToken) {
        let successor = self.successor.write();
        *successor.unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    /// Drops a ticket that was refused; the next request logs in anew.
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

    /// Whether the next request would use up a one-time code, since no login was made yet.
    pub(crate) fn would_spend_a_code(&self) -> bool {
        let takes_code = self
            .account()
            .is_some_and(|account| account.factor.is_some());
        takes_code && !matches!(self.known(), Some(Ok(_)))
    }

    /// The login behind the session, made now if it was not before. `None` where the credentials
    /// are a token or nothing. A `code` that a person typed takes the place of the configured
    /// factor.
    pub(crate) async fn log_in(
        self: &Arc<Self>,
        code: Option<&Secret>,
    ) -> Result<Option<LoginTicket>, Error> {
        if let Credentials::Ticket(login) = &self.credentials {
            return Ok(Some(login.clone()));
        }
        let Some(mut account) = self.account() else {
            return Ok(None);
        };
        if let Some(code) = code {
            self.code_is_here();
            account.factor = Some(Factor::Code(code.clone()));
        }
        let ticket = self.ticket(account).await?;
        Ok(Some(ticket.login))
    }

    fn by_token(&self, configured: &ApiToken) -> Proof {
        let successor = self.successor.read();
        let successor = successor.unwrap_or_else(PoisonError::into_inner);
        let token = successor.as_ref().unwrap_or(configured);
        Proof {
            failure: AuthFailure::Token,
            identity: self.credentials.identity(),
            ..Proof::none().header("authorization", token.authorization().expose())
        }
    }

    fn by_ticket(&self, ticket: &Ticket, request: &Request) -> Proof {
        let cookie = utf8_percent_encode(ticket.login.ticket.expose(), SEGMENT);
        let mut proof = Proof::none().header("cookie", &format!("PVEAuthCookie={cookie}"));
        if request.method != Method::GET {
            proof = proof.header("csrfpreventiontoken", ticket.login.csrf.expose());
        }
        Proof {
            failure: AuthFailure::Ticket,
            identity: self.credentials.identity(),
            ticket: Some(ticket.number),
            ..proof
        }
    }

    /// The account that logs in, if the credentials are a login.
    fn account(&self) -> Option<Account> {
        let Credentials::Password {
            user,
            password,
            totp,
            otp,
        } = &self.credentials
        else {
            return None;
        };
        let has_logged_in = self.state().logins > 0;
        Some(Account {
            user: user.clone(),
            password: password.clone(),
            factor: match otp {
                Some(code) if !has_logged_in => Some(Factor::Code(code.clone())),
                _ => totp.clone().map(Factor::Seed),
            },
        })
    }

    /// The configured ticket, or its successor once it was old enough to be renewed. A ticket
    /// that cannot be renewed is used for as long as it lasts.
    async fn configured_ticket(self: &Arc<Self>, login: &LoginTicket) -> Result<Ticket, Error> {
        if let Some(Ok(known)) = self.known() {
            return Ok(known);
        }
        let login = login.clone();
        let renewal = self.login.join(|| {
            let session = Arc::clone(self);
            async move { session.keep_or_renew(&login).await }.boxed()
        });
        renewal.await
    }

    async fn keep_or_renew(&self, login: &LoginTicket) -> Result<Ticket, Error> {
        let (held, outlived) = {
            let state = self.state();
            (state.ticket.clone(), state.outlived)
        };
        let held =
            held.unwrap_or_else(|| Ticket::configured(login, self.nodes.server_now().into()));
        if held.is_fresh() || held.is_over() || outlived {
            return Ok(held);
        }
        match login::renew(&self.nodes, &held.login).await {
            Ok(Some(granted)) => self.note(&login.user, Ok(granted)),
            Ok(None) => {
                self.state().outlived = true;
                Ok(held)
            }
            Err(_) => Ok(held),
        }
    }

    /// A fresh ticket, from a login if need be.
    async fn ticket(self: &Arc<Self>, account: Account) -> Result<Ticket, Error> {
        if let Some(known) = self.known() {
            return known;
        }
        let login = self.login.join(|| {
            let session = Arc::clone(self);
            async move { session.renew_or_log_in(&account).await }.boxed()
        });
        login.await
    }

    async fn renew_or_log_in(&self, account: &Account) -> Result<Ticket, Error> {
        // Another login may have ended between the look and the join.
        if let Some(known) = self.known() {
            return known;
        }
        let old = self.state().ticket.clone();
        let renewed = match old {
            Some(old) => login::renew(&self.nodes, &old.login).await?,
            None => None,
        };
        let outcome = match renewed {
            Some(granted) => Ok(granted),
            None => login::log_in(&self.nodes, account).await,
        };
        self.note(&account.user, outcome)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes back the refusal of a login that only lacked a code.
    fn code_is_here(&self) {
        let mut state = self.state();
        let refused = state.refused.as_ref().map(|error| &error.kind);
        if matches!(refused, Some(ErrorKind::SecondFactorRequired { .. })) {
            state.refused = None;
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
        let granted = outcome.inspect_err(|error| {
            if matches!(
                error.kind,
                ErrorKind::Unauthenticated { .. } | ErrorKind::SecondFactorRequired { .. }
            ) {
                state.refused = Some(error.clone());
            }
        })?;
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

    /// Lets the ticket look as old as one that is due for renewal.
    #[cfg(test)]
    pub(crate) fn age(&self) {
        if let Some(ticket) = &mut self.state().ticket {
            ticket.obtained -= RENEW_AFTER;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_that_was_given_ages_by_the_clock_that_issued_it() {
        let issued = 0x6B04_82D5;
        let ticket = format!("PVE:demo@pve:{issued:X}::x");
        let csrf = Secret::new("6B0482D5:x".to_owned());
        let login = LoginTicket::new(Secret::new(ticket), csrf).unwrap();
        let at = |seconds: u64| {
            let server_now = SystemTime::UNIX_EPOCH + Duration::from_secs(issued + seconds);
            let ticket = Ticket::configured(&login, server_now);
            (ticket.is_fresh(), ticket.is_over())
        };
        assert_eq!(at(60), (true, false));
        assert_eq!(at(90 * 60), (false, false));
        assert_eq!(at(3 * 60 * 60), (false, true));
        let before = Ticket::configured(&login, SystemTime::UNIX_EPOCH);
        assert!(before.is_fresh());
    }
}
