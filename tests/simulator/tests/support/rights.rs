//! Permissions, as far as a case shows them, and otherwise assumed.

use std::collections::BTreeSet;

use proxmox_simulator::{State, Subject};
use serde_json::Value;

use super::identity::identity;
use super::preconditions::{Preconditions, ROOT_TOKEN};
use super::recording::Exchange;

/// An assumption: a role of those who are not root at a path, and whether their tokens are
/// privilege-separated.
pub type Rights = (Option<(&'static str, &'static str)>, bool);

/// What those who are not root may do: a role on `/`, and whether their tokens are separated.
pub const RIGHTS: &[Rights] = &[
    (None, false),
    (None, true),
    (Some(("/", "PVEAuditor")), false),
    (Some(("/access/groups", "PVEUserAdmin")), false),
    (Some(("/", "PVEAdmin")), false),
    (Some(("/", "Administrator")), false),
];

impl Preconditions<'_> {
    /// Whoever is granted something exists, and so does the role; what was taken was there.
    pub(super) fn granted(&mut self, exchange: &Exchange) {
        for entry in grants_of(exchange) {
            self.subject_exists(&entry.target);
            self.role(&entry.role, [].into_iter());
            if entry.delete && self.decide("acl", &entry.key()) {
                self.state
                    .set_acl(&entry.path, &entry.role, &entry.target, true);
            }
            self.decide("acl", &entry.key());
        }
    }

    /// The list of permissions shows those there were, apart from those the case dealt with.
    pub(super) fn acl(&mut self, number: usize, exchange: &Exchange) {
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
                    self.role(&role, [].into_iter());
                    self.state.set_acl(&path, &role, &target, propagate);
                }
            }
        }
    }

    pub(super) fn subject_exists(&mut self, target: &str) {
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

    /// Rights: told outright by `/access/permissions`, else assumed.
    pub(super) fn permissions(&mut self, rights: Rights) {
        let mut told = BTreeSet::new();
        for exchange in &self.case.exchanges {
            let Some(who) = identity(exchange) else {
                continue;
            };
            if exchange.path() == "/access/permissions" && exchange.succeeded() {
                let subject = exchange.param("userid").unwrap_or_else(|| who.clone());
                let shown = exchange.data().as_object().cloned().unwrap_or_default();
                let granted = shown
                    .values()
                    .any(|granted| *granted != serde_json::json!({}));
                let known = ["root@pam", ROOT_TOKEN].contains(&subject.as_str());
                let explained = known || self.granted_here(&subject);
                if granted && !explained && self.decide("rights", &subject) {
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

    /// Whether the case itself makes a token and grants it something, or its user.
    fn granted_here(&self, id: &str) -> bool {
        let exchanges = self.case.exchanges.iter();
        let made = |exchange: &Exchange| exchange.data()["full-tokenid"] == id;
        let userid = id.rsplit_once('!').map_or(id, |(userid, _)| userid);
        let grants = |exchange: &Exchange| {
            exchange.path() == "/access/acl"
                && grants_of(exchange)
                    .iter()
                    .any(|entry| !entry.delete && (entry.target == id || entry.target == userid))
        };
        exchanges.clone().any(made) && exchanges.clone().any(grants)
    }

    /// Grants exactly what was told; to the user of a token everything.
    pub(super) fn exactly(&mut self, id: &str, shown: &serde_json::Map<String, Value>) {
        let inherits = |path: &str, granted: &Value| {
            let parent = shown.iter().filter(|(above, _)| {
                *above != path && (above.as_str() == "/" || path.starts_with(&format!("{above}/")))
            });
            let parent = parent.max_by_key(|(above, _)| above.len());
            parent.is_some_and(|(_, parent)| parent == granted)
        };
        if let Some((userid, name)) = id.rsplit_once('!') {
            if self.state.token(userid, name).is_none() {
                self.state.add_token(id, true, None, 0);
            }
            if let Some(token) = self.state.token_mut(userid, name) {
                token.privilege_separation = true;
            }
            self.state.set_acl("/", "Administrator", userid, true);
        }
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
    let target = |subject: Subject| match subject {
        Subject::Group(name) => format!("@{name}"),
        Subject::User(id) | Subject::Token(id) => id,
    };
    let entries = state.acl().into_iter();
    entries
        .map(|(path, role, subject, propagate)| (path, role, target(subject), propagate))
        .collect()
}
