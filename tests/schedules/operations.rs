//! The operations of a schedule. The generator of the seed chooses each, with its values.

use std::time::Duration;

use proxmox_simulator::Fault;
use serde_json::{Value as Json, json};

use crate::cli::{self, Process};
use crate::value::text;
use crate::world::{HOUR, OWNER, Resource, World, runtime};

/// A fault, and how the story calls it.
type Kind = (&'static str, fn() -> Fault);

impl World {
    /// One operation.
    pub fn step(&mut self) {
        match self.rng.u8(..100) {
            0..=14 => self.add(),
            15..=34 => self.edit(),
            35..=39 => self.remove(),
            40..=49 => self.others_change_something(),
            50..=54 => self.clock(),
            55..=59 => self.open_an_ephemeral_token(),
            60..=74 => self.apply(true),
            75..=84 => self.apply_with_a_fault(),
            85..=89 => self.apply_and_kill(),
            _ => self.apply(false),
        }
    }

    fn add(&mut self) {
        if self.resources.len() >= 4 {
            return self.edit();
        }
        let key = (0..)
            .find(|key| !self.resources.contains_key(key))
            .unwrap_or(0);
        let name = format!("token{key}");
        let mut config = json!({ "user_id": OWNER, "token_name": name });
        self.set_some(&mut config);
        self.tell(format!("add {config}"));
        let stored = None;
        self.resources.insert(
            key,
            Resource {
                config: Some(config),
                stored,
            },
        );
    }

    /// Gives random values to the attributes that can be changed.
    fn set_some(&mut self, config: &mut Json) {
        let rng = &mut self.rng;
        if rng.bool() {
            config["comment"] = json!(["", "one", "two", "drei \u{00fc}"][rng.usize(..4)]);
        }
        config["acl"] = match rng.u8(..4) {
            0 => Json::Null,
            1 => json!([]),
            number => {
                let all = [
                    ("/vms", "PVEVMAdmin", true),
                    ("/vms/100", "PVEAuditor", true),
                    ("/storage", "PVEDatastoreUser", false),
                    ("/vms", "PVEAuditor", true),
                ];
                let mut chosen = rng.choose_multiple(all, usize::from(number));
                chosen.sort_unstable();
                let entry = |(path, role, propagate)| json!({ "path": path, "role": role, "propagate": propagate });
                Json::Array(chosen.into_iter().map(entry).collect())
            }
        };
        config["acl_exclusive"] = match config["acl"].is_null() {
            true => Json::Null,
            false => [json!(true), Json::Null][rng.usize(..2)].clone(),
        };
        let (expires_in, date, rotation) = match rng.u8(..5) {
            0 => (Json::Null, Json::Null, Json::Null),
            1 => (Json::Null, json!("2040-01-01T00:00:00Z"), Json::Null),
            2 => (json!("30d"), Json::Null, Json::Null),
            3 => (
                json!("30d"),
                Json::Null,
                json!({ "before_expiry": "10d", "every": null, "overlap": "48h" }),
            ),
            _ => (
                Json::Null,
                Json::Null,
                json!({ "before_expiry": null, "every": "20d", "overlap": null }),
            ),
        };
        config["expires_in"] = expires_in;
        config["expiration_date"] = date;
        config["rotation"] = rotation;
    }

    fn edit(&mut self) {
        let Some(key) = self.any_key() else { return };
        let Some(mut config) = self.resources[&key].config.clone() else {
            return;
        };
        match self.rng.u8(..4) {
            0 => config["rotate_when_changed"] = json!({ "release": self.rng.u8(..).to_string() }),
            1 => config["token_name"] = json!(format!("token{key}-{}", self.rng.u8(..3))),
            _ => self.set_some(&mut config),
        }
        self.tell(format!("change {config}"));
        if let Some(resource) = self.resources.get_mut(&key) {
            resource.config = Some(config);
        }
    }

    fn remove(&mut self) {
        let Some(key) = self.any_key() else { return };
        self.tell(format!("remove the block of token{key}"));
        if let Some(resource) = self.resources.get_mut(&key) {
            resource.config = None;
        }
    }

    fn any_key(&mut self) -> Option<usize> {
        let keys: Vec<usize> = self.resources.keys().copied().collect();
        self.rng.choice(keys)
    }

    fn others_change_something(&mut self) {
        let Some(key) = self.any_key() else { return };
        let Some(stored) = &self.resources[&key].stored else {
            return;
        };
        let id = text(&stored.attributes, "token_id");
        let Some((_, name)) = id.split_once('!') else {
            return;
        };
        let name = name.to_owned();
        match self.rng.u8(..5) {
            0 => {
                self.tell(format!("others remove {id}"));
                self.sim.state(|state| state.remove_token(OWNER, &name));
                self.granted_by_others.retain(|(_, _, token)| *token != id);
            }
            1 => {
                self.tell(format!("others change the comment of {id}"));
                self.sim.state(|state| {
                    if let Some(token) = state.token_mut(OWNER, &name) {
                        token.comment = Some("changed by hand".to_owned());
                    }
                });
            }
            2 => {
                self.tell(format!("others grant PVEPoolUser to {id}"));
                self.sim.state(|state| {
                    if state.token(OWNER, &name).is_some() {
                        state.set_acl("/pool/p", "PVEPoolUser", &id, true);
                    }
                });
                let entry = ("/pool/p".to_owned(), "PVEPoolUser".to_owned(), id);
                self.granted_by_others.push(entry);
            }
            3 => {
                self.tell(format!("others take PVEVMAdmin from {id}"));
                self.sim
                    .state(|state| state.remove_acl("/vms", "PVEVMAdmin", &id));
            }
            _ => {
                self.tell(format!("others let {id} expire in a year"));
                self.sim.state(|state| {
                    let in_a_year = state.now().unsigned_abs() + 365 * 24 * HOUR.as_secs();
                    if let Some(token) = state.token_mut(OWNER, &name) {
                        token.expire = in_a_year;
                    }
                });
            }
        }
    }

    fn clock(&mut self) {
        let hours = [1, 24, 24 * 5, 24 * 21][self.rng.usize(..4)];
        self.tell(format!("{hours} hours pass"));
        self.sim.advance(HOUR * hours);
    }

    fn open_an_ephemeral_token(&mut self) {
        self.tell("an ephemeral token".to_owned());
        let runtime = runtime();
        let block = self.block.clone();
        let config = json!({ "user_id": OWNER, "expires_in": "30m" });
        let outcome = runtime.block_on(async {
            let process = Process::start(&block, &mut self.said).await?;
            cli::ephemeral(&process, &config, &mut self.said).await
        });
        self.judge(outcome);
    }

    fn apply_with_a_fault(&mut self) {
        let writes = ["POST", "PUT", "DELETE", "*"][self.rng.usize(..4)];
        let path = ["*", "/access/acl", "/access/users/*"][self.rng.usize(..3)];
        let kinds: [Kind; 10] = [
            ("the connection closes", Fault::dropped_before),
            ("the response is lost", Fault::dropped_after_commit),
            (
                "the user configuration is locked",
                Fault::user_config_locked,
            ),
            (
                "the token configuration is locked",
                Fault::token_config_locked,
            ),
            ("no quorum", Fault::no_quorum),
            ("the daemon is down", Fault::daemon_down),
            ("a broken pipe", Fault::broken_pipe),
            (
                "a broken pipe after the write",
                Fault::broken_pipe_after_commit,
            ),
            ("no /etc/pve", Fault::pmxcfs_down),
            ("slow", || Fault::slow(Duration::from_millis(20))),
        ];
        let (name, fault) = kinds[self.rng.usize(..kinds.len())];
        let times = self.rng.usize(1..4);
        self.tell(format!("{name}, {times} times on {writes} {path}:"));
        self.sim.fault(fault().on(writes, path).times(times));
        self.apply(true);
        self.sim.clear_faults();
    }

    /// Kills the provider in the middle of an apply.
    fn apply_and_kill(&mut self) {
        let after = Duration::from_millis(self.rng.u64(0..40));
        self.tell(format!("apply, and kill the provider after {after:?}"));
        self.command(true, Some(after));
        self.sim.clear_faults();
    }
}
