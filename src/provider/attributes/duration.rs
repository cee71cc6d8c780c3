//! Durations in a configuration: `30s`, `48h`, `90d`. A day is 24 hours.

use std::time::Duration;

use tf_provider::value::Value;

/// The longest valid duration: a hundred years of 365 days.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Parses a duration of at least one second, in whole seconds. The error names the expected form.
pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|_| {
        "it must be a duration such as \"30s\", \"48h\" or \"90d\" (a day is 24 hours)".to_owned()
    })?;
    if duration < Duration::from_secs(1) || duration.subsec_nanos() != 0 {
        return Err("it must be a whole number of seconds, at least \"1s\"".to_owned());
    }
    if duration > LONGEST {
        return Err("it must be at most \"36500d\"".to_owned());
    }
    Ok(duration)
}

/// The duration, where it is known and well-formed.
pub fn known(value: &Value<String>) -> Option<Duration> {
    parse(value.as_ref_option()?).ok()
}

/// Whether two durations are equally long, in whatever spelling.
pub fn same(left: &Value<String>, right: &Value<String>) -> bool {
    match (known(left), known(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left.is_null() && right.is_null(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    #[test]
    fn a_day_is_24_hours() {
        let days = Duration::from_secs(90 * 24 * 60 * 60);
        assert_eq!(known(&text("90d")), Some(days));
        assert!(same(&text("2d"), &text("48h")));
        assert!(!same(&text("2d"), &Value::Null));
    }

    #[test]
    fn an_invalid_duration_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "such as"),
            ("soon", "such as"),
            ("-1d", "such as"),
            ("99999999999999999999d", "such as"),
            ("0s", "whole number of seconds"),
            ("1500ms", "whole number of seconds"),
            ("36501d", "36500d"),
        ] {
            assert!(parse(text).unwrap_err().contains(reason), "{text}");
        }
    }
}
