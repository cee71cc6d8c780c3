//! The state a case needs, read from the case itself.
//!
//! What a recording reads existed as it was answered; what it reports missing did not; what it
//! changed or deleted was there before; who was let in had the credentials it showed. Rights
//! cannot be read that way: they are the least of [`RIGHTS`] under which the case comes out as
//! recorded.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_simulator::State;
use serde_json::Value;

use super::identity::{ticket_of, token_of};
use super::recording::{Case, Exchange};
use super::rights::Rights;

/// The token that raw requests used, which are recorded without their credentials.
pub const ROOT_TOKEN: &str = "root@pam!admin";

/// Builds the state before a case.
pub struct Preconditions<'a> {
    pub(super) state: &'a mut State,
    pub(super) case: &'a Case,
    /// Objects whose existence before the case is decided.
    pub(super) decided: BTreeSet<String>,
    /// Permissions granted between two exchanges, after the one of this number.
    pub later: BTreeMap<usize, Vec<(String, String, String, bool)>>,
}
impl<'a> Preconditions<'a> {
    /// Infers the state of a case into a fresh server.
    pub fn infer(state: &'a mut State, case: &'a Case, start: &Value, rights: Rights) -> Self {
        let mut preconditions = Self {
            state,
            case,
            decided: BTreeSet::new(),
            later: BTreeMap::new(),
        };
        preconditions.start(start);
        for (number, exchange) in case.exchanges.iter().enumerate() {
            preconditions.credentials(number, exchange, rights);
        }
        for (number, exchange) in case.exchanges.iter().enumerate() {
            preconditions.objects(number, exchange);
        }
        preconditions.permissions(rights);
        preconditions
    }

    pub(super) fn start(&mut self, start: &Value) {
        self.state.explain_refusals(false);
        self.state.add_token(ROOT_TOKEN, false, None, 0);
        let objects = |json: &Value| json.as_object().cloned().unwrap_or_default();
        for (userid, facts) in objects(&start["users"]) {
            match facts["password"].as_str() {
                Some(password) => self.state.add_user(&userid, password),
                None => _ = self.state.user_mut(&userid),
            }
            if facts["totp"] == true {
                self.state.enable_totp(&userid);
            }
            if facts["recovery"] == true {
                let keys: Vec<String> = (0..10).map(|n| format!("{n:04x}-0-0-0")).collect();
                self.state.enable_recovery(&userid, &keys);
            }
        }
        for (name, members) in objects(&start["groups"]) {
            let members: Vec<&str> = texts(&members).collect();
            self.state.add_group(&name, &members);
        }
        for entry in start["acl"].as_array().into_iter().flatten() {
            if let [path, role, target] = texts(entry).collect::<Vec<_>>()[..] {
                self.state.set_acl(path, role, target, true);
            }
        }
    }

    /// Decides once, by the first exchange that says so, whether something existed.
    pub(super) fn decide(&mut self, kind: &str, name: &str) -> bool {
        self.decided.insert(format!("{kind} {name}"))
    }

    pub(super) fn earlier_answers_hold(&self, before: usize, text: &str) -> bool {
        self.case.exchanges[..before].iter().any(|exchange| {
            exchange
                .json()
                .is_some_and(|json| json.to_string().contains(text))
        })
    }

    /// Credentials that were accepted are valid, unless the case itself brought them up.
    pub(super) fn credentials(&mut self, number: usize, exchange: &Exchange, rights: Rights) {
        let accepted = exchange.status() != 401 || exchange.reason().contains("csrf");
        if let Some((id, secret)) = token_of(exchange).filter(|_| accepted)
            && !self.earlier_answers_hold(number, &secret)
            && self.decide("credential", &id)
        {
            let (userid, name) = id.rsplit_once('!').unwrap_or((&id, ""));
            if self.state.token(userid, name).is_none() {
                self.state.add_token(&id, rights.1, None, 0);
            }
            self.state.set_token_secret(&id, &secret);
        }
        if let Some(ticket) = ticket_of(exchange).filter(|_| accepted)
            && !self.earlier_answers_hold(number, &ticket)
        {
            let userid = ticket.split(':').nth(1).unwrap_or_default().to_owned();
            self.state.user_mut(&userid);
            self.state.adopt_ticket(&ticket, None);
            if let Some(csrf) = exchange
                .header("CSRFPreventionToken")
                .filter(|_| exchange.status() != 401)
            {
                self.state.adopt_csrf_token(csrf, &userid);
            }
        }
        if exchange.path() == "/access/ticket" && exchange.method() == "POST" {
            self.login(number, exchange);
        }
    }

    pub(super) fn login(&mut self, number: usize, exchange: &Exchange) {
        let param = |name: &str| exchange.param(name).unwrap_or_default();
        let (userid, password) = (param("username"), param("password"));
        if let Some(challenge) = exchange.param("tfa-challenge") {
            if exchange.succeeded() && !self.earlier_answers_hold(number, &challenge) {
                self.state.adopt_ticket(&challenge, Some(&userid));
                self.recovery(&userid, &challenge);
            }
        } else if password.starts_with("PVE:") {
            if !self.earlier_answers_hold(number, &password) {
                self.state.adopt_ticket(&password, None);
            }
        } else if exchange.succeeded() && self.decide("password", &userid) {
            self.state.add_user(&userid, &password);
            let challenge = exchange.data()["ticket"].as_str().unwrap_or_default();
            if challenge.contains(r#""totp""#) && self.state.totp_code(&userid).is_none() {
                self.state.enable_totp(&userid);
            }
            self.recovery(&userid, challenge);
        }
    }

    /// A challenge tells the numbers of the recovery keys that are left; those the case uses
    /// are among them.
    pub(super) fn recovery(&mut self, userid: &str, challenge: &str) {
        let challenge = challenge.replace("%3A", ":");
        let Some((_, rest)) = challenge.split_once(r#""recovery":["#) else {
            return;
        };
        let left = rest.split(']').next().unwrap_or_default();
        let left: Vec<usize> = left.split(',').filter_map(|n| n.parse().ok()).collect();
        let logins = self.case.exchanges.iter().filter(|login| {
            login.succeeded() && login.param("username").as_deref() == Some(userid)
        });
        let answers = logins.filter_map(|login| login.param("password"));
        let mut used =
            answers.filter_map(|response| Some(response.strip_prefix("recovery:")?.to_owned()));
        let count = left.iter().max().map_or(0, |&last| last + 1).max(10);
        let mut keys: Vec<String> = (0..count).map(|n| format!("{n:04x}-0-0-0")).collect();
        for &number in &left {
            if let (Some(slot), Some(key)) = (keys.get_mut(number), used.next()) {
                *slot = key;
            }
        }
        drop(used);
        self.state.enable_recovery(userid, &keys);
        for number in (0..count).filter(|number| !left.contains(number)) {
            self.state.use_recovery_key(userid, number);
        }
    }

    pub(super) fn objects(&mut self, number: usize, exchange: &Exchange) {
        let path = exchange.path();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match (exchange.method(), parts.as_slice()) {
            (method, ["access", "users", userid, "token", name]) => {
                self.token(method, exchange, userid, name);
            }
            ("GET", ["access", "users", userid, "token"]) => self.tokens(exchange, userid),
            ("GET", ["access", "users"]) => self.users(exchange),
            ("POST", ["access", "users"]) => {
                let userid = exchange.param("userid").unwrap_or_default();
                self.created("user", exchange, &userid, |state| {
                    state.remove_user(&userid)
                });
                self.decide("user fields", &userid);
                if exchange.error().contains("already exists") {
                    self.user_exists(&userid);
                }
            }
            (_, ["access", "users", userid]) => self.user(exchange, userid),
            ("GET", ["access", "groups"]) => self.groups(exchange),
            ("POST", ["access", "groups"]) => {
                let name = exchange.param("groupid").unwrap_or_default();
                self.created("group", exchange, &name, |state| state.remove_group(&name));
                if exchange.error().contains("already exists") && self.decide("group", &name) {
                    self.state.add_group(&name, &[]);
                }
            }
            (_, ["access", "groups", name]) if exchange.succeeded() => self.group(exchange, name),
            ("GET", ["access", "roles"]) => {
                for shown in exchange.data().as_array().into_iter().flatten() {
                    let privileges = shown["privs"].as_str().unwrap_or_default();
                    self.role(
                        shown["roleid"].as_str().unwrap_or_default(),
                        privileges.split(','),
                    );
                }
            }
            ("POST", ["access", "roles"]) => {
                let name = exchange.param("roleid").unwrap_or_default();
                if exchange.error().contains("already exists") {
                    self.role(&name, [].into_iter());
                }
                self.decide("role", &name);
            }
            (_, ["access", "roles", name]) if exchange.succeeded() => {
                let privileges = exchange.data().as_object().cloned().unwrap_or_default();
                self.role(name, privileges.keys().map(String::as_str));
            }
            // A daemon that hung did it later.
            ("PUT", ["access", "acl"]) if exchange.succeeded() || exchange.status() == 596 => {
                self.granted(exchange);
            }
            ("GET", ["access", "acl"]) if exchange.succeeded() => self.acl(number, exchange),
            ("GET", ["nodes"]) => self.nodes(exchange, "node"),
            ("GET", ["cluster", "status"]) => self.nodes(exchange, "name"),
            _ => {}
        }
    }

    /// A creation that succeeded says that there was nothing before.
    pub(super) fn created(
        &mut self,
        kind: &str,
        exchange: &Exchange,
        name: &str,
        remove: impl FnOnce(&mut State),
    ) {
        if exchange.succeeded() && self.decide(kind, name) {
            remove(self.state);
        }
    }

    /// A user that takes part, known so far or not.
    pub(super) fn user_exists(&mut self, userid: &str) {
        if userid.contains('@') && self.decide("user", userid) {
            self.state.user_mut(userid);
        }
    }

    pub(super) fn user_missing(&mut self, userid: &str) {
        if self.decide("user", userid) {
            self.state.remove_user(userid);
        }
    }
}

pub(super) fn texts(json: &Value) -> impl Iterator<Item = &str> {
    json.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}
