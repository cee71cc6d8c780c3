//! Everything the simulated server knows, open to tests for set-up and assertions.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::config::UserConfig;
pub use crate::config::{Group, Subject, Token, User};
use crate::tfa::SecondFactors;
use crate::tickets::Tickets;
use crate::version::Version;
use crate::{grammar, random, roles};

/// A realm (authentication domain).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm {
    /// `pam`, `pve`, `ldap`, …
    pub kind: String,
    /// Comment.
    pub comment: Option<String>,
}

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its address, as the cluster knows it.
    pub address: String,
    /// Whether the cluster sees it.
    pub online: bool,
    /// Whether its statistics daemon has told its figures in the last minutes. Without them, lists
    /// call a node that is online `unknown` (557-nodes-status-unknown).
    pub reports: bool,
    /// Whether requests arrive at this one.
    pub local: bool,
}

/// The cluster, when the node is part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Whether a majority of its nodes is online; without it writes are refused.
    pub quorate: bool,
}

/// A task in the task list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its unique id.
    pub upid: String,
    /// The node it ran on.
    pub node: String,
    /// What it did, `qmstart` for example.
    pub kind: String,
    /// What it was done to.
    pub id: String,
    /// Who asked for it: `user@realm` or `user@realm!token`.
    pub user: String,
    /// When it began, in seconds since the epoch.
    pub starttime: i64,
    /// When it ended.
    pub endtime: Option<i64>,
    /// How it ended, `OK` or an error.
    pub status: Option<String>,
}

/// Every secret of a token, password and seed that a server ever had, also after it was removed.
#[derive(Clone, Debug, Default)]
pub struct IssuedSecrets(Arc<Mutex<BTreeSet<String>>>);

impl IssuedSecrets {
    pub(crate) fn add(&self, secret: &str) {
        self.all().insert(secret.to_owned());
    }

    /// The secrets until now.
    #[must_use]
    pub fn until_now(&self) -> BTreeSet<String> {
        self.all().clone()
    }

    fn all(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of the simulated server.
#[derive(Clone)]
pub struct State {
    pub(crate) version: Version,
    pub(crate) clock: Clock,
    pub(crate) config: UserConfig,
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) passwords: BTreeMap<String, String>,
    pub(crate) issued: IssuedSecrets,
    pub(crate) second_factors: BTreeMap<String, SecondFactors>,
    pub(crate) tickets: Tickets,
    pub(crate) explains_refusals: bool,
    /// The certificates' fingerprints of the nodes that listen for themselves, by name.
    pub(crate) fingerprints: BTreeMap<String, String>,
    /// Realms by name.
    pub realms: BTreeMap<String, Realm>,
    /// Nodes; the first local one is the one that answers.
    pub nodes: Vec<Node>,
    /// Expected votes were lowered: changes are taken although the cluster says that it has no
    /// quorum (562-expected-votes-lowered).
    pub votes_lowered: bool,
    /// The cluster, if any.
    pub cluster: Option<Cluster>,
    /// The task list.
    pub tasks: Vec<Task>,
}

impl State {
    /// A fresh installation: realms `pam` and `pve`, `root@pam`, node `pve1`, no cluster.
    pub(crate) fn new(version: Version, root_password: &str) -> Self {
        let realm = |kind: &str, comment: &str| {
            (
                kind.to_owned(),
                Realm {
                    kind: kind.to_owned(),
                    comment: Some(comment.to_owned()),
                },
            )
        };
        let mut state = Self {
            version,
            clock: Clock::default(),
            config: UserConfig {
                built_in_roles: roles::built_in(version),
                ..UserConfig::default()
            },
            secrets: BTreeMap::new(),
            passwords: BTreeMap::new(),
            issued: IssuedSecrets::default(),
            second_factors: BTreeMap::new(),
            tickets: Tickets::new(),
            explains_refusals: version.explains_refusals(),
            fingerprints: BTreeMap::new(),
            realms: BTreeMap::from([
                realm("pam", "Linux PAM standard authentication"),
                realm("pve", "Proxmox VE authentication server"),
            ]),
            nodes: vec![Node {
                name: "pve1".to_owned(),
                address: "192.0.2.2".to_owned(),
                online: true,
                reports: true,
                local: true,
            }],
            votes_lowered: false,
            cluster: None,
            tasks: Vec::new(),
        };
        state.add_user("root@pam", root_password);
        state
    }

    /// Now, in seconds since the epoch, by the server's clock.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Moves the server's clock forward.
    pub fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
    }

    /// Makes it `epoch` (seconds since 1970) on the server's clock.
    pub fn set_clock(&mut self, epoch: i64) {
        self.clock.set(epoch);
    }

    /// Sets how far the server's clock is from the machine's, in seconds.
    pub fn set_clock_offset(&mut self, seconds: i64) {
        self.clock.set_offset(seconds);
    }

    /// Adds a user, or sets the password of one that exists.
    pub fn add_user(&mut self, userid: &str, password: &str) {
        self.issued.add(password);
        self.config.users.entry(userid.to_owned()).or_default();
        self.passwords
            .insert(userid.to_owned(), password.to_owned());
    }

    /// The user of that id.
    #[must_use]
    pub fn user(&self, userid: &str) -> Option<&User> {
        self.config.users.get(userid)
    }

    /// The user of that id, to change it; added, without a password, when it does not exist.
    pub fn user_mut(&mut self, userid: &str) -> &mut User {
        self.config.users.entry(userid.to_owned()).or_default()
    }

    /// The ids of all users.
    pub fn user_ids(&self) -> impl Iterator<Item = &str> {
        self.config.users.keys().map(String::as_str)
    }

    /// Removes a user with its tokens, memberships, permissions and second factors.
    pub fn remove_user(&mut self, userid: &str) {
        self.config.users.remove(userid);
        self.passwords.remove(userid);
        self.second_factors.remove(userid);
        let prefix = format!("{userid}!");
        self.secrets.retain(|id, _| !id.starts_with(&prefix));
        self.config.leave_groups(userid);
        self.config
            .revoke_all(|subject| *subject == Subject::User(userid.to_owned()));
        self.settle();
    }

    /// Adds a group (or makes these users members of one that exists).
    pub fn add_group(&mut self, name: &str, members: &[&str]) {
        let group = self.config.groups.entry(name.to_owned()).or_default();
        group
            .users
            .extend(members.iter().map(|&member| member.to_owned()));
    }

    /// Takes a user out of all groups.
    pub fn leave_groups(&mut self, userid: &str) {
        self.config.leave_groups(userid);
    }

    /// The group of that name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.config.groups.get(name)
    }

    /// The group of that name, to change it; added when it does not exist.
    pub fn group_mut(&mut self, name: &str) -> &mut Group {
        self.config.groups.entry(name.to_owned()).or_default()
    }

    /// Removes a group with its permissions.
    pub fn remove_group(&mut self, name: &str) {
        self.config.groups.remove(name);
        self.config
            .revoke_all(|subject| *subject == Subject::Group(name.to_owned()));
        self.settle();
    }

    /// Adds a pool with these members, by their paths (`/vms/100`, `/storage/local`).
    pub fn add_pool(&mut self, name: &str, members: &[&str]) {
        let pool = self.config.pools.entry(name.to_owned()).or_default();
        pool.members
            .extend(members.iter().map(|&path| path.to_owned()));
    }

    /// Adds a node of the cluster, as this one sees it. The cluster has quorum if most of its nodes
    /// are online; [`State::cluster`] can say otherwise afterwards.
    pub fn add_node(&mut self, name: &str, online: bool) {
        let address = format!("192.0.2.{}", self.nodes.len() + 1);
        self.nodes.push(Node {
            name: name.to_owned(),
            address,
            online,
            reports: true,
            local: false,
        });
        let online = self.nodes.iter().filter(|node| node.online).count();
        let quorate = online * 2 > self.nodes.len();
        let name = "simulated".to_owned();
        self.cluster
            .get_or_insert(Cluster { name, quorate })
            .quorate = quorate;
    }

    /// Adds a task that ran on a node, of `user@realm` or `user@realm!token`, from `starttime`
    /// (seconds since the epoch) for a second.
    pub fn add_task(&mut self, node: &str, user: &str, kind: &str, id: &str, starttime: i64) {
        let number = self.tasks.len();
        self.tasks.push(Task {
            upid: format!("UPID:{node}:{number:08X}:00000000:{starttime:08X}:{kind}:{id}:{user}:"),
            node: node.to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            user: user.to_owned(),
            starttime,
            endtime: Some(starttime + 1),
            status: Some("OK".to_owned()),
        });
    }

    /// Adds a role with these privileges, or replaces it.
    pub fn add_role(&mut self, name: &str, privileges: &[&str]) {
        let privileges: BTreeSet<String> = privileges.iter().map(|&p| p.to_owned()).collect();
        self.config.roles.insert(name.to_owned(), privileges);
    }

    /// Removes a role with its permissions.
    pub fn remove_role(&mut self, name: &str) {
        self.config.roles.remove(name);
        self.settle();
    }

    /// The privileges of a role, built in or added.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.config.role(name)
    }

    /// Adds a token `user@realm!name` and returns its secret. Its user is added, without a
    /// password, when it does not exist. `expire` is in seconds since the epoch, 0 is never.
    pub fn add_token(
        &mut self,
        id: &str,
        privilege_separation: bool,
        comment: Option<&str>,
        expire: u64,
    ) -> String {
        let secret = random::uuid();
        self.set_token_secret(id, &secret);
        let (userid, name) = grammar::split_token(id).unwrap_or((id, ""));
        let token = Token {
            privilege_separation,
            expire,
            comment: comment.map(str::to_owned),
        };
        self.user_mut(userid).tokens.insert(name.to_owned(), token);
        secret
    }

    /// Gives a token this secret.
    pub fn set_token_secret(&mut self, id: &str, secret: &str) {
        self.issued.add(secret);
        self.secrets.insert(id.to_owned(), secret.to_owned());
    }

    /// The secret of a token, for assertions.
    #[must_use]
    pub fn token_secret(&self, id: &str) -> Option<&str> {
        self.secrets.get(id).map(String::as_str)
    }

    /// Every secret that the server ever had, which nothing but a state may show.
    #[must_use]
    pub fn issued(&self) -> IssuedSecrets {
        self.issued.clone()
    }

    /// The token of that user and name.
    #[must_use]
    pub fn token(&self, userid: &str, name: &str) -> Option<&Token> {
        self.config.users.get(userid)?.tokens.get(name)
    }

    /// The token of that user and name, to change it.
    pub fn token_mut(&mut self, userid: &str, name: &str) -> Option<&mut Token> {
        self.config.users.get_mut(userid)?.tokens.get_mut(name)
    }

    /// Removes a token with its secret and permissions.
    pub fn remove_token(&mut self, userid: &str, name: &str) {
        if let Some(user) = self.config.users.get_mut(userid) {
            user.tokens.remove(name);
        }
        self.secrets.remove(&format!("{userid}!{name}"));
        self.settle();
    }

    /// Grants a role at a path to `user@realm`, `user@realm!token` or `@group`.
    pub fn set_acl(&mut self, path: &str, role: &str, target: &str, propagate: bool) {
        let path = grammar::normalize_path(path).unwrap_or_else(|| path.to_owned());
        self.config
            .grant(&path, Subject::parse(target), role, propagate);
    }

    /// Takes a role at a path away.
    pub fn remove_acl(&mut self, path: &str, role: &str, target: &str) {
        self.config.revoke(path, &Subject::parse(target), role);
        self.settle();
    }

    /// Takes all permissions away.
    pub fn clear_acl(&mut self) {
        self.config.acl.clear();
    }

    /// All permissions as path, role, subject and whether they propagate.
    #[must_use]
    pub fn acl(&self) -> Vec<(String, String, Subject, bool)> {
        let mut entries = Vec::new();
        for (path, grants) in &self.config.acl {
            for (subject, roles) in grants {
                entries.extend(roles.iter().map(|(role, &propagate)| {
                    (path.clone(), role.clone(), subject.clone(), propagate)
                }));
            }
        }
        entries
    }

    /// Whether the node may write what the cluster shares.
    #[must_use]
    pub fn is_quorate(&self) -> bool {
        let quorate = self.cluster.as_ref().is_none_or(|cluster| cluster.quorate);
        quorate || self.votes_lowered
    }

    /// Locks a user's time-based codes, as eight wrong ones do (556-tfa-locked).
    pub fn lock_totp(&mut self, userid: &str) {
        if let Some(factors) = self.second_factors.get_mut(userid) {
            factors.lock();
        }
    }

    /// Turns time-based codes on for a user and returns the seed in base32.
    pub fn enable_totp(&mut self, userid: &str) -> String {
        let now = self.now();
        self.user_mut(userid).keys = Some("x".to_owned());
        let seed = self
            .second_factors
            .entry(userid.to_owned())
            .or_default()
            .enable_totp(now);
        self.issued.add(&seed);
        self.settle();
        seed
    }

    /// The same with codes that change every `step` seconds instead of every 30. Returns the
    /// `otpauth://` address, which is where a step of its own is told.
    pub fn enable_totp_with_step(&mut self, userid: &str, step: NonZeroU64) -> String {
        let now = self.now();
        self.user_mut(userid).keys = Some("x".to_owned());
        let factors = self.second_factors.entry(userid.to_owned()).or_default();
        let seed = factors.enable_totp_with_step(step, now);
        self.issued.add(&seed);
        self.settle();
        format!(
            "otpauth://totp/Proxmox:{userid}?secret={seed}&period={step}&digits=6&algorithm=SHA1&issuer=Proxmox"
        )
    }

    /// The user's time-based code of this moment, if it has any.
    #[must_use]
    pub fn totp_code(&self, userid: &str) -> Option<String> {
        self.second_factors.get(userid)?.code(self.now())
    }

    /// Gives a user recovery keys.
    pub fn enable_recovery(&mut self, userid: &str, keys: &[String]) {
        let now = self.now();
        self.user_mut(userid).keys = Some("x".to_owned());
        self.second_factors
            .entry(userid.to_owned())
            .or_default()
            .enable_recovery(keys, now);
        self.settle();
    }

    /// Uses up one of a user's recovery keys, by its number from 0.
    pub fn use_recovery_key(&mut self, userid: &str, number: usize) {
        if let Some(factors) = self.second_factors.get_mut(userid) {
            factors.use_recovery_key(number);
        }
    }

    /// Whether a refused credential is told why, in the status line. Servers before pve-manager
    /// 9.1.5 do.
    pub fn explain_refusals(&mut self, explain: bool) {
        self.explains_refusals = explain;
    }

    /// Accepts a ticket this server did not sign, as one that it did. `challenge_of` names the
    /// user when it is the ticket of a second-factor challenge.
    pub fn adopt_ticket(&mut self, ticket: &str, challenge_of: Option<&str>) {
        self.tickets.adopt(ticket, challenge_of);
    }

    /// Accepts a CSRF prevention token of a user that this server did not make.
    pub fn adopt_csrf_token(&mut self, token: &str, userid: &str) {
        self.tickets.adopt_csrf(token, userid);
    }

    /// Makes a login ticket of a user without a login.
    #[must_use]
    pub fn make_ticket(&self, userid: &str) -> (String, String) {
        let now = self.now();
        (
            self.tickets.assemble(userid, None, now),
            self.tickets.assemble_csrf(userid, now),
        )
    }

    /// The node that answers.
    pub(crate) fn local_node(&self) -> &str {
        self.nodes
            .iter()
            .find(|node| node.local)
            .map_or("localhost", |node| &node.name)
    }

    /// Settles what set-up changed; a configuration too large for a file is set-up's own wish.
    fn settle(&mut self) {
        let _ = self.config.settle();
    }
}
