//! Parameters: how they arrive, and how the server decodes them.

use std::collections::BTreeMap;

use crate::json;

/// The value of a parameter, as Perl sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Param {
    /// Given without a value, or JSON `null`: counts as not given.
    Undefined,
    Text(String),
    /// A JSON `true` or `false`.
    Boolean(bool),
    /// Given more than once, or a JSON array.
    List(Vec<Param>),
    /// A JSON object.
    Hash,
}

impl Param {
    /// The value as text, where it has one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Boolean(true) => Some("1"),
            Self::Boolean(false) => Some("0"),
            Self::Undefined | Self::List(_) | Self::Hash => None,
        }
    }
}

/// Parameters by name.
pub(crate) type Params = BTreeMap<String, Param>;

/// Bytes as Perl holds them before any decoding: one character for each byte.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// The bytes behind such characters.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

/// Resolves `%XX`; anything else stays as it is.
pub(crate) fn unescape(text: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(text).collect()
}

/// Decodes a form body or query: `&` and `;` separate, names stay bytes, values are UTF-8
/// (024-token-create-comment-semicolon-raw, 023-token-create-comment-invalid-utf8).
pub(crate) fn decode_form(data: &[u8]) -> Params {
    let mut params = Params::new();
    for pair in data
        .split(|byte| matches!(byte, b'&' | b';'))
        .filter(|pair| !pair.is_empty())
    {
        let mut parts = pair.split(|&byte| byte == b'=');
        let plus = |part: &[u8]| -> Vec<u8> {
            unescape(
                &part
                    .iter()
                    .map(|&b| if b == b'+' { b' ' } else { b })
                    .collect::<Vec<_>>(),
            )
        };
        let name = latin1(&plus(parts.next().unwrap_or_default()));
        // Only what stands between the first and the second `=` is taken.
        let Some(value) = parts.next() else {
            params.insert(name, Param::Undefined);
            continue;
        };
        let value = Param::Text(String::from_utf8_lossy(&plus(value)).into_owned());
        match params.get_mut(&name) {
            Some(Param::List(list)) => list.push(value),
            Some(old @ Param::Text(_)) => *old = Param::List(vec![old.clone(), value]),
            _ => {
                params.insert(name, value);
            }
        }
    }
    params
}

/// Decodes a JSON body.
///
/// # Errors
/// The text of the error the server dies with: the body is then answered by a bare 500.
pub(crate) fn decode_json(body: &[u8]) -> Result<Params, String> {
    const PLACE: &str = " at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line";
    let value = json::parse(body).map_err(|text| format!("{text}{PLACE} 934.\n"))?;
    match value {
        serde_json::Value::Object(map) => Ok(map
            .into_iter()
            .map(|(name, value)| (name, from_json(value)))
            .collect()),
        serde_json::Value::Null => Ok(Params::new()),
        serde_json::Value::Array(_) => Err(format!(
            "Not a HASH reference{PLACE} 978, <DATA> line 960.\n"
        )),
        scalar => {
            let text = match scalar {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            Err(format!(
                "Can't use string (\"{text}\") as a HASH ref while \"strict refs\" in use{PLACE} 978, <DATA> line 960.\n"
            ))
        }
    }
}

fn from_json(value: serde_json::Value) -> Param {
    match value {
        serde_json::Value::Null => Param::Undefined,
        serde_json::Value::Bool(value) => Param::Boolean(value),
        serde_json::Value::String(text) => Param::Text(text),
        serde_json::Value::Number(number) => Param::Text(perl_number(&number)),
        serde_json::Value::Array(items) => Param::List(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(_) => Param::Hash,
    }
}

/// A number as Perl prints it: fifteen significant digits (379-json-create-float).
fn perl_number(number: &serde_json::Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    if float.fract() == 0.0 && float.abs() < 1e15 {
        return format!("{float:.0}");
    }
    let text = format!("{float:.14e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-5..15).contains(&exponent) {
        let places = usize::try_from(14 - exponent).unwrap_or(0);
        let plain = format!("{float:.places$}");
        return plain.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Param {
        Param::Text(text.into())
    }

    #[test]
    fn a_form_is_split_at_ampersands_and_semicolons() {
        let params = decode_form(b"comment=a;b=c&d=%C3%BC+x&e");
        assert_eq!(params.get("comment"), Some(&text("a")));
        assert_eq!(params.get("b"), Some(&text("c")));
        assert_eq!(params.get("d"), Some(&text("ü x")));
        assert_eq!(params.get("e"), Some(&Param::Undefined));
    }

    #[test]
    fn a_parameter_given_twice_is_a_list() {
        let params = decode_form(b"comment=a&comment=b");
        assert_eq!(
            params.get("comment"),
            Some(&Param::List(vec![text("a"), text("b")]))
        );
    }

    #[test]
    fn json_numbers_arrive_as_perl_prints_them() {
        let params = decode_json(br#"{"a":2.0e9,"b":1.5,"c":7,"d":1e20}"#).unwrap();
        let seen: Vec<_> = params.values().filter_map(Param::text).collect();
        assert_eq!(seen, ["2000000000", "1.5", "7", "1e+20"]);
    }
}
