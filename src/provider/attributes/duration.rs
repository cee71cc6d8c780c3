//! Durations in a configuration: `30s`, `48h`, `90d`, `1d12h`. A day is 24 hours, a week 7 days.
//!
//! There are no months and no years: they have no fixed length, and `30M` is one slip from `30m`.

use std::time::Duration;

use tf_provider::value::Value;

/// The longest valid duration: a hundred years of 365 days.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The units and their seconds, the longest first.
const UNITS: [(char, u64); 5] = [
    ('w', 7 * 24 * 60 * 60),
    ('d', 24 * 60 * 60),
    ('h', 60 * 60),
    ('m', 60),
    ('s', 1),
];

/// Parses a duration of at least one second, in whole seconds. The error names the expected form.
pub fn parse(text: &str) -> Result<Duration, String> {
    let seconds = seconds(text).ok_or_else(|| {
        "it must be a duration with the units `s`, `m` (minutes), `h`, `d` and `w`, such as \
         \"30s\", \"48h\" or \"90d\" (a day is 24 hours); there are no months or years"
            .to_owned()
    })?;
    let duration = Duration::from_secs(seconds);
    if duration < Duration::from_secs(1) {
        return Err("it must be at least \"1s\"".to_owned());
    }
    if duration > LONGEST {
        return Err("it must be at most \"36500d\"".to_owned());
    }
    Ok(duration)
}

/// The seconds of a duration: whole numbers with units, each unit at most once and the longest
/// first. A number beyond all bounds is as long as possible.
fn seconds(text: &str) -> Option<u64> {
    let mut units = UNITS.into_iter();
    let (mut rest, mut sum) = (text, 0_u64);
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at(digits);
        if number.is_empty() {
            return None;
        }
        let mut characters = behind.chars();
        let unit = characters.next()?;
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        let number = number.parse().unwrap_or(u64::MAX);
        sum = sum.saturating_add(length.saturating_mul(number));
        rest = characters.as_str();
        if rest.is_empty() {
            return Some(sum);
        }
    }
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
    use proptest::{prop_assert, proptest};

    use super::*;

    fn text(text: &str) -> Value<String> {
        Value::Value(text.to_owned())
    }

    #[test]
    fn a_day_is_24_hours() {
        let days = Duration::from_secs(90 * 24 * 60 * 60);
        assert_eq!(known(&text("90d")), Some(days));
        assert!(same(&text("2d"), &text("48h")));
        assert!(same(&text("1d12h"), &text("36h")));
        assert!(same(&text("2w"), &text("14d")));
        assert!(!same(&text("2d"), &Value::Null));
    }

    proptest! {
        #[test]
        fn any_text_is_a_duration_within_the_bounds_or_refused(text in "[0-9]{0,25}[a-zA-Z]?.{0,9}") {
            if let Ok(duration) = parse(&text) {
                prop_assert!(duration >= Duration::from_secs(1) && duration <= LONGEST);
            }
        }
    }

    #[test]
    fn an_invalid_duration_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "such as"),
            ("soon", "such as"),
            ("-1d", "such as"),
            ("0s", "at least"),
            ("1500ms", "such as"),
            ("30M", "no months"),
            ("1y", "no months or years"),
            ("1month", "such as"),
            ("1.5h", "such as"),
            ("1d 12h", "such as"),
            ("12h1d", "such as"),
            ("1h1h", "such as"),
            ("90", "such as"),
            ("٣d", "such as"),
            ("36501d", "36500d"),
            ("99999999999999999999d", "36500d"),
            ("18446744073709551615w", "36500d"),
        ] {
            assert!(parse(text).unwrap_err().contains(reason), "{text}");
        }
    }
}
