//! Decoding that takes a value in any of the forms in which the server gives it.
//!
//! POST and PUT echo what was sent as strings, unsent values are numbers, GET gives numbers
//! (recordings `005-token-create-privsep0-expire`, `094-token-get`), and lists may be maps,
//! arrays or `null`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A whole number as integer, float or string; `null` and the empty string are 0.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    to_integer(&value).ok_or_else(|| D::Error::custom("expected a whole number"))
}

/// A boolean as 0, 1, "0", "1", `true`, `false` or their spellings in configuration files.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    to_flag(&value).ok_or_else(|| D::Error::custom("expected 0 or 1"))
}

/// As [`flag`], for a field whose absence means something else than no.
pub(crate) fn optional_flag<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => to_flag(&value)
            .map(Some)
            .ok_or_else(|| D::Error::custom("expected 0 or 1")),
    }
}

/// A text that may be absent, `null` or a number; empty and blank count as absent.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(D::Error::custom("expected a text")),
    };
    Ok((!text.is_empty()).then_some(text))
}

/// A list of words as array, as one string with separators, or `null`.
pub(crate) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text
            .split([',', ';', ' '])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()),
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::String(word) => Ok(word),
                _ => Err(D::Error::custom("expected a list of texts")),
            })
            .collect(),
        _ => Err(D::Error::custom("expected a list of texts")),
    }
}

fn to_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Null => Some(0),
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) if text.trim().is_empty() => Some(0),
        Value::String(text) => text
            .trim()
            .parse()
            .ok()
            .or_else(|| whole(text.trim().parse().ok()?)),
        _ => None,
    }
}

/// Exact up to 2^53, far beyond any time or size that the server reports.
#[allow(clippy::cast_possible_truncation)]
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.abs() <= EXACT).then_some(number as i64)
}

pub(crate) fn to_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Null => Some(false),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" | "" => Some(false),
            _ => None,
        },
        other => to_integer(other).map(|number| number != 0),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    #[derive(Debug, Deserialize, PartialEq)]
    struct Sample {
        #[serde(default, deserialize_with = "super::integer")]
        expire: i64,
        #[serde(default, deserialize_with = "super::flag")]
        privsep: bool,
        #[serde(default, deserialize_with = "super::text")]
        comment: Option<String>,
        #[serde(default, deserialize_with = "super::words")]
        groups: Vec<String>,
    }

    fn read(value: Value) -> Option<Sample> {
        serde_json::from_value(value).ok()
    }

    #[test]
    fn numbers_come_as_integers_floats_and_strings() {
        for expire in [
            json!(1_798_049_626),
            json!("1798049626"),
            json!(1_798_049_626.0),
            json!(" 1798049626 "),
        ] {
            assert_eq!(
                read(json!({ "expire": expire })).unwrap().expire,
                1_798_049_626
            );
        }
        for expire in [json!(null), json!(""), json!("0")] {
            assert_eq!(read(json!({ "expire": expire })).unwrap().expire, 0);
        }
        for expire in [json!("soon"), json!([1]), json!(1e300)] {
            assert_eq!(read(json!({ "expire": expire })), None);
        }
    }

    #[test]
    fn booleans_come_as_numbers_strings_and_booleans() {
        for privsep in [json!(1), json!("1"), json!(true), json!("true"), json!(1.0)] {
            assert!(read(json!({ "privsep": privsep })).unwrap().privsep);
        }
        for privsep in [json!(0), json!("0"), json!(false), json!(""), json!(null)] {
            assert!(!read(json!({ "privsep": privsep })).unwrap().privsep);
        }
        assert_eq!(read(json!({ "privsep": "perhaps" })), None);
    }

    #[test]
    fn an_empty_text_is_no_text() {
        assert_eq!(read(json!({ "comment": " " })).unwrap().comment, None);
        assert_eq!(
            read(json!({ "comment": 7 })).unwrap().comment,
            Some("7".into())
        );
        assert_eq!(read(json!({ "unknown": [] })).unwrap().comment, None);
    }

    #[test]
    fn groups_come_as_a_list_and_as_one_string() {
        assert_eq!(
            read(json!({ "groups": ["a", "b"] })).unwrap().groups,
            ["a", "b"]
        );
        assert_eq!(read(json!({ "groups": "a,b" })).unwrap().groups, ["a", "b"]);
        assert!(read(json!({ "groups": "" })).unwrap().groups.is_empty());
        assert!(read(json!({ "groups": null })).unwrap().groups.is_empty());
    }
}
