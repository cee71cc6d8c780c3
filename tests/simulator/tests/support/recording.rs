//! The recordings, as they stand in the folder.

use std::path::{Path, PathBuf};

use base64::Engine;
use percent_encoding::percent_decode_str;
use proxmox_simulator::Version;
use serde_json::Value;

use super::identity::ticket_of;

/// The recordings of one server version.
pub struct Folder {
    pub name: String,
    pub version: Version,
    pub cases: Vec<Case>,
}

/// One recorded case.
pub struct Case {
    pub name: String,
    pub exchanges: Vec<Exchange>,
    /// What was noted instead of, or besides, the exchanges.
    pub observations: Value,
}

/// One request and its response.
#[derive(Clone)]
pub struct Exchange {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// `None`: the connection was closed without a response.
    pub status_line: Option<String>,
    pub response_headers: Vec<(String, String)>,
    pub response: Body,
    pub elapsed_ms: u64,
    /// What was noted about the moment.
    pub note: String,
}

/// A recorded body.
#[derive(Clone, Debug)]
pub enum Body {
    Text(String),
    Json(Value),
    /// Only the beginning was kept; strings that were cut end in [`CUT`].
    Beginning(Value),
    Binary,
}

/// Marks where a string was cut.
pub const CUT: char = '\u{ffff}';

impl Folder {
    /// Reads a folder of version folders, or one version folder.
    pub fn read_all(path: &Path) -> Vec<Self> {
        let mut folders: Vec<PathBuf> = entries(path).filter(|entry| entry.is_dir()).collect();
        if folders.is_empty() {
            folders.push(path.to_owned());
        }
        folders.sort();
        folders.iter().map(|folder| Self::read(folder)).collect()
    }

    fn read(path: &Path) -> Self {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let version = match name.as_str() {
            name if name.starts_with('8') => Version::V8_2,
            name if name.starts_with("9.0") => Version::V9_0,
            _ => Version::V9_1,
        };
        let is_json = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "json");
        let mut files: Vec<PathBuf> = entries(path).filter(is_json).collect();
        files.sort();
        Self {
            name,
            version,
            cases: files.iter().map(|file| Case::read(file)).collect(),
        }
    }

    /// About when a case was recorded, in seconds since the epoch: the latest moment that the
    /// tickets of it and of those before tell, or else the first that any tells.
    pub fn moment(&self, case: usize) -> Option<i64> {
        let times = |cases: &[Case]| -> Vec<i64> {
            let exchanges = cases.iter().flat_map(|case| &case.exchanges);
            exchanges.flat_map(Exchange::times).collect()
        };
        let (before, after) = self.cases.split_at_checked(case + 1)?;
        let latest = times(before).into_iter().max();
        latest.or_else(|| times(after).into_iter().next())
    }
}

fn entries(path: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(path);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let json: Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let exchanges = json["exchanges"].as_array().into_iter().flatten();
        let mut exchanges: Vec<Exchange> = exchanges.map(Exchange::read).collect();
        if !json["observations"]["total_ms"].is_null() {
            // Sent at the same time: those that came through were the first.
            exchanges.sort_by_key(|exchange| !exchange.succeeded());
        }
        let name = path.file_stem().unwrap_or_default();
        Self {
            name: name.to_string_lossy().into_owned(),
            exchanges,
            observations: json["observations"].clone(),
        }
    }
}

impl Exchange {
    fn read(json: &Value) -> Self {
        let (request, response) = (&json["request"], &json["response"]);
        Self {
            line: text(&request["line"]),
            headers: headers(&request["headers"]),
            body: expand(&text(&request["body"])),
            status_line: response["status_line"].as_str().map(str::to_owned),
            response_headers: headers(&response["headers"]),
            response: Body::read(response),
            elapsed_ms: response["elapsed_ms"].as_u64().unwrap_or(0),
            note: text(&json["note"]),
        }
    }

    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// The path below `/api2/<format>`, decoded as the server does: one character for each byte.
    pub fn path(&self) -> String {
        let path = self.target().split('?').next().unwrap_or_default();
        let path = path
            .strip_prefix("/api2/")
            .and_then(|rest| rest.split_once('/'));
        let path = path.map_or("", |(_, path)| path);
        let path: String = percent_decode_str(path).map(char::from).collect();
        format!("/{}", path.trim_matches('/'))
    }

    pub fn status(&self) -> u16 {
        let status = self
            .status_line
            .as_deref()
            .and_then(|line| line.split(' ').nth(1));
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The status line's text.
    pub fn reason(&self) -> &str {
        self.status_line
            .as_deref()
            .and_then(|line| line.splitn(3, ' ').nth(2))
            .unwrap_or_default()
    }

    /// Whether the call did what was asked (through extjs a failure is a 200, too).
    pub fn succeeded(&self) -> bool {
        self.status() == 200 && self.json().is_none_or(|json| json["success"] != 0)
    }

    /// The error's texts, wherever they are told.
    pub fn error(&self) -> String {
        let json = self.json().unwrap_or(&Value::Null);
        let message = json["message"].as_str().unwrap_or_else(|| self.reason());
        let faults = json["errors"]
            .as_object()
            .into_iter()
            .flat_map(|errors| errors.values());
        let faults = faults.filter_map(Value::as_str);
        std::iter::once(message)
            .chain(faults)
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub fn json(&self) -> Option<&Value> {
        match &self.response {
            Body::Json(json) | Body::Beginning(json) => Some(json),
            Body::Text(_) | Body::Binary => None,
        }
    }

    /// The response's data.
    pub fn data(&self) -> &Value {
        self.json().map_or(&Value::Null, |json| &json["data"])
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The parameters of query and body, as texts.
    pub fn params(&self) -> Vec<(String, String)> {
        let query = self.target().split_once('?').map_or("", |(_, query)| query);
        let mut params = form(query);
        let body = String::from_utf8_lossy(&self.body);
        if let Ok(Value::Object(map)) = serde_json::from_str(&body) {
            params.extend(map.into_iter().map(|(name, value)| {
                (
                    name,
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned),
                )
            }));
        } else {
            params.extend(form(&body));
        }
        params
    }

    /// The times that the accepted tickets of the exchange tell.
    fn times(&self) -> Vec<i64> {
        let answered = self.data()["CSRFPreventionToken"].as_str();
        let tokens = answered
            .into_iter()
            .chain(self.header("CSRFPreventionToken"));
        let tokens = tokens.filter_map(|token| token.split(':').next().map(str::to_owned));
        let ticket = ticket_of(self).filter(|_| self.status() != 401);
        let ticket = ticket.and_then(|ticket| {
            let (plain, _) = ticket.rsplit_once("::")?;
            plain.rsplit_once(':').map(|(_, time)| time.to_owned())
        });
        let texts = tokens.chain(ticket);
        texts
            .filter_map(|time| i64::from_str_radix(&time, 16).ok())
            .collect()
    }

    pub fn param(&self, name: &str) -> Option<String> {
        self.params()
            .into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }
}

fn form(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| {
        percent_decode_str(&part.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    text.split(['&', ';'])
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

fn headers(json: &Value) -> Vec<(String, String)> {
    let pairs = json.as_array().into_iter().flatten();
    pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}

/// Long bodies are recorded as `<100008 bytes: b'comment=yyyy'...>`: the last byte repeats.
fn expand(body: &str) -> Vec<u8> {
    let parts = body
        .strip_prefix('<')
        .and_then(|rest| rest.split_once(" bytes: b'"))
        .and_then(|(length, rest)| {
            Some((length.parse::<usize>().ok()?, rest.strip_suffix("'...>")?))
        });
    let Some((length, beginning)) = parts else {
        return body.as_bytes().to_vec();
    };
    let mut bytes = beginning.as_bytes().to_vec();
    let last = bytes.last().copied().unwrap_or(b' ');
    bytes.resize(length, last);
    bytes
}

impl Body {
    fn read(response: &Value) -> Self {
        let body = text(&response["body"]);
        if response["body_encoding"] == "base64" {
            let _ = base64::engine::general_purpose::STANDARD.decode(&body);
            return Self::Binary;
        }
        if let Some(json) = serde_json::from_str(&body).ok().filter(Value::is_object) {
            return Self::Json(json);
        }
        let cut = body
            .strip_suffix(" chars>")
            .and_then(|body| body.rsplit_once("...<"));
        match cut.filter(|(_, length)| length.parse::<usize>().is_ok()) {
            Some((beginning, _)) => Self::Beginning(complete(beginning)),
            None => Self::Text(body),
        }
    }
}

/// The JSON that a text is the beginning of, as far as it goes.
fn complete(beginning: &str) -> Value {
    let mut ends: Vec<usize> = beginning.char_indices().map(|(at, _)| at).collect();
    ends.push(beginning.len());
    let parsed = ends.iter().rev().find_map(|&end| {
        let (part, mut open, mut string, mut escaped) = (&beginning[..end], vec![], false, false);
        for c in part.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if string => escaped = true,
                '"' => string = !string,
                '{' if !string => open.push('}'),
                '[' if !string => open.push(']'),
                '}' | ']' if !string => {
                    open.pop();
                }
                _ => {}
            }
        }
        let tail = if string {
            format!("{CUT}\"")
        } else {
            String::new()
        };
        let closing: String = open.into_iter().rev().collect();
        serde_json::from_str(&format!("{part}{tail}{closing}")).ok()
    });
    parsed.unwrap_or(Value::Null)
}
