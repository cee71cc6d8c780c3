//! Text that comes from the network: made harmless for a terminal before anything keeps it.
//!
//! A server, a gateway, or the holder of an untrusted certificate chooses this text, and messages
//! quote it. Control characters, marks that reorder or hide text, and secrets that the client has
//! sent itself never pass, and the length is bounded.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Deserializer};

use crate::printable::{escape, is_unsafe};
use crate::pve::secret::Secret;

/// The most characters of one text that are kept.
const LONGEST: usize = 1000;

/// Shorter values are no secrets, and replacing them would garble the text.
const SHORTEST_SECRET: usize = 5;

/// The text that stands in for a secret.
const REPLACEMENT: &str = "(secret)";

/// The text on one line, with invisible and control characters escaped, and cut to a length.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (index, character) in text.trim().chars().enumerate() {
        if index == LONGEST {
            shown.push('…');
            break;
        }
        match character {
            '\n' | '\r' | '\t' => shown.push(' '),
            unsafe_one if is_unsafe(unsafe_one) => shown.push_str(&escape(unsafe_one)),
            plain => shown.push(plain),
        }
    }
    shown
}

/// A text of a response that messages quote, in the same form.
pub(crate) fn shown_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| shown(&text))
}

/// The secrets of one request, which its response may reflect. It has no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct SentSecrets(Vec<Secret>);

impl SentSecrets {
    /// Adds a value that was sent.
    pub(crate) fn add(&mut self, value: &str) {
        self.0.push(Secret::new(value.to_owned()));
    }

    /// The text as [`shown`], without these secrets.
    pub(crate) fn shown(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for form in self.forms() {
            clean = clean.replace(form.expose(), REPLACEMENT);
        }
        shown(&clean)
    }

    /// Each form in which a response may repeat a secret, the longest first: a shorter form can be
    /// a part of it.
    fn forms(&self) -> Vec<Secret> {
        let all = self.0.iter().flat_map(|secret| forms(secret.expose()));
        let mut forms: Vec<Secret> = all
            .filter(|form| form.trim_end_matches('=').len() >= SHORTEST_SECRET)
            .map(Secret::new)
            .collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.expose().len()));
        forms
    }
}

/// A value as it was sent, decoded, and in every usual encoding.
fn forms(value: &str) -> impl Iterator<Item = String> {
    let decoded = percent_decode_str(value).decode_utf8_lossy();
    let escaped = serde_json::to_string(&decoded).unwrap_or_default();
    let forms = [
        value.to_owned(),
        utf8_percent_encode(&decoded, NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(decoded.as_bytes()).collect(),
        escaped.trim_matches('"').to_owned(),
        decoded.clone().into_owned(),
    ];
    let encoded: Vec<String> = base64(decoded.as_bytes()).collect();
    forms.into_iter().chain(encoded)
}

/// Base64, for wherever the value begins in a longer text that was encoded as a whole: the groups
/// of three bytes that lie within the value.
fn base64(bytes: &[u8]) -> impl Iterator<Item = String> {
    (0..3).flat_map(|begun| {
        let (whole, _) = bytes.get(begun..).unwrap_or_default().as_chunks::<3>();
        [STANDARD, URL_SAFE].map(|alphabet| alphabet.encode(whole.as_flattened()))
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::{LONGEST, REPLACEMENT, SentSecrets, shown};

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        assert_eq!(shown("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        for hidden in ["\u{9b}", "\u{202e}", "\u{200b}", "\u{feff}", "\u{7f}", "\0"] {
            let text = shown(&format!("a{hidden}b"));
            assert!(!text.contains(hidden) && text.contains("\\u{"), "{text}");
        }
        assert_eq!(shown(" first\nsecond\t- ü 名 "), "first second - ü 名");
    }

    #[test]
    fn the_length_is_bounded() {
        assert_eq!(shown(&"x".repeat(1 << 20)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn secrets_that_were_sent_are_replaced_in_every_form() {
        let mut secrets = SentSecrets::default();
        secrets.add("s3cr\"t/+ü!x");
        let percent = "s3cr%22t%2F%2B%C3%BC%21x";
        for reflected in [
            "s3cr\"t/+ü!x",
            percent,
            "s3cr\\\"t/+ü!x",
            "czNjciJ0LyvDvCF4",
        ] {
            let text = secrets.shown(&format!("got <{reflected}>"));
            assert!(!text.contains("3cr") && !text.contains("czNj"), "{text}");
        }
    }

    #[test]
    fn a_secret_within_base64_of_a_longer_text_is_replaced() {
        let (mut secrets, secret) = (SentSecrets::default(), "573e8a06-e698-427c??>>");
        secrets.add(secret);
        for before in [
            "",
            "x",
            "xy",
            "root@pam!ci:",
            "Authorization: PVEAPIToken=a@pve!b=",
        ] {
            for alphabet in [STANDARD, URL_SAFE] {
                let text = secrets.shown(&alphabet.encode(format!("{before}{secret} and more")));
                assert!(text.contains(REPLACEMENT), "{before}: {text}");
                // Of the groups at its ends, two bytes at each.
                let (start, end) = text.split_once(REPLACEMENT).unwrap();
                let (start, end) = (decoded(start), decoded(end));
                assert!(start.len() <= before.len() + 2, "{before}: {text}");
                assert!(end.len() <= " and more".len() + 2, "{before}: {text}");
            }
        }
    }

    fn decoded(part: &str) -> Vec<u8> {
        let whole = &part[..part.len() / 4 * 4];
        URL_SAFE
            .decode(whole.replace('+', "-").replace('/', "_"))
            .unwrap()
    }

    #[test]
    fn a_value_too_short_to_be_a_secret_garbles_nothing() {
        let mut secrets = SentSecrets::default();
        secrets.add("a");
        assert_eq!(secrets.shown("a banana"), "a banana");
    }
}
