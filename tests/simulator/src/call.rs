//! A call on its way through the API: its method's description, who asks, and the locks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::config::UserConfig;
use crate::grammar;
use crate::params::{Param, Params};
use crate::result::Failure;
use crate::schema::Property;
use crate::state::{Node, State};

/// What a method of the API is.
pub(crate) struct Method {
    pub(crate) verb: &'static str,
    /// Path below `/api2/<format>`, with `{name}` for parameters.
    pub(crate) path: &'static str,
    pub(crate) allowed: Allowed,
    /// Runs in the privileged daemon, so it fails when that is down.
    pub(crate) protected: bool,
    /// API tokens may call it.
    pub(crate) token: bool,
    pub(crate) properties: &'static [Property],
    pub(crate) run: Handler,
}

impl Method {
    /// A method anyone who is authenticated may call, and that only reads.
    pub(crate) const fn get(path: &'static str, run: Handler) -> Self {
        Self {
            verb: "GET",
            path,
            allowed: Allowed::All,
            protected: false,
            token: true,
            properties: &[],
            run,
        }
    }

    /// A method that writes; these always run in the privileged daemon.
    pub(crate) const fn write(verb: &'static str, path: &'static str, run: Handler) -> Self {
        let mut method = Self::get(path, run);
        method.verb = verb;
        method.protected = true;
        method
    }

    pub(crate) const fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    pub(crate) const fn allowed(mut self, allowed: Allowed) -> Self {
        self.allowed = allowed;
        self
    }

    pub(crate) const fn tickets_only(mut self) -> Self {
        self.token = false;
        self
    }

    pub(crate) const fn properties(mut self, properties: &'static [Property]) -> Self {
        self.properties = properties;
        self
    }
}

/// Who may call a method.
#[derive(Clone, Copy)]
pub(crate) enum Allowed {
    /// Anyone, without authentication.
    Preconditions,
    /// Anyone who is authenticated.
    All,
    /// Those who pass a check.
    Check(Check),
}

/// A check of permissions; `root@pam` with a ticket never meets it.
#[derive(Clone, Copy)]
pub(crate) enum Check {
    /// All of these.
    And(&'static [Check]),
    /// One of these.
    Or(&'static [Check]),
    /// All of the privileges at a path with parameters in it.
    Privileges(&'static str, &'static [&'static str]),
    /// One of the privileges at a path.
    AnyPrivilege(&'static str, &'static [&'static str]),
    /// One of the privileges on a group of the user named by `userid`.
    UserGroup(&'static [&'static str], Groups),
    /// `userid` is oneself. A token is never its user.
    Myself,
    /// `Realm.AllocateUser` on the realm of `userid`.
    AllocateUser,
    /// The permissions of `path` may be changed.
    PermissionsModify,
}

/// What the parameter `groups` means to a check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Groups {
    Ignored,
    Create,
    Update,
}

impl Check {
    /// Whether the check holds. With `quiet` a missing permission is `false`, otherwise a failure.
    pub(crate) fn run(
        self,
        config: &UserConfig,
        id: &str,
        params: &Params,
        quiet: bool,
    ) -> Result<bool, Failure> {
        let text = |name: &str| params.get(name).and_then(Param::text).unwrap_or_default();
        let settle = |result: Result<(), Failure>| match result {
            Ok(()) => Ok(true),
            Err(_) if quiet => Ok(false),
            Err(failure) => Err(failure),
        };
        match self {
            Self::And(checks) => {
                for check in checks {
                    check.run(config, id, params, false)?;
                }
                Ok(true)
            }
            Self::Or(checks) => {
                for check in checks {
                    if check.run(config, id, params, true)? {
                        return Ok(true);
                    }
                }
                settle(Err(Failure::permission("")))
            }
            Self::Privileges(path, privileges) => {
                settle(config.check(id, &fill(path, params), privileges))
            }
            Self::AnyPrivilege(path, privileges) => {
                settle(config.check_any(id, &fill(path, params), privileges))
            }
            Self::Myself => {
                let userid = text("userid");
                grammar::verify_username(userid).map_err(Failure::die)?;
                if let Err(failure) = config.user(userid) {
                    return settle(Err(failure));
                }
                if id == userid {
                    Ok(true)
                } else {
                    settle(Err(Failure::permission("")))
                }
            }
            Self::AllocateUser => {
                let (_, realm) = grammar::verify_username(text("userid")).map_err(Failure::die)?;
                settle(config.check(
                    id,
                    &format!("/access/realm/{realm}"),
                    &["Realm.AllocateUser"],
                ))
            }
            Self::PermissionsModify => match grammar::normalize_path(text("path")) {
                Some(path) => settle(config.check_perm_modify(id, &path)),
                None => Ok(true),
            },
            Self::UserGroup(privileges, groups) => user_group(
                config,
                id,
                text("userid"),
                text("groups"),
                privileges,
                groups,
                quiet,
            ),
        }
    }
}

fn user_group(
    config: &UserConfig,
    id: &str,
    userid: &str,
    groups: &str,
    privileges: &[&str],
    meaning: Groups,
    quiet: bool,
) -> Result<bool, Failure> {
    let existing = meaning != Groups::Create;
    if existing && let Err(failure) = config.user(userid) {
        return if quiet { Ok(false) } else { Err(failure) };
    }
    if config.check_any(id, "/access/groups", privileges).is_ok() {
        return Ok(true);
    }
    let mine = config.groups_with(id, privileges);
    if meaning != Groups::Ignored {
        let wanted = grammar::split_list(groups);
        let missing =
            |place: &str| Failure::permission(&format!("{place}, {}", privileges.join("|")));
        if wanted.is_empty() {
            return Err(missing("/access/groups"));
        }
        if let Some(group) = wanted.iter().find(|group| !mine.contains(*group)) {
            return Err(missing(&format!("/access/groups/{group}")));
        }
    }
    if existing && !config.is_member_of_any(userid, &mine) {
        return if quiet {
            Ok(false)
        } else {
            Err(Failure::permission(""))
        };
    }
    Ok(true)
}

/// Puts parameters into a path.
fn fill(path: &str, params: &Params) -> String {
    let filled = path.split('/').map(|part| {
        match part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
        {
            Some(name) => params.get(name).and_then(Param::text).unwrap_or("-"),
            None => part,
        }
    });
    let filled = filled.collect::<Vec<_>>().join("/");
    grammar::normalize_path(&filled).unwrap_or(filled)
}

/// What a handler is.
pub(crate) type Handler = fn(&mut Call<'_>) -> Result<Value, Interrupt>;

/// Why a handler stopped.
pub(crate) enum Interrupt {
    /// The call failed.
    Failed(Failure),
    /// It needs the cluster-wide lock first, and starts again once it is held.
    NeedsLock(Lock),
}

impl From<Failure> for Interrupt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A request for the lock of the user configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lock {
    /// What failed, when the lock cannot be had.
    pub(crate) purpose: &'static str,
    /// The file of token secrets is locked, too.
    pub(crate) tokens: bool,
}

impl Lock {
    /// The failure when the lock cannot be had: recordings 438-lock-held and
    /// 439-lock-held-token-cfg (which says its newline twice).
    pub(crate) fn failure(self, tokens: bool, why: &str) -> Failure {
        let (file, newline) = if tokens {
            ("priv_token_cfg", "\n\n")
        } else {
            ("user_cfg", "\n")
        };
        Failure::die(format!(
            "{}: cfs-lock 'file-{file}' error: {why}{newline}",
            self.purpose
        ))
    }
}

/// One call of a method.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) params: &'a Params,
    /// `user@realm` or `user@realm!token`; empty without authentication.
    pub(crate) id: &'a str,
    /// Whether the lock of the user configuration is held.
    pub(crate) locked: bool,
    /// The node that was asked, where it is not the first one.
    pub(crate) node: Option<&'a str>,
    /// The certificate the server shows.
    pub(crate) certificate: &'a crate::tls::Certificate,
    /// How many entries there are, when the response has a page of them.
    pub(crate) total: Option<usize>,
}

impl Call<'_> {
    /// Whether this is the node that was asked.
    pub(crate) fn is_local(&self, node: &Node) -> bool {
        self.node.map_or(node.local, |name| name == node.name)
    }

    /// A parameter as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Param::text)
    }

    /// A parameter the schema requires.
    pub(crate) fn required(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// A switch: given and not `0`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value == "1")
    }

    /// Changes the user configuration under its lock. A change that fails, or that makes the
    /// file too large, leaves the configuration as it was; secrets are written before it and stay.
    pub(crate) fn change<T>(
        &mut self,
        lock: Lock,
        change: impl FnOnce(&mut UserConfig, &mut BTreeMap<String, String>) -> Result<T, Failure>,
    ) -> Result<T, Interrupt> {
        if !self.locked {
            return Err(Interrupt::NeedsLock(lock));
        }
        let mut config = self.state.config.clone();
        let changed = change(&mut config, &mut self.state.secrets);
        for secret in self.state.secrets.values() {
            self.state.issued.add(secret);
        }
        let result = changed
            .and_then(|result| config.settle().map(|()| result))
            .map_err(|failure| {
                Failure::die(format!("{}: {}", lock.purpose, failure.stringify()))
            })?;
        self.state.config = config;
        Ok(result)
    }
}

/// A directory of sub-directories.
pub(crate) fn subdirs(names: &[&str]) -> Value {
    json!(
        names
            .iter()
            .map(|name| json!({ "subdir": name }))
            .collect::<Vec<_>>()
    )
}
