//! The task lists of the cluster and of a node.
//!
//! 545-tasks-of-a-token shows whose tasks they list. What is not in it was read in the server's
//! source.

use serde_json::{Map, Value, json};

use crate::call::{Allowed, Call, Check, Interrupt, Method};
use crate::grammar;
use crate::schema::{Grammar, Property};
use crate::state::Task;

const NODE: Property = Property::text("node", Grammar::Node);

pub(super) const METHODS: &[Method] = &[
    Method::write("POST", "/nodes/{node}/startall", start_all)
        .allowed(Allowed::Check(Check::Privileges("/", &["VM.PowerMgmt"])))
        .properties(&[NODE]),
    Method::get("/cluster/tasks", of_cluster),
    Method::get("/nodes/{node}/tasks", of_node).properties(&[
        NODE,
        Property::integer("start").minimum(0).optional(),
        Property::integer("limit").minimum(0).optional(),
        Property::string("userfilter").optional(),
        Property::string("typefilter").optional(),
        Property::integer("vmid").optional(),
        Property::boolean("errors").optional(),
        Property::text("source", Grammar::OneOf(&["archive", "active", "all"])).optional(),
        Property::integer("since").optional(),
        Property::integer("until").optional(),
        Property::string("statusfilter").optional(),
    ]),
];

/// The tasks of everyone with `Sys.Audit` on `/`, else those of oneself and one's tokens. A token
/// is never its user, so it does not even see its own.
fn of_cluster(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let config = &call.state.config;
    let audit = config.check(call.id, "/", &["Sys.Audit"]).is_ok();
    let visible = |task: &&Task| audit || asked_by(task).0 == call.id;
    let tasks = call.state.tasks.iter().filter(visible);
    let saved = |task: &Task| with(shown(task), [("saved", json!(1))]);
    Ok(tasks.map(saved).collect())
}

/// Starts the guests of a node, of which there are none: the task is all that remains.
fn start_all(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let (node, id, now) = (call.required("node").to_owned(), call.id, call.state.now());
    call.state.add_task(&node, id, "startall", "", now);
    let task = call.state.tasks.last();
    Ok(task.map_or(Value::Null, |task| json!(task.upid)))
}

/// The tasks that ran on a node, the latest first: of everyone with `Sys.Audit` on the node, else
/// one's own, which here a token sees, too.
fn of_node(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let node = call.required("node");
    let config = &call.state.config;
    let place = format!("/nodes/{node}");
    let audit = config.check(call.id, &place, &["Sys.Audit"]).is_ok();
    let number = |name: &str| call.text(name).and_then(|text| text.parse::<i64>().ok());
    let count = |name: &str, default: usize| {
        number(name).map_or(default, |number| number.try_into().unwrap_or(default))
    };
    let wanted = |task: &&Task| {
        let user = asked_by(task).0;
        let matches = |filter: &str| user.to_lowercase().contains(&filter.to_lowercase());
        task.node == node
            && of_source(task, call.text("source").unwrap_or("archive"))
            && call.text("userfilter").is_none_or(matches)
            && (audit || user == call.id || task.user == call.id)
            && call.text("typefilter").is_none_or(|kind| task.kind == kind)
            && number("since").is_none_or(|since| task.starttime >= since)
            && number("until").is_none_or(|until| task.starttime <= until)
    };
    let mut tasks: Vec<&Task> = call.state.tasks.iter().filter(wanted).collect();
    tasks.sort_by_key(|task| (task.endtime.is_some(), -task.starttime));
    let total = tasks.len();
    let page = tasks
        .into_iter()
        .skip(count("start", 0))
        .take(count("limit", 50))
        .map(|task| {
            with(
                shown(task),
                [("pid", json!(63)), ("pstart", json!(680_073))],
            )
        })
        .collect();
    call.total = Some(total).filter(|&total| total > 0);
    Ok(page)
}

/// A task that has ended is in the archive, another is active.
fn of_source(task: &Task, source: &str) -> bool {
    source == "all" || (source == "archive") == task.endtime.is_some()
}

/// The user who asked for a task, and by which token.
fn asked_by(task: &Task) -> (&str, Option<&str>) {
    match grammar::split_token(&task.user) {
        Some((user, token)) => (user, Some(token)),
        None => (&task.user, None),
    }
}

fn with<const N: usize>(mut entry: Value, more: [(&str, Value); N]) -> Value {
    for (name, value) in more {
        entry[name] = value;
    }
    entry
}

fn shown(task: &Task) -> Value {
    let mut entry = Map::new();
    let (user, token) = asked_by(task);
    entry.insert("upid".into(), json!(task.upid));
    entry.insert("node".into(), json!(task.node));
    entry.insert("type".into(), json!(task.kind));
    entry.insert("id".into(), json!(task.id));
    entry.insert("user".into(), json!(user));
    entry.insert("starttime".into(), json!(task.starttime));
    if let Some(token) = token {
        entry.insert("tokenid".into(), json!(token));
    }
    if let Some(endtime) = task.endtime {
        entry.insert("endtime".into(), json!(endtime));
    }
    if let Some(status) = &task.status {
        entry.insert("status".into(), json!(status));
    }
    Value::Object(entry)
}
