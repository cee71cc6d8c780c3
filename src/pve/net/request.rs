//! A request before it is sent, and the proof of its sender's identity.

use http::header::HeaderMap;
use http::{HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use crate::pve::error::failure::AuthFailure;
use crate::pve::error::request::{RequestInfo, RequestKind};
use crate::pve::id::{TokenId, UserId};
use crate::pve::net::endpoint::Endpoint;

/// The unreserved characters of RFC 3986 stay, all others are escaped: user names may hold
/// nearly any character (recordings `358-username-plus` to `369-username-question`).
pub(crate) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The longest response about one object, in bytes: a user with some ten thousand tokens.
const OBJECT: usize = 2 << 20;

/// The longest list, in bytes; the longest recorded one, all users with their tokens, has 110 kB.
const LIST: usize = 16 << 20;

/// One request before it is sent.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) kind: RequestKind,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) form: Option<String>,
    /// Whether it is sent without credentials, whatever the client has.
    pub(crate) anonymous: bool,
    /// Whether the path is below the endpoint itself, in place of its API.
    pub(crate) outside_api: bool,
    pub(crate) about: About,
    /// The longest accepted response, in bytes. It is held in memory.
    pub(crate) longest_response: usize,
}

/// The objects that a request names, by which a refusal is recognised as one of that token, user
/// or role.
#[derive(Clone, Default)]
pub(crate) struct About {
    pub(crate) token: Option<TokenId>,
    pub(crate) user: Option<UserId>,
    pub(crate) role: Option<String>,
}

impl Request {
    fn new<S: AsRef<str>>(kind: RequestKind, method: Method, segments: &[S]) -> Self {
        let path = segments
            .iter()
            .map(|segment| format!("/{}", utf8_percent_encode(segment.as_ref(), SEGMENT)))
            .collect();
        Self {
            kind,
            method,
            path,
            query: None,
            form: None,
            anonymous: false,
            outside_api: false,
            about: About::default(),
            longest_response: OBJECT,
        }
    }

    pub(crate) fn get<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(RequestKind::Read, Method::GET, segments)
    }

    pub(crate) fn post<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(RequestKind::Write, Method::POST, segments)
    }

    pub(crate) fn put<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(RequestKind::Write, Method::PUT, segments)
    }

    pub(crate) fn delete<S: AsRef<str>>(segments: &[S]) -> Self {
        Self::new(RequestKind::Write, Method::DELETE, segments)
    }

    /// The request of a browser for the host's page.
    pub(crate) fn front_page() -> Self {
        Self {
            outside_api: true,
            ..Self::get(&[""]).anonymous()
        }
    }

    /// The same request as another kind than its method suggests.
    pub(crate) fn kind(mut self, kind: RequestKind) -> Self {
        self.kind = kind;
        self
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

    /// A request for all objects of a kind, whose response is longer.
    pub(crate) fn list(mut self) -> Self {
        self.longest_response = LIST;
        self
    }

    /// Sent without credentials, whatever the client has.
    pub(crate) fn anonymous(mut self) -> Self {
        self.anonymous = true;
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

    /// Whether it may be sent again when its connection broke.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self.kind, RequestKind::Read | RequestKind::Probe)
    }

    /// Whether it may be sent again, to another node, when no response came.
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self.kind, RequestKind::Read | RequestKind::Login)
    }

    /// The request as errors show it.
    pub(crate) fn info(&self, endpoint: &Endpoint, tried: &[String]) -> RequestInfo {
        RequestInfo {
            kind: self.kind,
            method: self.method.clone(),
            endpoint: endpoint.to_string(),
            path: self.path.clone(),
            tried: tried.to_vec(),
        }
    }
}

/// The proof of the caller's identity on one request.
pub(crate) struct Proof {
    pub(crate) headers: HeaderMap,
    /// The credential that a refusal refuses.
    pub(crate) failure: AuthFailure,
    /// The user or token that the credential belongs to.
    pub(crate) identity: Option<String>,
    /// The number of the session's ticket, if it is one.
    pub(crate) ticket: Option<u64>,
}

impl Proof {
    /// No proof: the request is anonymous.
    pub(crate) fn none() -> Self {
        Self {
            headers: HeaderMap::new(),
            failure: AuthFailure::Nothing,
            identity: None,
            ticket: None,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        // Escaped text is always a valid header value, and CSRF tokens are base64.
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }
}
