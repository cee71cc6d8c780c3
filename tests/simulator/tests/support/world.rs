//! The state a case needs, read from the case itself.
//!
//! What a recording reads existed as it was answered; what it reports missing did not; what it
//! changed or deleted was there before; who was let in had the credentials it showed. Rights
//! cannot be read that way: they are the least of [`RIGHTS`] under which the case comes out as
//! recorded.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use proxmox_simulator::State;
use serde_json::Value;

use super::recording::{Body, CUT, Case, Exchange};

/// What those who are not root may do: a role on `/`, and whether their tokens are separated.
pub const RIGHTS: &[(Option<(&str, &str)>, bool)] = &[
    (None, false),
    (None, true),
    (Some(("/", "PVEAuditor")), false),
    (Some(("/access/groups", "PVEUserAdmin")), false),
    (Some(("/", "Administrator")), false),
];

/// The token that raw requests used, which are recorded without their credentials.
pub const ROOT_TOKEN: &str = "root@pam!admin";

/// Builds the state before a case.
pub struct World<'a> {
    state: &'a mut State,
    case: &'a Case,
    /// Objects whose existence before the case is decided.
    decided: BTreeSet<String>,
    /// Permissions granted between two exchanges, after the one of this number.
    pub later: BTreeMap<usize, Vec<(String, String, String, bool)>>,
}

impl<'a> World<'a> {
    /// Infers the state of a case into a fresh server.
    pub fn infer(
        state: &'a mut State,
        case: &'a Case,
        start: &Value,
        rights: (Option<(&str, &str)>, bool),
    ) -> Self {
        let mut world = Self {
            state,
            case,
            decided: BTreeSet::new(),
            later: BTreeMap::new(),
        };
        world.start(start);
        for (number, exchange) in case.exchanges.iter().enumerate() {
            world.credentials(number, exchange, rights);
        }
        for (number, exchange) in case.exchanges.iter().enumerate() {
            world.objects(number, exchange);
        }
        world.permissions(rights);
        world
    }

    fn start(&mut self, start: &Value) {
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
                self.state.enable_recovery(&userid, &recovery_keys(None));
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
    fn decide(&mut self, kind: &str, name: &str) -> bool {
        self.decided.insert(format!("{kind} {name}"))
    }

    fn earlier_answers_hold(&self, before: usize, text: &str) -> bool {
        self.case.exchanges[..before].iter().any(|exchange| {
            exchange
                .json()
                .is_some_and(|json| json.to_string().contains(text))
        })
    }

    /// Credentials that were accepted are valid, unless the case itself brought them up.
    fn credentials(
        &mut self,
        number: usize,
        exchange: &Exchange,
        rights: (Option<(&str, &str)>, bool),
    ) {
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

    fn login(&mut self, number: usize, exchange: &Exchange) {
        let param = |name: &str| exchange.param(name).unwrap_or_default();
        let (userid, password) = (param("username"), param("password"));
        if let Some(challenge) = exchange.param("tfa-challenge") {
            if exchange.succeeded() {
                if !self.earlier_answers_hold(number, &challenge) {
                    self.state.adopt_ticket(&challenge, Some(&userid));
                }
                if let Some(key) = password.strip_prefix("recovery:") {
                    self.state
                        .enable_recovery(&userid, &recovery_keys(Some(key)));
                }
            }
        } else if password.starts_with("PVE:") {
            if !self.earlier_answers_hold(number, &password) {
                self.state.adopt_ticket(&password, None);
            }
        } else if exchange.succeeded() && self.decide("password", &userid) {
            self.state.add_user(&userid, &password);
            let challenge = exchange.data()["ticket"].as_str().unwrap_or_default();
            if challenge.contains("\"totp\"") && self.state.totp_code(&userid).is_none() {
                self.state.enable_totp(&userid);
            }
            if challenge.contains("\"recovery\"") {
                self.state.enable_recovery(&userid, &recovery_keys(None));
            }
        }
    }

    fn objects(&mut self, number: usize, exchange: &Exchange) {
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
            (_, ["access", "groups", name]) if exchange.succeeded() => {
                if self.decide("group", name) {
                    let members: Vec<&str> = texts(&exchange.data()["members"]).collect();
                    self.state.add_group(name, &members);
                    if let Some(comment) = exchange.data()["comment"].as_str() {
                        self.state.group_mut(name).comment = Some(comment.to_owned());
                    }
                }
            }
            ("POST", ["access", "roles"]) => {
                let name = exchange.param("roleid").unwrap_or_default();
                let exists = exchange.error().contains("already exists");
                if self.decide("role", &name) && exists {
                    self.state.add_role(&name, &[]);
                }
            }
            (_, ["access", "roles", name]) if exchange.succeeded() => {
                if self.decide("role", name) && self.state.role(name).is_none() {
                    let privileges = exchange.data().as_object().cloned().unwrap_or_default();
                    let privileges: Vec<&str> = privileges.keys().map(String::as_str).collect();
                    self.state.add_role(name, &privileges);
                }
            }
            ("PUT", ["access", "acl"]) if exchange.succeeded() => self.granted(exchange),
            ("GET", ["access", "acl"]) if exchange.succeeded() => self.acl(number, exchange),
            ("GET", ["nodes"]) => self.nodes(exchange, "node"),
            ("GET", ["cluster", "status"]) => self.nodes(exchange, "name"),
            _ => {}
        }
    }

    /// A creation that succeeded says that there was nothing before.
    fn created(
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
    fn user_exists(&mut self, userid: &str) {
        if userid.contains('@') && self.decide("user", userid) {
            self.state.user_mut(userid);
        }
    }

    fn user_missing(&mut self, userid: &str) {
        if self.decide("user", userid) {
            self.state.remove_user(userid);
        }
    }

    fn token(&mut self, method: &str, exchange: &Exchange, userid: &str, name: &str) {
        let error = exchange.error();
        let id = format!("{userid}!{name}");
        if exchange.status() == 403 && token_of(exchange).is_some_and(|(id, _)| id == ROOT_TOKEN) {
            return self.user_missing(userid);
        }
        if error.contains("no such user") {
            return self.user_missing(userid);
        }
        let missing = error.contains("no such token") || error.contains("generating token failed");
        let exists = error.contains("already exists")
            || error.contains("updating token info failed")
            || error.contains("deleting token failed");
        if !(missing || exists || exchange.succeeded()) {
            return;
        }
        self.user_exists(userid);
        if missing || (method == "POST" && exchange.succeeded()) {
            if self.decide("token", &id) {
                self.decide("fields", &id);
                self.state.remove_token(userid, name);
            }
            return;
        }
        if self.decide("token", &id) && self.state.token(userid, name).is_none() {
            self.state.add_token(&id, true, None, 0);
        }
        if exchange.succeeded() && self.decide("fields", &id) && method != "DELETE" {
            self.token_fields(userid, name, exchange.data());
        }
    }

    /// Numbers are as they were; strings echo what was sent.
    fn token_fields(&mut self, userid: &str, name: &str, shown: &Value) {
        let Some(token) = self.state.token_mut(userid, name) else {
            return;
        };
        if let Some(privsep) = shown["privsep"].as_u64() {
            token.privilege_separation = privsep == 1;
        }
        if let Some(expire) = shown["expire"].as_u64() {
            token.expire = expire;
        }
        token.comment = shown["comment"].as_str().map(str::to_owned);
    }

    /// A list of tokens shows all there were, apart from those the case itself dealt with.
    fn tokens(&mut self, exchange: &Exchange, userid: &str) {
        if !exchange.succeeded() {
            if exchange.error().contains("no such user")
                || token_of(exchange).is_some_and(|(id, _)| id == ROOT_TOKEN)
            {
                self.user_missing(userid);
            }
            return;
        }
        self.user_exists(userid);
        let listed = exchange.data().as_array().cloned().unwrap_or_default();
        self.token_list(userid, &listed);
        if matches!(exchange.answer, Body::Beginning(_)) {
            return;
        }
        let names: BTreeSet<&str> = listed
            .iter()
            .filter_map(|t| t["tokenid"].as_str())
            .collect();
        let known: Vec<String> = self
            .state
            .user(userid)
            .map(|user| user.tokens.keys().cloned().collect())
            .unwrap_or_default();
        for name in known.iter().filter(|name| !names.contains(name.as_str())) {
            if self.decide("token", &format!("{userid}!{name}")) {
                self.state.remove_token(userid, name);
            }
        }
    }

    fn token_list(&mut self, userid: &str, listed: &[Value]) {
        for shown in listed {
            let Some(name) = shown["tokenid"].as_str() else {
                continue;
            };
            let name = name.trim_end_matches(CUT);
            let id = format!("{userid}!{name}");
            if self.decide("token", &id) && self.state.token(userid, name).is_none() {
                self.state.add_token(&id, true, None, 0);
            }
            if self.decide("fields", &id) {
                self.token_fields(userid, name, shown);
            }
        }
    }

    fn user(&mut self, exchange: &Exchange, userid: &str) {
        if exchange.error().contains("no such user") {
            return self.user_missing(userid);
        }
        if !exchange.succeeded() {
            return;
        }
        self.user_exists(userid);
        if exchange.method() == "GET" && self.decide("user fields", userid) {
            self.user_fields(userid, exchange.data());
            for group in texts(&exchange.data()["groups"]) {
                self.state.add_group(group, &[userid]);
            }
            let tokens = exchange.data()["tokens"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let tokens = tokens.into_iter().map(|(name, mut shown)| {
                shown["tokenid"] = Value::from(name);
                shown
            });
            self.token_list(userid, &tokens.collect::<Vec<_>>());
        }
        self.decide("user fields", userid);
    }

    fn user_fields(&mut self, userid: &str, shown: &Value) {
        let user = self.state.user_mut(userid);
        let text = |name: &str| shown[name].as_str().map(str::to_owned);
        user.enabled = shown["enable"] != 0;
        user.expire = shown["expire"].as_u64().unwrap_or(0);
        (user.firstname, user.lastname) = (text("firstname"), text("lastname"));
        (user.email, user.comment, user.keys) = (text("email"), text("comment"), text("keys"));
    }

    /// The user that a list shows after another; one without rights sees only itself.
    fn next_user(&self, exchange: &Exchange, before: &str) -> Option<String> {
        let myself = identity(exchange).filter(|id| !id.contains('!') && id != "root@pam");
        myself.or_else(|| {
            self.state
                .user_ids()
                .find(|&id| id > before)
                .map(str::to_owned)
        })
    }

    /// A list with more than oneself shows all users there were.
    fn users(&mut self, exchange: &Exchange) {
        let listed = exchange.data().as_array().cloned().unwrap_or_default();
        let mut before = String::new();
        for shown in &listed {
            // The list is in order, so even an entry cut off before its id is known.
            let userid = shown["userid"].as_str().map(str::to_owned);
            let Some(userid) = userid.or_else(|| self.next_user(exchange, &before)) else {
                continue;
            };
            before.clone_from(&userid);
            let userid = userid.as_str();
            self.user_exists(userid);
            if self.decide("user fields", userid) {
                self.user_fields(userid, shown);
                let groups = shown["groups"].as_str().unwrap_or_default();
                for group in groups.split(',').filter(|group| !group.is_empty()) {
                    self.state.add_group(group, &[userid]);
                }
            }
            self.token_list(
                userid,
                shown["tokens"].as_array().map_or(&[], Vec::as_slice),
            );
        }
        let complete = matches!(exchange.answer, Body::Json(_));
        if complete && listed.len() > 1 {
            let users: Vec<String> = self.state.user_ids().map(str::to_owned).collect();
            for userid in users {
                match listed
                    .iter()
                    .find(|shown| shown["userid"] == userid.as_str())
                {
                    None => self.user_missing(&userid),
                    Some(shown) if shown["groups"] == "" => self.state.leave_groups(&userid),
                    Some(_) => {}
                }
            }
        }
    }

    fn groups(&mut self, exchange: &Exchange) {
        for shown in exchange.data().as_array().into_iter().flatten() {
            let Some(name) = shown["groupid"].as_str() else {
                continue;
            };
            if self.decide("group", name) {
                let users = shown["users"].as_str().unwrap_or_default();
                let users: Vec<&str> = users.split(',').filter(|user| !user.is_empty()).collect();
                self.state.add_group(name, &users);
                let comment = shown["comment"].as_str().map(str::to_owned);
                self.state.group_mut(name).comment = comment;
            }
        }
    }

    fn subject_exists(&mut self, target: &str) {
        if let Some(group) = target.strip_prefix('@') {
            if self.decide("group", group) {
                self.state.add_group(group, &[]);
            }
        } else if let Some((userid, name)) = target.rsplit_once('!') {
            self.user_exists(userid);
            if self.decide("token", target) && self.state.token(userid, name).is_none() {
                self.state.add_token(target, true, None, 0);
            }
        } else {
            self.user_exists(target);
        }
    }

    /// Whoever is granted something exists, and so does the role; what was taken was there.
    fn granted(&mut self, exchange: &Exchange) {
        for entry in grants_of(exchange) {
            self.subject_exists(&entry.target);
            self.role_exists(&entry.role);
            if entry.delete && self.decide("acl", &entry.key()) {
                self.state
                    .set_acl(&entry.path, &entry.role, &entry.target, true);
            }
            self.decide("acl", &entry.key());
        }
    }

    fn role_exists(&mut self, role: &str) {
        if self.state.role(role).is_none() {
            self.state.add_role(role, &[]);
        }
    }

    /// The list of permissions shows those there were, apart from those the case dealt with.
    fn acl(&mut self, number: usize, exchange: &Exchange) {
        if self.decide("acl", "list") {
            for (path, role, target, _) in current(self.state) {
                if !self
                    .decided
                    .contains(&format!("acl {path} {role} {target}"))
                {
                    self.state.remove_acl(&path, &role, &target);
                }
            }
        }
        for shown in exchange.data().as_array().into_iter().flatten() {
            let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
            let sign = if shown["type"] == "group" { "@" } else { "" };
            let (path, role) = (text("path"), text("roleid"));
            let target = format!("{sign}{}", text("ugid"));
            let propagate = shown["propagate"] == 1;
            if !self.decide("acl", &format!("{path} {role} {target}")) {
                continue;
            }
            let made = self.case.exchanges[..number].iter().position(|earlier| {
                earlier.method() == "POST"
                    && earlier.succeeded()
                    && earlier.data()["full-tokenid"] == target.as_str()
            });
            match made {
                Some(made) => {
                    self.later
                        .entry(made)
                        .or_default()
                        .push((path, role, target, propagate));
                }
                None => {
                    self.subject_exists(&target);
                    self.role_exists(&role);
                    self.state.set_acl(&path, &role, &target, propagate);
                }
            }
        }
    }

    fn nodes(&mut self, exchange: &Exchange, key: &str) {
        let listed = exchange.data().as_array().cloned().unwrap_or_default();
        let Some(template) = self.state.nodes.first().cloned() else {
            return;
        };
        let nodes: Vec<_> = listed
            .iter()
            .filter(|shown| shown["type"] == "node")
            .filter_map(|shown| {
                let mut node = template.clone();
                node.name = shown[key].as_str()?.to_owned();
                node.local = shown["local"] != 0;
                node.online = shown["online"] != 0 && shown["status"] != "offline";
                if let Some(address) = shown["ip"].as_str() {
                    node.address = address.to_owned();
                }
                Some(node)
            })
            .collect();
        if !nodes.is_empty() {
            self.state.nodes = nodes;
        }
    }

    /// Rights: told outright by `/access/permissions`, else assumed.
    fn permissions(&mut self, rights: (Option<(&str, &str)>, bool)) {
        let mut told = BTreeSet::new();
        for exchange in &self.case.exchanges {
            let Some(who) = identity(exchange) else {
                continue;
            };
            if exchange.path() == "/access/permissions" && exchange.succeeded() {
                let subject = exchange.param("userid").unwrap_or_else(|| who.clone());
                let shown = exchange.data().as_object().cloned().unwrap_or_default();
                if shown
                    .values()
                    .any(|granted| *granted != serde_json::json!({}))
                    && subject.contains('!')
                {
                    self.exactly(&subject, &shown);
                    told.insert(subject.split('!').next().unwrap_or_default().to_owned());
                }
            }
        }
        let Some((path, role)) = rights.0 else { return };
        for who in self.case.exchanges.iter().filter_map(identity) {
            let userid = who
                .rsplit_once('!')
                .map_or(who.as_str(), |(userid, _)| userid);
            if userid != "root@pam" && !told.contains(userid) {
                self.state.set_acl(path, role, userid, true);
            }
        }
        for exchange in &self.case.exchanges {
            let asked = exchange
                .param("userid")
                .filter(|userid| self.state.user(userid).is_some());
            if let Some(userid) = asked.filter(|_| exchange.path() == "/access/permissions") {
                self.state.set_acl(path, role, &userid, true);
            }
            if exchange.path() == "/access/ticket" && exchange.data()["cap"].is_object() {
                let userid = exchange.param("username").unwrap_or_default();
                self.state.set_acl(path, role, &userid, true);
            }
        }
    }

    /// Grants a token exactly what it was told to have, and its user everything.
    fn exactly(&mut self, id: &str, shown: &serde_json::Map<String, Value>) {
        let (userid, name) = id.rsplit_once('!').unwrap_or((id, ""));
        let inherits = |path: &str, granted: &Value| {
            let parent = shown.iter().filter(|(above, _)| {
                *above != path && (above.as_str() == "/" || path.starts_with(&format!("{above}/")))
            });
            let parent = parent.max_by_key(|(above, _)| above.len());
            parent.is_some_and(|(_, parent)| parent == granted)
        };
        if self.state.token(userid, name).is_none() {
            self.state.add_token(id, true, None, 0);
        }
        if let Some(token) = self.state.token_mut(userid, name) {
            token.privilege_separation = true;
        }
        self.state.set_acl("/", "Administrator", userid, true);
        for (number, (path, granted)) in shown.iter().enumerate() {
            let granted_here = granted.as_object().cloned().unwrap_or_default();
            if granted_here.is_empty() || inherits(path, granted) {
                continue;
            }
            for propagate in [false, true] {
                let privileges: Vec<&str> = granted_here
                    .iter()
                    .filter(|(_, value)| (**value == 1) == propagate)
                    .map(|(privilege, _)| privilege.as_str())
                    .collect();
                if !privileges.is_empty() {
                    let role = format!("Told{number}{}", u8::from(propagate));
                    self.state.add_role(&role, &privileges);
                    self.state.set_acl(path, &role, id, propagate);
                }
            }
        }
    }
}

/// One entry of a change of permissions.
struct Grant {
    path: String,
    role: String,
    target: String,
    delete: bool,
}

impl Grant {
    fn key(&self) -> String {
        format!("{} {} {}", self.path, self.role, self.target)
    }
}

fn grants_of(exchange: &Exchange) -> Vec<Grant> {
    let list = |name: &str| -> Vec<String> {
        let text = exchange.param(name).unwrap_or_default();
        text.split([',', ';', ' '])
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let path = exchange.param("path").unwrap_or_default();
    let path = format!("/{}", path.trim_matches('/'));
    let delete = exchange.param("delete").is_some_and(|delete| delete == "1");
    let groups = list("groups").into_iter().map(|group| format!("@{group}"));
    let targets: Vec<String> = list("users")
        .into_iter()
        .chain(list("tokens"))
        .chain(groups)
        .collect();
    let roles = list("roles");
    let pairs = roles
        .iter()
        .flat_map(|role| targets.iter().map(move |target| (role, target)));
    pairs
        .map(|(role, target)| Grant {
            path: path.clone(),
            role: role.clone(),
            target: target.clone(),
            delete,
        })
        .collect()
}

fn current(state: &State) -> Vec<(String, String, String, bool)> {
    use proxmox_simulator::Subject;
    let target = |subject: Subject| match subject {
        Subject::Group(name) => format!("@{name}"),
        Subject::User(id) | Subject::Token(id) => id,
    };
    let entries = state.acl().into_iter();
    entries
        .map(|(path, role, subject, propagate)| (path, role, target(subject), propagate))
        .collect()
}

fn texts(json: &Value) -> impl Iterator<Item = &str> {
    json.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Ten recovery keys, the first of them the one that is known.
fn recovery_keys(known: Option<&str>) -> Vec<String> {
    let mut keys: Vec<String> = (0..10).map(|n| format!("{n:04x}-0000-0000-0000")).collect();
    if let (Some(first), Some(known)) = (keys.first_mut(), known) {
        known.clone_into(first);
    }
    keys
}

/// The token and secret in a request's header.
pub fn token_of(exchange: &Exchange) -> Option<(String, String)> {
    let header = exchange.header("Authorization")?;
    let value = header
        .strip_prefix("PVEAPIToken")?
        .strip_prefix(['=', ' '])?;
    let value = percent_decode_str(value.split(';').next()?)
        .decode_utf8_lossy()
        .into_owned();
    let (id, secret) = value.rsplit_once('=')?;
    let (userid, _) = id.rsplit_once('!')?;
    userid
        .contains('@')
        .then(|| (id.to_owned(), secret.to_owned()))
}

/// The ticket in a request's headers.
fn ticket_of(exchange: &Exchange) -> Option<String> {
    let header = exchange
        .header("Cookie")
        .or_else(|| exchange.header("Authorization"))?;
    let (_, value) = header.split_once("PVEAuthCookie=")?;
    let value = value.split(';').next()?;
    let ticket = percent_decode_str(value).decode_utf8_lossy().into_owned();
    ticket.starts_with("PVE:").then_some(ticket)
}

/// Who a request came from.
fn identity(exchange: &Exchange) -> Option<String> {
    match ticket_of(exchange) {
        Some(ticket) => ticket.split(':').nth(1).map(str::to_owned),
        None => token_of(exchange).map(|(id, _)| id),
    }
}
