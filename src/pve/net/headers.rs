//! Additional headers, for a gateway in front of Proxmox VE that requires them.

use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Headers that the client, HTTP itself or Proxmox VE gives a meaning to.
const RESERVED: [&str; 18] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "csrfpreventiontoken",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Why a header cannot be sent. Its value is never quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Spaces, colons, nothing at all.
    #[error("{0:?} is no name of a header")]
    Name(String),
    /// Line breaks and other control characters, or letters beyond ASCII.
    #[error("the value of {0} holds characters that a header cannot carry")]
    Value(String),
    /// The client sets this header itself.
    #[error("{0} is set by the client itself and cannot be overridden")]
    Reserved(String),
    /// Once is enough: names do not differ by capitals.
    #[error("{0} is there twice")]
    Twice(String),
}

/// Headers that go with every request. Their values are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtraHeaders(HeaderMap);

impl ExtraHeaders {
    /// Adds a header.
    ///
    /// # Errors
    /// See [`HeaderError`].
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let shown: String = name.chars().take(40).collect();
        let Ok(parsed) = name.parse::<HeaderName>() else {
            return Err(HeaderError::Name(shown));
        };
        if RESERVED.contains(&parsed.as_str()) {
            return Err(HeaderError::Reserved(shown));
        }
        // `HeaderValue` would accept bytes beyond ASCII, whose meaning is not defined.
        let value = HeaderValue::from_str(value).ok();
        let Some(mut value) = value.filter(|value| value.to_str().is_ok()) else {
            return Err(HeaderError::Value(shown));
        };
        value.set_sensitive(true);
        match self.0.insert(parsed, value) {
            Some(_) => Err(HeaderError::Twice(shown)),
            None => Ok(()),
        }
    }

    pub(crate) fn map(&self) -> &HeaderMap {
        &self.0
    }
}

impl fmt::Debug for ExtraHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{ExtraHeaders, HeaderError};

    #[test]
    fn what_the_client_says_itself_cannot_be_overridden() {
        let mut headers = ExtraHeaders::default();
        for name in [
            "Authorization",
            "cookie",
            "HOST",
            "Content-Length",
            "CSRFPreventionToken",
        ] {
            let refused = headers.add(name, "s3cr3t").unwrap_err();
            assert_eq!(refused, HeaderError::Reserved(name.to_owned()));
        }
    }

    #[test]
    fn what_is_no_header_is_refused_and_its_value_never_shown() {
        let mut headers = ExtraHeaders::default();
        for (name, value) in [
            ("", "s3cr3t"),
            ("a b", "s3cr3t"),
            ("a:", "s3cr3t"),
            ("X-A", "s3cr3t\r\nCookie: x"),
            ("X-A", "s3cr3t\u{fc}"),
        ] {
            let refused = headers.add(name, value).unwrap_err();
            assert!(
                !format!("{refused} {refused:?}").contains("s3cr3t"),
                "{refused}"
            );
        }
        assert_eq!(headers.add("X-A", "s3cr3t"), Ok(()));
        assert_eq!(
            headers.add("x-a", "1"),
            Err(HeaderError::Twice("x-a".to_owned()))
        );
        assert!(!format!("{headers:?}").contains("s3cr3t"));
    }
}
