//! What must be true when a schedule has ended. This page is all that a reader has to believe.

use std::collections::BTreeSet;

use proxmox_simulator::Subject;
use rmpv::Value;

use crate::value::{Attributes, text};
use crate::world::{OWNER, World};

/// The first thing that is not true.
pub fn check(world: &World) -> Result<(), String> {
    if let Some(rule) = world.broken.first() {
        return Err(rule.clone());
    }
    let issued = world.sim.state(|server| server.issued()).until_now();
    let said = world.said.0.join("\n");
    if issued.iter().any(|secret| said.contains(secret)) {
        return Err("a diagnostic contains a secret".to_owned());
    }
    if world.others() != world.foreign {
        return Err("a token of others was changed".to_owned());
    }
    let orphans = world.orphans();
    if !orphans.is_empty() {
        return Err(format!("tokens that no state has: {orphans:?}"));
    }
    for resource in world.resources.values() {
        let Some(stored) = &resource.stored else {
            return Err("a token is not in the state".to_owned());
        };
        agrees(world, &stored.attributes)?;
    }
    Ok(())
}

/// State and server agree about one token.
fn agrees(world: &World, state: &Attributes) -> Result<(), String> {
    let id = text(state, "token_id");
    let name = id.strip_prefix(&format!("{OWNER}!")).unwrap_or_default();
    let (token, secret) = world.sim.state(|server| {
        let secret = server.token_secret(&id).map(str::to_owned);
        (server.token(OWNER, name).cloned(), secret)
    });
    let Some(token) = token else {
        return Err(format!("{id} is in the state and not on the server"));
    };
    if secret.as_deref() != Some(text(state, "secret").as_str()) {
        return Err(format!(
            "the secret of {id} in the state is not that of the server"
        ));
    }
    if token.comment.unwrap_or_default() != text(state, "comment") {
        return Err(format!("the comment of {id} differs"));
    }
    let expire = match state["expires_at"].is_nil() {
        true => 0,
        false => seconds(&text(state, "expires_at")),
    };
    if token.expire != expire {
        return Err(format!(
            "{id} expires at {} instead of {expire}",
            token.expire
        ));
    }
    same_entries(world, state, &id)
}

/// The token has the declared entries, and others only if others gave them and that is allowed.
fn same_entries(world: &World, state: &Attributes, id: &str) -> Result<(), String> {
    let Value::Array(declared) = &state["acl"] else {
        return Ok(());
    };
    let field = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let declared: BTreeSet<(String, String)> = declared
        .iter()
        .map(|entry| (field(entry, "path"), field(entry, "role")))
        .collect();
    let found: BTreeSet<(String, String)> = world.sim.state(|server| {
        let entries = server.acl().into_iter();
        let of_token =
            entries.filter(|(_, _, subject, _)| *subject == Subject::Token(id.to_owned()));
        of_token.map(|(path, role, _, _)| (path, role)).collect()
    });
    if let Some(missing) = declared.difference(&found).next() {
        return Err(format!("{id} lacks the entry {missing:?}"));
    }
    let exclusive = state["acl_exclusive"] == Value::from(true);
    for (path, role) in found.difference(&declared) {
        // A rotation with overlap gives the next token what others gave the one before.
        let base = |id: &str| id.trim_end_matches("-b").to_owned();
        let is_of_others = world
            .granted_by_others
            .iter()
            .any(|(at, given, to)| (at, given, base(to)) == (path, role, base(id)));
        if exclusive || !is_of_others {
            return Err(format!(
                "{id} has the entry {path} {role}, which nobody declared"
            ));
        }
    }
    Ok(())
}

/// The seconds since the epoch of a time in RFC 3339.
fn seconds(time: &str) -> u64 {
    let format = &time::format_description::well_known::Rfc3339;
    let time = time::OffsetDateTime::parse(time, format).expect("a time");
    time.unix_timestamp().unsigned_abs()
}
