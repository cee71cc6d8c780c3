//! A request before it is sent, and the content of its answer.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use url::form_urlencoded;

use crate::pve::error::Error;
use crate::pve::error::response::RequestInfo;
use crate::pve::id::{TokenId, UserId};
use crate::pve::tls::certificate::Fingerprint;

/// What RFC 3986 calls unreserved stays, all else is escaped: user names may hold nearly
/// anything (recordings `358-username-plus` to `369-username-question`).
pub(crate) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One request before it is sent.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) form: Option<String>,
    pub(crate) anonymous: bool,
    /// Whether the path is below the endpoint itself, in place of its API.
    pub(crate) outside_api: bool,
    /// Whether nothing can come of it, whatever its method.
    pub(crate) harmless: bool,
    repeatable: bool,
    pub(crate) about: About,
}

/// What a request is about, so that a refusal can be told as one of that token, user or role.
#[derive(Clone, Default)]
pub(crate) struct About {
    pub(crate) token: Option<TokenId>,
    pub(crate) user: Option<UserId>,
    pub(crate) role: Option<String>,
}

impl Ask {
    pub(crate) fn new<S: AsRef<str>>(method: Method, segments: &[S]) -> Self {
        let is_read = method == Method::GET;
        let path = segments
            .iter()
            .map(|segment| format!("/{}", utf8_percent_encode(segment.as_ref(), SEGMENT)))
            .collect();
        Self {
            method,
            path,
            query: None,
            form: None,
            anonymous: false,
            outside_api: false,
            harmless: false,
            repeatable: is_read,
            about: About::default(),
        }
    }

    pub(crate) fn get<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(Method::GET, segments)
    }

    pub(crate) fn post<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(Method::POST, segments)
    }

    pub(crate) fn put<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(Method::PUT, segments)
    }

    pub(crate) fn delete<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    /// For the page that browsers get.
    pub(crate) fn front_page() -> Self {
        let mut ask = Self::get(&[""]).anonymous();
        ask.outside_api = true;
        ask
    }

    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.query = Some(
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish(),
        );
        self
    }

    pub(crate) fn form<V: AsRef<str>>(mut self, pairs: &[(&str, V)]) -> Self {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(pairs.iter().map(|(name, value)| (name, value.as_ref())));
        self.form = Some(body.finish());
        self
    }

    /// Sent without credentials, whatever the client has.
    pub(crate) fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// A request with which the server finds fault before it does anything: it needs no turn, and
    /// what was read stays true.
    pub(crate) fn harmless(mut self) -> Self {
        self.harmless = true;
        self
    }

    /// May be sent twice without harm, although it is no read.
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    pub(crate) fn about_token(mut self, token: &TokenId) -> Self {
        self.about.token = Some(token.clone());
        self.about.user = Some(token.user.clone());
        self
    }

    pub(crate) fn about_user(mut self, user: &UserId) -> Self {
        self.about.user = Some(user.clone());
        self
    }

    pub(crate) fn about_role(mut self, role: &str) -> Self {
        self.about.role = Some(role.to_owned());
        self
    }

    pub(crate) fn is_read(&self) -> bool {
        self.harmless || self.method == Method::GET
    }

    pub(crate) fn is_repeatable(&self) -> bool {
        self.repeatable
    }
}

/// A successful answer. It may hold a secret, hence no `Debug`.
pub(crate) struct Reply {
    pub(crate) request: RequestInfo,
    pub(crate) data: Value,
    /// The server's clock, or this machine's where the server sent no date.
    pub(crate) server_time: OffsetDateTime,
    /// The certificate that the server presented on this connection.
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl Reply {
    /// The content as `T`.
    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.decode_with(Ok)
    }

    /// The content as `T`, turned into something that `read` may find fault with.
    pub(crate) fn decode_with<T: DeserializeOwned, U>(
        self,
        read: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<U, Error> {
        // In a sentence of our own: serde's quotes offending values, which may be secret.
        let content = serde_json::from_value(self.data)
            .map_err(|_| "its content does not have the documented form".to_owned());
        content.and_then(read).map_err(|detail| Error::Decode {
            request: Box::new(self.request),
            detail,
        })
    }
}
