//! The user configuration (`/etc/pve/user.cfg`): users, tokens, groups, roles, permissions.
//!
//! The server keeps it as text and reads it back after each change, and some of its behaviour
//! is just that: comments lose their outer spaces, an expiry beyond 64 bits makes the entry
//! vanish, permissions of a token that is gone are dropped. [`UserConfig::settle`] does to the
//! structure what that journey through the file does.

use std::collections::{BTreeMap, BTreeSet};

use crate::grammar;
use crate::result::Failure;
use crate::roles::Privileges;

/// The largest file that fits into `/etc/pve`, in bytes.
const FILE_LIMIT: usize = 1024 * 1024;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whether it may log in.
    pub enabled: bool,
    /// When it stops working, in seconds since the epoch; 0 is never.
    pub expire: u64,
    /// First name.
    pub firstname: Option<String>,
    /// Last name.
    pub lastname: Option<String>,
    /// E-mail address. The server tells an empty one, too, when something stands after it.
    pub email: Option<String>,
    /// Comment.
    pub comment: Option<String>,
    /// `x` when second factors exist.
    pub keys: Option<String>,
    /// Tokens by name.
    pub tokens: BTreeMap<String, Token>,
}

impl Default for User {
    fn default() -> Self {
        Self {
            enabled: true,
            expire: 0,
            firstname: None,
            lastname: None,
            email: None,
            comment: None,
            keys: None,
            tokens: BTreeMap::new(),
        }
    }
}

/// A token of a user, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whether its privileges are granted to itself (and cut to those of its user).
    pub privilege_separation: bool,
    /// When it stops working, in seconds since the epoch; 0 is never.
    pub expire: u64,
    /// Comment.
    pub comment: Option<String>,
}

impl Default for Token {
    fn default() -> Self {
        Self {
            privilege_separation: true,
            expire: 0,
            comment: None,
        }
    }
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Comment.
    pub comment: Option<String>,
    /// User ids of its members.
    pub users: BTreeSet<String>,
}

/// A pool of guests and storages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pool {
    /// The paths of its members, such as `/vms/100`.
    pub(crate) members: BTreeSet<String>,
}

/// To whom a permission is granted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A user, by `user@realm`.
    User(String),
    /// A group, by its name.
    Group(String),
    /// A token, by `user@realm!name`.
    Token(String),
}

impl Subject {
    /// Reads `user@realm`, `user@realm!name`, or `@group`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if let Some(group) = text.strip_prefix('@') {
            Self::Group(group.to_owned())
        } else if grammar::split_token(text).is_some() {
            Self::Token(text.to_owned())
        } else {
            Self::User(text.to_owned())
        }
    }

    /// The kind and the id, as the ACL list tells them.
    pub(crate) fn kind_and_id(&self) -> (&'static str, &str) {
        match self {
            Self::User(id) => ("user", id),
            Self::Group(id) => ("group", id),
            Self::Token(id) => ("token", id),
        }
    }
}

/// The roles of each subject at one path, with whether they propagate.
pub(crate) type Grants = BTreeMap<Subject, BTreeMap<String, bool>>;

/// The whole configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct UserConfig {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) groups: BTreeMap<String, Group>,
    /// Roles that are not built in.
    pub(crate) roles: BTreeMap<String, Privileges>,
    pub(crate) built_in_roles: BTreeMap<String, Privileges>,
    pub(crate) acl: BTreeMap<String, Grants>,
    /// Pools by the part of their path after `/pool/`.
    pub(crate) pools: BTreeMap<String, Pool>,
}

impl UserConfig {
    /// The user of that id.
    pub(crate) fn user(&self, userid: &str) -> Result<&User, Failure> {
        grammar::verify_username(userid).map_err(Failure::die)?;
        self.users.get(userid).ok_or_else(|| no_such_user(userid))
    }

    /// The user of that id, to change it.
    pub(crate) fn user_mut(&mut self, userid: &str) -> Result<&mut User, Failure> {
        grammar::verify_username(userid).map_err(Failure::die)?;
        self.users
            .get_mut(userid)
            .ok_or_else(|| no_such_user(userid))
    }

    /// The token of that user.
    pub(crate) fn token(&self, userid: &str, name: &str) -> Result<&Token, Failure> {
        self.user(userid)?
            .tokens
            .get(name)
            .ok_or_else(|| Failure::die(format!("no such token '{name}' for user '{userid}'\n")))
    }

    /// Fails unless the user exists, is enabled and has not expired.
    pub(crate) fn check_user_enabled(&self, userid: &str, now: i64) -> Result<(), Failure> {
        let user = self.user(userid)?;
        if !user.enabled {
            return Err(Failure::die(format!("user '{userid}' is disabled\n")));
        }
        if is_past(user.expire, now) {
            return Err(Failure::die(format!("user '{userid}' access expired\n")));
        }
        Ok(())
    }

    /// The privileges of a role, built in or not.
    pub(crate) fn role(&self, name: &str) -> Option<&Privileges> {
        self.built_in_roles
            .get(name)
            .or_else(|| self.roles.get(name))
    }

    /// Fails unless the group exists.
    pub(crate) fn check_group(&self, name: &str) -> Result<(), Failure> {
        match self.groups.get(name) {
            Some(_) => Ok(()),
            None => Err(Failure::die(format!("group '{name}' does not exist\n"))),
        }
    }

    /// Takes a user out of all groups.
    pub(crate) fn leave_groups(&mut self, userid: &str) {
        for group in self.groups.values_mut() {
            group.users.remove(userid);
        }
    }

    /// Every path of the ACL tree, those in between included.
    pub(crate) fn acl_paths(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::from(["/".to_owned()]);
        for path in self.acl.keys() {
            let ends = path
                .match_indices('/')
                .map(|(at, _)| at)
                .skip(1)
                .chain([path.len()]);
            paths.extend(ends.map(|end| path.get(..end).unwrap_or_default().to_owned()));
        }
        paths
    }

    /// Adds a role of a subject at a path.
    pub(crate) fn grant(&mut self, path: &str, subject: Subject, role: &str, propagate: bool) {
        let grants = self.acl.entry(path.to_owned()).or_default();
        grants
            .entry(subject)
            .or_default()
            .insert(role.to_owned(), propagate);
    }

    /// Takes a role of a subject at a path away.
    pub(crate) fn revoke(&mut self, path: &str, subject: &Subject, role: &str) {
        if let Some(roles) = self
            .acl
            .get_mut(path)
            .and_then(|grants| grants.get_mut(subject))
        {
            roles.remove(role);
        }
    }

    /// Drops whatever is granted to subjects for which this holds.
    pub(crate) fn revoke_all(&mut self, gone: impl Fn(&Subject) -> bool) {
        for grants in self.acl.values_mut() {
            grants.retain(|subject, _| !gone(subject));
        }
    }

    /// What writing the file and reading it back makes of the configuration.
    ///
    /// # Errors
    /// The file is larger than `/etc/pve` takes (437-user-cfg-full).
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        for user in self.users.values_mut() {
            user.settle();
        }
        for group in self.groups.values_mut() {
            group.comment = trimmed(group.comment.take());
        }
        let (users, roles, built_in) = (&self.users, &self.roles, &self.built_in_roles);
        for grants in self.acl.values_mut() {
            grants.retain(|subject, granted| {
                granted.retain(|role, _| built_in.contains_key(role) || roles.contains_key(role));
                let kept = match subject {
                    // root@pam is always Administrator, so its entries are not written.
                    Subject::User(id) => id != "root@pam",
                    Subject::Group(_) => true,
                    Subject::Token(id) => grammar::split_token(id).is_some_and(|(user, name)| {
                        users
                            .get(user)
                            .is_some_and(|user| user.tokens.contains_key(name))
                    }),
                };
                kept && !granted.is_empty()
            });
        }
        // Letters beyond ASCII do not survive the journey (527-acl-path-not-ascii).
        self.acl
            .retain(|path, grants| path.is_ascii() && !grants.is_empty());
        if self.size() > FILE_LIMIT {
            let text = "unable to write '/etc/pve/user.cfg.tmp.53' - File too large\n";
            return Err(Failure::die(text));
        }
        Ok(())
    }

    /// About how many bytes the file takes.
    fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_deref().map_or(0, encoded_length);
        let user = |(id, user): (&String, &User)| {
            let tokens = user
                .tokens
                .iter()
                .map(|(name, token)| id.len() + name.len() + text(&token.comment) + 15);
            id.len() + text(&user.comment) + text(&user.email) + 15 + tokens.sum::<usize>()
        };
        let group = |(id, group): (&String, &Group)| {
            id.len() + text(&group.comment) + group.users.iter().map(|u| u.len() + 1).sum::<usize>()
        };
        let granted = |(path, grants): (&String, &Grants)| {
            grants
                .keys()
                .map(|subject| path.len() + subject.kind_and_id().1.len() + 20)
                .sum::<usize>()
        };
        self.users.iter().map(user).sum::<usize>()
            + self.groups.iter().map(group).sum::<usize>()
            + self.acl.iter().map(granted).sum::<usize>()
    }
}

impl User {
    /// Whether the user's second factors are on.
    fn settle(&mut self) {
        self.firstname = trimmed(self.firstname.take());
        self.lastname = trimmed(self.lastname.take());
        self.comment = trimmed(self.comment.take());
        self.keys = self.keys.take().filter(|keys| !keys.is_empty());
        self.email = self.email.take().filter(|email| !email.is_empty());
        // The line's last filled field ends it; an empty field before that reads as empty text.
        if self.email.is_none() && (self.comment.is_some() || self.keys.is_some()) {
            self.email = Some(String::new());
        }
        for token in self.tokens.values_mut() {
            token.comment = trimmed(token.comment.take());
        }
    }
}

/// Fields lose the spaces around them, and empty or `0` they are none.
fn trimmed(text: Option<String>) -> Option<String> {
    let text = text.filter(|text| text != "0")?;
    Some(text.trim_matches(' ').to_owned()).filter(|text| !text.is_empty() && text != "0")
}

/// The length of a text in the file, where special characters are written as `%XX`.
fn encoded_length(text: &str) -> usize {
    let plain = |byte: u8| (0x20..=0x7e).contains(&byte) && !matches!(byte, b'%' | b':');
    text.bytes()
        .map(|byte| if plain(byte) { 1 } else { 3 })
        .sum()
}

/// The server's text for a user that is not there.
fn no_such_user(userid: &str) -> Failure {
    Failure::die(format!("no such user ('{userid}')\n"))
}

/// Whether an expiry (0 is never) lies in the past.
pub(crate) fn is_past(expire: u64, now: i64) -> bool {
    expire != 0 && u64::try_from(now).is_ok_and(|now| expire < now)
}

/// An expiry as the file keeps it, or `None` when it is too large and its line gets lost
/// (066-token-create-expire-huge).
pub(crate) fn stored_expire(text: &str) -> Option<u64> {
    let digits = text.trim_end().trim_start_matches('+');
    match digits.strip_prefix('-') {
        Some(_) => Some(0),
        None => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_lose_their_outer_spaces_but_not_their_newlines() {
        assert_eq!(
            trimmed(Some("  padded  ".into())).as_deref(),
            Some("padded")
        );
        assert_eq!(trimmed(Some("ends\n".into())).as_deref(), Some("ends\n"));
        assert_eq!(trimmed(Some("0".into())), None);
        assert_eq!(trimmed(Some(" ".into())), None);
    }

    #[test]
    fn permissions_of_a_token_go_with_it() {
        let mut config = UserConfig::default();
        config
            .built_in_roles
            .insert("PVEAuditor".into(), Privileges::new());
        config.users.insert("demo@pve".into(), User::default());
        config.grant(
            "/",
            Subject::Token("demo@pve!gone".into()),
            "PVEAuditor",
            true,
        );
        config.settle().unwrap();
        assert!(config.acl.is_empty());
    }

    #[test]
    fn an_expiry_beyond_64_bits_is_lost() {
        assert_eq!(stored_expire("99999999999999999999"), None);
        assert_eq!(stored_expire("007"), Some(7));
        assert_eq!(stored_expire("-0"), Some(0));
    }
}
