//! JSON as the server's parser reads it, with that parser's error texts.

use serde_json::Value;

/// Parses a body.
///
/// # Errors
/// The parser's own words, with the place where it stopped (381-json-create-malformed).
pub(crate) fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|_| {
        let (text, at) = Scanner { body, at: 0 }.fault();
        let rest = String::from_utf8_lossy(body.get(at..).unwrap_or_default()).into_owned();
        let rest = match rest.char_indices().nth(20) {
            _ if rest.is_empty() => "(end of string)".to_owned(),
            Some((cut, _)) => format!("{}...", &rest[..cut]),
            None => rest,
        };
        format!("{text}, at character offset {at} (before \"{rest}\")")
    })
}

const NO_VALUE: &str = "malformed JSON string, neither tag, array, object, number, string or atom";

/// Finds where and why a text is not JSON.
struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
}

type Fault = (&'static str, usize);

impl Scanner<'_> {
    fn fault(mut self) -> Fault {
        if let Err(fault) = self.value(0) {
            return fault;
        }
        self.space();
        ("garbage after JSON object", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn space(&mut self) {
        while self
            .peek()
            .is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
        {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        self.space();
        if depth > 100 {
            return Err((
                "json text or perl structure exceeds maximum nesting level",
                self.at,
            ));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => {
                while self
                    .peek()
                    .is_some_and(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
                {
                    self.at += 1;
                }
                Ok(())
            }
            _ => self.atom(),
        }
    }

    fn atom(&mut self) -> Result<(), Fault> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        for (word, fault) in [
            ("true", "'true' expected"),
            ("false", "'false' expected"),
            ("null", "'null' expected"),
        ] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(());
            }
            if rest.first() == word.as_bytes().first() {
                return Err((fault, self.at));
            }
        }
        Err((NO_VALUE, self.at))
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.at += 1,
                0..0x20 => {
                    return Err((
                        "invalid character 0x0A encountered while parsing JSON string",
                        self.at - 1,
                    ));
                }
                _ => {}
            }
        }
        Err((
            "unexpected end of string while parsing JSON string",
            self.body.len(),
        ))
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        self.at += 1;
        self.space();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.space();
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err((", or ] expected while parsing array", self.at));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Fault> {
        self.at += 1;
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err((
                    "malformed JSON string, neither array, object, number, string or atom",
                    self.at,
                ));
            }
            self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(("':' expected", self.at));
            }
            self.value(depth + 1)?;
            self.space();
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err((", or } expected while parsing object/hash", self.at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_offset() {
        let fault = parse(br#"{"comment":"#).unwrap_err();
        assert_eq!(
            fault,
            "malformed JSON string, neither tag, array, object, number, string or atom, \
             at character offset 11 (before \"(end of string)\")"
        );
        assert!(parse(b"").unwrap_err().contains("offset 0"));
        assert!(
            parse(b"{} x")
                .unwrap_err()
                .starts_with("garbage after JSON object, at character offset 3")
        );
    }
}
