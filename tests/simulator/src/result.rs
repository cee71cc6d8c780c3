//! What a call comes to: data, or a failure in the server's two kinds.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::version::Version;

/// A refused or failed call.
///
/// The server knows two kinds: a plain `die` with a text, always status 500, and an exception
/// that carries a status of its own and possibly one text for each parameter. Through
/// `/api2/extjs` the status of an exception is a string and that of a `die` a number
/// (037-token-create-duplicate-extjs, 097-token-get-missing-extjs).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) errors: BTreeMap<String, String>,
    pub(crate) exception: bool,
}

/// The first line of every parameter fault.
const PARAMETERS: &str = "Parameter verification failed.\n";

impl Failure {
    /// A plain `die`: status 500 with this text (which brings its own newline).
    pub(crate) fn die(message: impl Into<String>) -> Self {
        Self {
            status: 500,
            message: message.into(),
            errors: BTreeMap::new(),
            exception: false,
        }
    }

    /// An exception with a status of its own.
    pub(crate) fn exception(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: BTreeMap::new(),
            exception: true,
        }
    }

    /// There is no such method; unlike all others this text has no newline
    /// (400-unknown-path).
    pub(crate) fn not_implemented(call: &str) -> Self {
        let mut failure = Self::die(format!("Method '{call}' not implemented"));
        failure.status = 501;
        failure
    }

    /// A parameter fault.
    pub(crate) fn parameters(errors: BTreeMap<String, String>) -> Self {
        Self {
            status: 400,
            message: PARAMETERS.into(),
            errors,
            exception: true,
        }
    }

    /// A fault of one parameter.
    pub(crate) fn parameter(name: &str, text: impl Into<String>) -> Self {
        Self::parameters(BTreeMap::from([(name.to_owned(), text.into())]))
    }

    /// A missing permission; `what` is `path, privilege`, or nothing.
    pub(crate) fn permission(what: &str) -> Self {
        let message = if what.is_empty() {
            "Permission check failed\n".to_owned()
        } else {
            format!("Permission check failed ({what})\n")
        };
        Self::exception(403, message)
    }

    /// The failure as text, as it looks inside the text of another one
    /// (125-token-update-delete-privsep).
    pub(crate) fn stringify(&self) -> String {
        if !self.exception {
            return self.message.clone();
        }
        let mut text = format!("{} {}", self.status, self.message);
        for (name, error) in &self.errors {
            text.push_str(&format!("{name}: {error}\n"));
        }
        text
    }
}

/// The output formats of `/api2/<format>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    ExtJs,
}

/// The status line's status and reason, and the body, of an answered call.
pub(crate) struct Rendered {
    pub(crate) status: u16,
    pub(crate) reason: Option<String>,
    pub(crate) body: Value,
}

/// What a call that succeeded returns.
pub(crate) struct Data {
    pub(crate) data: Value,
    /// How many entries there are, when the data has a page of them.
    pub(crate) total: Option<usize>,
}

/// Puts the result of a call into the form the format wants.
pub(crate) fn render(format: Format, version: Version, result: Result<Data, Failure>) -> Rendered {
    let mut body = Map::new();
    let failure = match result {
        Ok(Data { data, total }) => {
            body.insert("data".into(), data);
            if let Some(total) = total {
                body.insert("total".into(), json!(total));
            }
            if format == Format::ExtJs {
                body.insert("success".into(), json!(1));
            }
            return Rendered {
                status: 200,
                reason: None,
                body: Value::Object(body),
            };
        }
        Err(failure) => failure,
    };
    body.insert("data".into(), Value::Null);
    if !failure.errors.is_empty() {
        body.insert("errors".into(), json!(failure.errors));
    }
    if format == Format::ExtJs {
        let status = if failure.exception {
            json!(failure.status.to_string())
        } else {
            json!(failure.status)
        };
        body.insert("success".into(), json!(0));
        body.insert("message".into(), json!(failure.message));
        body.insert("status".into(), status);
        return Rendered {
            status: 200,
            reason: None,
            body: Value::Object(body),
        };
    }
    if version.error_bodies() {
        body.insert("message".into(), json!(failure.message));
    }
    Rendered {
        status: failure.status,
        reason: Some(failure.message),
        body: Value::Object(body),
    }
}
