//! Recordings of genuine hosts: the ones that the simulator is held to.

use std::path::PathBuf;

use serde_json::Value;

/// One recorded answer.
pub(crate) struct Recorded {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) body: String,
    json: bool,
}

/// The answer of one exchange of a case, such as `9.1.1/096-token-get-missing`, from 0.
pub(crate) fn recorded(case: &str, exchange: usize) -> Recorded {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/simulator/fixtures/transcripts")
        .join(format!("{case}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{case}: {error}"));
    let case: Value = serde_json::from_str(&text).unwrap();
    let response = &case["exchanges"][exchange]["response"];
    let mut words = response["status_line"]
        .as_str()
        .unwrap()
        .splitn(3, ' ')
        .skip(1);
    let status = words.next().unwrap().parse().unwrap();
    let headers = response["headers"].as_array().unwrap();
    Recorded {
        status,
        reason: words.next().unwrap_or_default().to_owned(),
        body: response["body"].as_str().unwrap_or_default().to_owned(),
        json: headers.iter().any(|header| header[0] == "Content-Type"),
    }
}

impl Recorded {
    /// The answer as it goes over the wire. Refusals close the connection, as the server does.
    pub(crate) fn wire(&self) -> Vec<u8> {
        let kind = if self.json {
            "Content-Type: application/json;charset=UTF-8\r\n"
        } else {
            ""
        };
        let connection = if self.status < 400 {
            "Keep-Alive"
        } else {
            "close"
        };
        let (status, reason, body) = (self.status, &self.reason, &self.body);
        format!("HTTP/1.1 {status} {reason}\r\nConnection: {connection}\r\nContent-Length: {}\r\n{kind}\r\n{body}", body.len())
            .into_bytes()
    }
}
