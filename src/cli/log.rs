//! The log events at level `INFO` as lines on stderr, such as that the login waits for the next
//! one-time code.

use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::terminal::write_stderr;

/// Starts to show the notices of this crate, and none of a library.
pub fn start() {
    let filter = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO);
    // Fails only if this process shows them already.
    let _ = tracing_subscriber::registry()
        .with(Notices(write_stderr).with_filter(filter))
        .try_init();
}

/// Writes each notice as a line.
struct Notices<W>(W);

impl<S: Subscriber, W: Fn(&str) + 'static> Layer<S> for Notices<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        (self.0)(&format!("{}{}\n", line.message, line.fields));
    }
}

/// The message, and the fields behind it as ` (name: value)`.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " ({name}: {value:?})"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_notice_is_its_message_and_its_fields_on_one_line() {
        let (written, lines) = mpsc::channel();
        let layer = Notices(move |line: &str| written.send(line.to_owned()).unwrap());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(user = "demo@pve", seconds = 12, "Waiting for the next one");
        });
        let line = "Waiting for the next one (user: demo@pve) (seconds: 12)\n";
        assert_eq!(lines.recv().unwrap(), line);
    }
}
