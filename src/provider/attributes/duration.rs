//! Durations as a configuration has them: `30s`, `48h`, `90d`. A day is 24 hours.

use std::time::Duration;

use tf_provider::value::Value;

/// The longest duration that is taken: a hundred years of 365 days.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Reads a duration of whole seconds, one at least. The error says what the form should be.
pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|_| {
        "it must be a duration such as \"30s\", \"48h\" or \"90d\" (a day is 24 hours)".to_owned()
    })?;
    if duration < Duration::from_secs(1) || duration.subsec_nanos() != 0 {
        return Err("it must be a duration of whole seconds, one at least".to_owned());
    }
    if duration > LONGEST {
        return Err("it must not be longer than 36500d".to_owned());
    }
    Ok(duration)
}

/// The seconds of a known and well-formed duration.
pub fn seconds(value: &Value<String>) -> Option<i64> {
    let duration = parse(value.as_ref_option()?).ok()?;
    i64::try_from(duration.as_secs()).ok()
}

/// Whether two durations are equally long, however they are written.
pub fn same(one: &Value<String>, other: &Value<String>) -> bool {
    match (seconds(one), seconds(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.is_null() && other.is_null(),
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
        assert_eq!(seconds(&text("90d")), Some(90 * 24 * 60 * 60));
        assert!(same(&text("2d"), &text("48h")));
        assert!(!same(&text("2d"), &Value::Null));
    }

    #[test]
    fn what_is_no_usable_duration_is_refused_with_the_reason() {
        for (given, reason) in [
            ("", "such as"),
            ("soon", "such as"),
            ("-1d", "such as"),
            ("99999999999999999999d", "such as"),
            ("0s", "whole seconds"),
            ("1500ms", "whole seconds"),
            ("36501d", "36500d"),
        ] {
            assert!(parse(given).unwrap_err().contains(reason), "{given}");
        }
    }
}
