//! The log, in the form that go-plugin reads: one JSON object a line on stderr.
//!
//! Terraform adds the lines to its own log. The level comes from the variables that Terraform
//! documents, the most specific first. Without any, only errors are written. Libraries log only from
//! `WARN` on, at any level: the traces of an HTTP library contain whole messages, and so secrets.

use std::fmt::Debug;
use std::io::{self, Write};

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt;

/// Variables that set the level, the most specific first.
const VARIABLES: [&str; 3] = ["TF_LOG_PROVIDER_PROXMOX", "TF_LOG_PROVIDER", "TF_LOG"];

/// go-plugin's layout of `@timestamp` (its `log_entry.go`).
const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// Starts the log of this process, at the level of the environment.
pub(super) fn start(variable: impl Fn(&str) -> Option<String>) {
    let level = level(variable);
    let layer = JsonLines(|line: &[u8]| {
        // Without stderr there is no place to report the failure.
        let _ = io::stderr().lock().write_all(line);
    });
    // Fails only if the log has been started before.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(filter(level)))
        .try_init();
}

/// The level in the first variable that is set. As in Terraform, an unknown name means `TRACE`.
fn level(variable: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let mut set = VARIABLES.into_iter().filter_map(variable);
    let Some(name) = set.find(|name| !name.is_empty()) else {
        return LevelFilter::ERROR;
    };
    match name.to_ascii_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "ERROR" => LevelFilter::ERROR,
        "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

fn filter(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level)
}

/// A layer that writes each event as a line of JSON, with the fields of its spans.
struct JsonLines<W>(W);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Fields::default();
        let spans = context.event_scope(event).map(Scope::from_root);
        for span in spans.into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.0.extend(fields.0.clone());
            }
        }
        line.put("@message", "");
        event.record(&mut line);
        let metadata = event.metadata();
        line.put("@level", level_name(metadata.level()));
        line.put("@module", module(metadata.target()));
        let now = OffsetDateTime::now_utc().format(TIMESTAMP);
        line.put("@timestamp", now.unwrap_or_default());
        (self.0)(format!("{}\n", Value::Object(line.0)).as_bytes());
    }
}

fn level_name(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// The module, in the dotted form of Terraform's own log, below `proxmox`.
fn module(target: &str) -> String {
    target
        .replacen(env!("CARGO_CRATE_NAME"), "proxmox", 1)
        .replace("::", ".")
}

/// Fields of a span or an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn put_field(&mut self, field: &Field, value: impl Into<Value>) {
        match field.name() {
            "message" => self.put("@message", value),
            name => self.put(name, value),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put_field(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put_field(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put_field(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put_field(field, u64::try_from(value).unwrap_or(u64::MAX));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put_field(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_field(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put_field(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Runs code under a logger of the given level and returns its lines.
    fn lines(level: LevelFilter, code: impl FnOnce()) -> Vec<Value> {
        let written = Arc::new(Mutex::new(Vec::new()));
        let copy = written.clone();
        let layer = JsonLines(move |line: &[u8]| copy.lock().unwrap().extend_from_slice(line));
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter(level)));
        tracing::subscriber::with_default(subscriber, code);
        let written = written.lock().unwrap();
        written
            .split_inclusive(|&byte| byte == b'\n')
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    fn level_of(variables: &[(&str, &str)]) -> LevelFilter {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        level(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_most_specific_variable_wins() {
        assert_eq!(level_of(&[]), LevelFilter::ERROR);
        assert_eq!(level_of(&[("TF_LOG", "info")]), LevelFilter::INFO);
        let both = [("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER_PROXMOX", "warn")];
        assert_eq!(level_of(&both), LevelFilter::WARN);
        let empty = [("TF_LOG", "DEBUG"), ("TF_LOG_PROVIDER", "")];
        assert_eq!(level_of(&empty), LevelFilter::DEBUG);
        assert_eq!(level_of(&[("TF_LOG", "JSON")]), LevelFilter::TRACE);
    }

    #[test]
    fn a_line_has_go_plugins_keys_and_the_fields_of_event_and_span() {
        let lines = lines(LevelFilter::TRACE, || {
            let span =
                tracing::info_span!("call", rpc = "ReadResource", kind = tracing::field::Empty);
            span.record("kind", "proxmox_host");
            span.in_scope(|| tracing::debug!(attempt = 2, "two\nlines"));
        });
        let line = &lines[0];
        assert_eq!(line["@level"], "debug");
        assert_eq!(line["@message"], "two\nlines");
        assert_eq!(line["@module"], "proxmox.plugin.logging.tests");
        assert_eq!(line["attempt"], 2);
        assert_eq!(line["rpc"], "ReadResource");
        assert_eq!(line["kind"], "proxmox_host");
        let timestamp = line["@timestamp"].as_str().unwrap();
        let shape: String = timestamp
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        assert_eq!(shape, "9999-99-99T99:99:99.999999Z");
    }

    #[test]
    fn libraries_never_log_below_warn() {
        let lines = lines(LevelFilter::TRACE, || {
            tracing::info!(target: "h2::codec", "payload");
            tracing::warn!(target: "h2::codec", "trouble");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["@message"], "trouble");
    }

    #[test]
    fn a_higher_level_applies_to_libraries_too() {
        let lines = lines(LevelFilter::ERROR, || {
            tracing::warn!(target: "hyper", "trouble");
            tracing::warn!("trouble");
            tracing::error!("broken");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["@message"], "broken");
    }
}
