//! Text that a terminal only shows: what a terminal would act on is escaped.
//!
//! Messages quote names that other people chose: users, roles, nodes, the holder of a certificate.

use std::borrow::Cow;

/// The text with control characters, marks of direction and characters without width in the form
/// `\u{9b}`. Line breaks and tabs stay.
pub(crate) fn escaped(text: Cow<'_, str>) -> Cow<'_, str> {
    let acts = |character| !matches!(character, '\n' | '\t') && is_unsafe(character);
    if !text.contains(acts) {
        return text;
    }
    let shown = text.chars().map(|character| match acts(character) {
        true => escape(character),
        false => character.to_string(),
    });
    shown.collect()
}

/// A character by its number.
pub(crate) fn escape(character: char) -> String {
    format!("\\u{{{:x}}}", u32::from(character))
}

/// Whether a terminal acts on a character, or shows nothing for it.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        for (raw, shown) in [
            ("a\u{1b}[31mb\rc", "a\\u{1b}[31mb\\u{d}c"),
            ("x\u{202e}y\u{9b}z\u{7f}", "x\\u{202e}y\\u{9b}z\\u{7f}"),
            ("line\n\tindented ü 名", "line\n\tindented ü 名"),
        ] {
            assert_eq!(escaped(raw.into()), shown);
        }
    }
}
