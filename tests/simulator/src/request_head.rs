//! The head of a request: its line and headers, as the server's own parser reads them.

use crate::params::{bytes, latin1, unescape};

/// The most lines a head may have.
const MAX_LINES: usize = 64;
/// The most bytes of headers.
const MAX_BYTES: usize = 8 * 1024;

/// A request's first line.
#[derive(Debug, Clone)]
pub(crate) struct RequestLine {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) minor: u8,
}

/// Why a first line is refused.
#[derive(Debug, PartialEq)]
pub(crate) enum BadLine {
    NotHttp,
    Version(String),
    Url,
}

impl RequestLine {
    pub(crate) fn parse(line: &[u8]) -> Result<Self, BadLine> {
        let line = latin1(line);
        let mut parts = line.split(' ').filter(|part| !part.is_empty());
        let (Some(method), Some(target), Some(protocol)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(BadLine::NotHttp);
        };
        let version = protocol
            .strip_prefix("HTTP/")
            .and_then(|version| version.split_once('.'));
        let Some((major, minor)) = version else {
            return Err(BadLine::NotHttp);
        };
        let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
        if major != "1" {
            return Err(BadLine::Version(format!("{major}.{minor}")));
        }
        if target
            .split('/')
            .next()
            .is_some_and(|authority| authority.contains('@'))
        {
            return Err(BadLine::Url);
        }
        Ok(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            minor: minor.parse().unwrap_or(1),
        })
    }

    /// The path, decoded. What follows two slashes is an authority, not a path
    /// (406-outside-api).
    pub(crate) fn path(&self) -> String {
        let target = self.target.split(['?', '#']).next().unwrap_or_default();
        let after_scheme = target.split_once("://").map(|(_, rest)| rest);
        let path = match after_scheme.or_else(|| target.strip_prefix("//")) {
            Some(rest) => rest
                .find('/')
                .and_then(|at| rest.get(at..))
                .unwrap_or_default(),
            None => target,
        };
        latin1(&unescape(&bytes(path)))
    }

    /// The query as it was sent.
    pub(crate) fn query(&self) -> Option<&str> {
        let target = self.target.split('#').next().unwrap_or_default();
        target.split_once('?').map(|(_, query)| query)
    }
}

/// The headers.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    fields: Vec<(String, String)>,
    lines: usize,
    bytes: usize,
}

/// What a line of the head was.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    Header,
    /// The empty line after the last header.
    End,
    /// Too many lines or bytes; the server forgets to answer (420-header-too-large).
    TooLarge,
    Unreadable,
}

impl Headers {
    /// The names, in lower case.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self
            .fields
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase());
        names.collect()
    }

    pub(crate) fn push(&mut self, line: &[u8]) -> Line {
        self.lines += 1;
        self.bytes += line.len();
        if self.lines >= MAX_LINES || self.bytes >= MAX_BYTES {
            return Line::TooLarge;
        }
        if line.is_empty() {
            return Line::End;
        }
        let line = latin1(line);
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = self.fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim_start());
            }
            return Line::Header;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Line::Unreadable;
        };
        let name = name.trim_end();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Line::Unreadable;
        }
        self.fields
            .push((name.to_owned(), value.trim_start().to_owned()));
        Line::Header
    }

    /// A header's value; several of one name are joined by a comma (220-auth-two-headers).
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .fields
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

/// The media type of a `Content-Type`, without its parameters.
pub(crate) fn media_type(content_type: &str) -> &str {
    content_type
        .split([';', ','])
        .next()
        .unwrap_or_default()
        .trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_decoded_and_an_authority_dropped() {
        let path = |target: &str| {
            RequestLine::parse(format!("GET {target} HTTP/1.1").as_bytes())
                .unwrap()
                .path()
        };
        assert_eq!(
            path("/api2/json/access/users/demo%40pve?x=/y"),
            "/api2/json/access/users/demo@pve"
        );
        assert_eq!(path("//nosuch"), "");
        assert_eq!(path("https://pve1:8006/version"), "/version");
    }

    #[test]
    fn odd_request_lines_are_told_apart() {
        let fault = |line: &str| RequestLine::parse(line.as_bytes()).unwrap_err();
        assert_eq!(fault("hello"), BadLine::NotHttp);
        assert_eq!(fault("GET / HTTP/2.0"), BadLine::Version("2.0".into()));
        assert_eq!(fault("GET user@host/ HTTP/1.1"), BadLine::Url);
    }

    #[test]
    fn headers_of_one_name_are_joined() {
        let mut headers = Headers::default();
        assert_eq!(headers.push(b"Authorization: a"), Line::Header);
        assert_eq!(headers.push(b"authorization: b"), Line::Header);
        assert_eq!(headers.get("Authorization").as_deref(), Some("a, b"));
        assert_eq!(headers.push(b"no colon"), Line::Unreadable);
        assert_eq!(headers.push(&[b'x'; 9000]), Line::TooLarge);
    }
}
