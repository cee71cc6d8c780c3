//! Who a request comes from.

use crate::config::is_past;
use crate::grammar;
use crate::log::Identity;
use crate::params::{bytes, latin1, unescape};
use crate::result::Failure;
use crate::state::State;

/// The credentials in the headers of a request. A ticket beats a token
/// (219-auth-token-cookie-and-token).
#[derive(Default)]
pub(crate) struct Credentials {
    ticket: Option<String>,
    pub(crate) token: Option<String>,
    csrf: Option<String>,
}

impl Credentials {
    pub(crate) fn read(
        cookie: Option<&str>,
        authorization: Option<&str>,
        csrf: Option<&str>,
    ) -> Self {
        let ticket = extract(cookie, "PVEAuthCookie")
            .or_else(|| extract(authorization, "PVEAuthCookie"))
            .filter(|ticket| !ticket.is_empty());
        let token = match ticket {
            Some(_) => None,
            None => extract(authorization, "PVEAPIToken").filter(|token| !token.is_empty()),
        };
        Self {
            ticket,
            token,
            csrf: csrf.map(str::to_owned),
        }
    }

    /// Who the credentials claim to be.
    pub(crate) fn claim(&self) -> Identity {
        match (&self.ticket, &self.token) {
            (Some(ticket), _) => {
                let user = ticket.split(':').nth(1).unwrap_or_default();
                Identity::Ticket(user.to_owned())
            }
            (None, Some(token)) => {
                let id = token.rsplit_once('=').map_or("", |(id, _)| id);
                Identity::Token(id.to_owned())
            }
            (None, None) => Identity::Anonymous,
        }
    }

    /// Who the request comes from: `user@realm` or `user@realm!token`, empty when the path
    /// needs nobody.
    pub(crate) fn verify(&self, state: &State, verb: &str, path: &str) -> Result<String, Refusal> {
        let open = matches!(
            (verb, path),
            ("GET", "/access/domains" | "/access/ticket") | ("POST", "/access/ticket")
        );
        if open {
            return Ok(String::new());
        }
        if let Some(token) = &self.token {
            return verify_token(state, token).map_err(|why| Refusal::credential(state, &why));
        }
        let Some(ticket) = &self.ticket else {
            return Err(Refusal("No ticket".to_owned()));
        };
        let now = state.now();
        let userid = state
            .tickets
            .verify(ticket, None, now)
            .ok_or_else(|| Failure::die("permission denied - invalid PVE ticket\n"))
            .and_then(|userid| {
                state
                    .config
                    .check_user_enabled(&userid, now)
                    .map(|()| userid)
            })
            .map_err(|why| Refusal::credential(state, &why))?;
        let csrf = self.csrf.as_deref().unwrap_or_default();
        if verb != "GET" && !state.tickets.verify_csrf(&userid, csrf, now) {
            return Err(Refusal("Permission denied - invalid csrf token".to_owned()));
        }
        Ok(userid)
    }
}

/// The value of a key in a cookie or authorization header, up to a semicolon and decoded.
fn extract(header: Option<&str>, key: &str) -> Option<String> {
    let header = header?;
    let value = header.match_indices(key).find_map(|(at, _)| {
        let before = header.get(..at)?.chars().next_back();
        let after = header.get(at + key.len()..)?;
        let value = after.strip_prefix(['=', ' '])?;
        before.is_none_or(char::is_whitespace).then_some(value)
    })?;
    let value = value.split(';').next().unwrap_or_default();
    Some(latin1(&unescape(&bytes(value))))
}

fn verify_token(state: &State, token: &str) -> Result<String, Failure> {
    let (id, secret) = token
        .rsplit_once('=')
        .ok_or_else(|| Failure::die("no tokenid specified\n"))?;
    let (userid, name) = grammar::split_token(id).ok_or_else(|| {
        Failure::die(format!(
            "'{id}' is not a valid token ID - not able to split into user and token parts\n"
        ))
    })?;
    state.config.check_user_enabled(userid, state.now())?;
    let token = state.config.token(userid, name)?;
    if is_past(token.expire, state.now()) {
        return Err(Failure::die(format!("token '{name}' access expired\n")));
    }
    if state.secrets.get(id).is_none_or(|known| known != secret) {
        return Err(Failure::die("invalid token value!\n"));
    }
    Ok(id.to_owned())
}

/// A 401 before the API was reached: the reason in the status line, and no body.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl Refusal {
    /// Current servers keep to themselves what is wrong with a credential.
    fn credential(state: &State, why: &Failure) -> Self {
        if state.explains_refusals {
            Self(why.message.trim_end().to_owned())
        } else {
            Self("Authentication failed!".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> Option<String> {
        Credentials::read(None, Some(header), None).token
    }

    #[test]
    fn the_scheme_is_followed_by_an_equals_sign_or_a_space() {
        assert_eq!(token("PVEAPIToken=a@pve!b=c").as_deref(), Some("a@pve!b=c"));
        assert_eq!(token("PVEAPIToken a@pve!b=c").as_deref(), Some("a@pve!b=c"));
        assert_eq!(token("pveapitoken=a@pve!b=c"), None);
        assert_eq!(token("PVEAPIToken="), None);
        assert_eq!(token("Bearer a@pve!b=c"), None);
    }

    #[test]
    fn the_value_is_cut_at_a_semicolon_and_decoded() {
        assert_eq!(
            token("PVEAPIToken=a%40pve!b=c; x=y").as_deref(),
            Some("a@pve!b=c")
        );
    }

    #[test]
    fn a_ticket_beats_a_token() {
        let both = Credentials::read(
            Some("x=1; PVEAuthCookie=xyz"),
            Some("PVEAPIToken=a=b"),
            None,
        );
        assert_eq!(both.claim(), Identity::Ticket(String::new()));
        assert!(both.token.is_none());
    }
}
