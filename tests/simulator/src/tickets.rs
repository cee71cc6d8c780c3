//! Login tickets and the tokens that protect them against forged requests.
//!
//! A ticket is `PVE:<data>:<time in hex>::<signature>`. The genuine server signs with RSA; here
//! it is a keyed hash of the same length, since no client can or should check it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use percent_encoding::percent_decode_str;
use ring::hmac;

use crate::random;

/// How long a ticket lives, in seconds.
const LIFETIME: i64 = 7200;
/// How far ahead of the clock a ticket may be, in seconds.
const GRACE: i64 = 300;
/// The length of a genuine signature, in bytes.
const SIGNATURE: usize = 256;

/// The keys behind tickets, and tickets that are accepted without one.
#[derive(Clone)]
pub(crate) struct Tickets {
    key: hmac::Key,
    csrf: hmac::Key,
    /// Foreign tickets (of recordings) that count as signed, with what they were signed for.
    adopted: BTreeMap<String, Option<String>>,
    adopted_csrf: BTreeMap<String, String>,
}

impl Tickets {
    pub(crate) fn new() -> Self {
        let key = || hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>());
        Self {
            key: key(),
            csrf: key(),
            adopted: BTreeMap::new(),
            adopted_csrf: BTreeMap::new(),
        }
    }

    /// Makes a ticket. `aad` is signed along but not contained, which ties the ticket of a
    /// second-factor challenge to its user.
    pub(crate) fn assemble(&self, data: &str, aad: Option<&str>, now: i64) -> String {
        let plain = format!("PVE:{}:{now:08X}", data.replace(':', "%3A"));
        let signature = self.sign(&plain, aad);
        format!("{plain}::{signature}")
    }

    fn sign(&self, plain: &str, aad: Option<&str>) -> String {
        let mut signature = Vec::with_capacity(SIGNATURE);
        for block in 0u8.. {
            if signature.len() >= SIGNATURE {
                break;
            }
            let mut context = hmac::Context::with_key(&self.key);
            context.update(&[block, u8::from(aad.is_some())]);
            context.update(plain.as_bytes());
            context.update(aad.unwrap_or_default().as_bytes());
            signature.extend_from_slice(context.sign().as_ref());
        }
        STANDARD.encode(signature)
    }

    /// The data of a valid ticket.
    pub(crate) fn verify(&self, ticket: &str, aad: Option<&str>, now: i64) -> Option<String> {
        let (plain, signature) = ticket.rsplit_once("::")?;
        let adopted = self
            .adopted
            .get(ticket)
            .is_some_and(|known| known.as_deref() == aad);
        if !adopted && self.sign(plain, aad) != signature {
            return None;
        }
        let (data, time) = plain.strip_prefix("PVE:")?.rsplit_once(':')?;
        let age = now - i64::from_str_radix(time, 16).ok()?;
        let alive = age > -GRACE && age < LIFETIME;
        alive.then(|| percent_decode_str(data).decode_utf8_lossy().into_owned())
    }

    /// Makes the token that goes with the ticket of a user.
    pub(crate) fn assemble_csrf(&self, userid: &str, now: i64) -> String {
        let time = format!("{now:08X}");
        let signature = hmac::sign(&self.csrf, format!("{time}:{userid}").as_bytes());
        format!("{time}:{}", STANDARD_NO_PAD.encode(signature))
    }

    /// Whether the token belongs to the user and is alive.
    pub(crate) fn verify_csrf(&self, userid: &str, token: &str, now: i64) -> bool {
        let Some((time, _)) = token.split_once(':') else {
            return false;
        };
        let Ok(made) = i64::from_str_radix(time, 16) else {
            return false;
        };
        let signed = self.assemble_csrf(userid, made) == token
            || self
                .adopted_csrf
                .get(token)
                .is_some_and(|known| known == userid);
        signed && now - made > -GRACE && now - made < LIFETIME
    }

    pub(crate) fn adopt(&mut self, ticket: &str, aad: Option<&str>) {
        self.adopted
            .insert(ticket.to_owned(), aad.map(str::to_owned));
    }

    pub(crate) fn adopt_csrf(&mut self, token: &str, userid: &str) {
        self.adopted_csrf
            .insert(token.to_owned(), userid.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_lives_two_hours() {
        let tickets = Tickets::new();
        let ticket = tickets.assemble("demo@pve", None, 1_000_000);
        assert_eq!(
            tickets.verify(&ticket, None, 1_000_000 + 7199).as_deref(),
            Some("demo@pve")
        );
        assert_eq!(tickets.verify(&ticket, None, 1_000_000 + 7200), None);
    }

    #[test]
    fn the_ticket_of_a_challenge_belongs_to_its_user() {
        let tickets = Tickets::new();
        let ticket = tickets.assemble(r#"!tfa!{"totp":true}"#, Some("totp@pve"), 5);
        assert!(ticket.starts_with(r#"PVE:!tfa!{"totp"%3Atrue}:00000005::"#));
        assert!(tickets.verify(&ticket, Some("totp@pve"), 5).is_some());
        assert!(tickets.verify(&ticket, Some("demo@pve"), 5).is_none());
        assert!(tickets.verify(&ticket, None, 5).is_none());
    }
}
