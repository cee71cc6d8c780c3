//! What counts as the same answer.

use serde_json::{Map, Value};

use super::client::Answer;
use super::recording::{Body, CUT, Exchange};

/// Headers that tell the time or a length that follows from a secret.
const VOLATILE_HEADERS: &[&str] = &[
    "Cache-Control",
    "Date",
    "Pragma",
    "Expires",
    "Content-Length",
];

/// Values that differ from server to server and from moment to moment.
const VOLATILE: &[&str] = &[
    "CSRFPreventionToken",
    "avail",
    "available",
    "boot-info",
    "cpu",
    "cpuinfo",
    "created",
    "current-kernel",
    "digest",
    "disk",
    "endtime",
    "fingerprint",
    "free",
    "idle",
    "issuer",
    "kversion",
    "loadavg",
    "localtime",
    "maxcpu",
    "maxdisk",
    "maxmem",
    "mem",
    "notafter",
    "notbefore",
    "pem",
    "pid",
    "pstart",
    "recovery",
    "san",
    "shared",
    "ssl_fingerprint",
    "starttime",
    "subject",
    "swap",
    "time",
    "timezone",
    "total",
    "upid",
    "uptime",
    "used",
    "value",
    "wait",
];

/// How a response differs from the recorded one, or `None`.
pub fn difference(recorded: &Exchange, response: Option<&Answer>) -> Option<String> {
    let (Some(status_line), Some(response)) = (&recorded.status_line, response) else {
        return match (&recorded.status_line, response) {
            (None, None) => None,
            (Some(line), None) => Some(format!("no answer instead of '{line}'")),
            (None, Some(response)) => {
                Some(format!("'{}' instead of no answer", response.status_line))
            }
            (Some(_), Some(_)) => unreachable!("handled above"),
        };
    };
    let (expected, found) = (mask_places(status_line), mask_places(&response.status_line));
    if expected != found {
        return Some(format!("status line '{found}' instead of '{expected}'"));
    }
    let (expected, found) = (kept(&recorded.response_headers), kept(&response.headers));
    if expected != found {
        return Some(format!("headers {found:?} instead of {expected:?}"));
    }
    body_difference(&recorded.response, &response.body)
}

fn kept(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut kept: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !VOLATILE_HEADERS.contains(&name.as_str()))
        .cloned()
        .collect();
    kept.sort();
    kept
}

fn body_difference(recorded: &Body, body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let differs = |expected: &dyn std::fmt::Display, found: &dyn std::fmt::Display| {
        let cut = |text: String| text.chars().take(600).collect::<String>();
        Some(format!(
            "body {} instead of {}",
            cut(found.to_string()),
            cut(expected.to_string())
        ))
    };
    match recorded {
        Body::Text(expected) => {
            let (expected, found) = (mask_places(expected), mask_places(&text));
            if expected == found {
                None
            } else {
                differs(&expected, &found)
            }
        }
        Body::Json(expected) | Body::Beginning(expected) => {
            let found: Value = serde_json::from_str(&text).unwrap_or_default();
            let (expected, found) = (mask(expected.clone()), mask(found));
            let same = match recorded {
                Body::Json(_) => expected == found,
                _ => begins_with(&found, &expected),
            };
            if same {
                None
            } else {
                differs(&expected, &found)
            }
        }
        Body::Binary => Some("a compressed body cannot be compared".to_owned()),
    }
}

/// Takes out what is volatile, and puts lists into an order.
fn mask(json: Value) -> Value {
    match json {
        Value::Object(map) => {
            let masked = map.into_iter().map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("ticket", Value::String(ticket)) => Value::from(ticket_data(&ticket)),
                    // It counts the changes of the cluster's members.
                    ("version", Value::Number(_)) => Value::from("<volatile>"),
                    // A volatile name says nothing about the keys of an error map.
                    (key, value) if VOLATILE.contains(&key) && !value.is_null() => {
                        Value::from("<volatile>")
                    }
                    (_, value) => mask(value),
                };
                (name, value)
            });
            Value::Object(masked.collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(mask).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::String(text) => Value::from(mask_places(&mask_task(&text))),
        other => other,
    }
}

/// The id of a task without what differs from task to task.
fn mask_task(text: &str) -> String {
    match text.split(':').collect::<Vec<_>>()[..] {
        ["UPID", node, _, _, _, kind, id, user, ""] => format!("UPID:{node}:{kind}:{id}:{user}"),
        _ => text.to_owned(),
    }
}

/// A ticket without its time and signature.
fn ticket_data(ticket: &str) -> String {
    let plain = ticket.rsplit_once("::").map_or(ticket, |(plain, _)| plain);
    plain
        .rsplit_once(':')
        .map_or(plain, |(data, _)| data)
        .to_owned()
}

/// Replaces file names and line numbers of the server's own code, and numbers of processes.
pub fn mask_places(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" at /usr/share/perl5/") {
        masked.push_str(before);
        masked.push_str(" at <place>");
        let end = after.find(['.', '\n']).and_then(|_| {
            after
                .char_indices()
                .find(|&(at, c)| c == '\n' || after[at..].starts_with(".\n"))
        });
        let end = end.map_or_else(|| after.trim_end_matches('.').len(), |(at, _)| at);
        rest = &after[end..];
    }
    masked.push_str(rest);
    match masked.split_once(".tmp.") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}.tmp.<pid>{after}")
        }
        None => masked,
    }
}

/// Whether the recorded beginning of a response is part of the found one.
fn begins_with(found: &Value, recorded: &Value) -> bool {
    match (found, recorded) {
        (Value::Object(found), Value::Object(recorded)) => recorded.iter().all(|(name, value)| {
            found
                .get(name)
                .is_some_and(|found| begins_with(found, value))
        }),
        (Value::Array(found), Value::Array(recorded)) => recorded
            .iter()
            .all(|value| found.iter().any(|found| begins_with(found, value))),
        (Value::String(found), Value::String(recorded)) => match recorded.split_once(CUT) {
            Some((beginning, _)) => found.starts_with(beginning),
            None => found == recorded,
        },
        (found, recorded) => found == recorded,
    }
}
