//! Replays a case against a simulator and says how it comes out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proxmox_simulator::{Fault, Simulator, State, Version};
use serde_json::Value;

use super::client::{Client, handshake};
use super::compare::difference;
use super::identity::token_of;
use super::preconditions::{Preconditions, ROOT_TOKEN};
use super::recording::{Case, Exchange};
use super::rights::{RIGHTS, Rights};

/// Waits are this much shorter than recorded.
const SCALE: f64 = 0.002;
/// Stands for the server's five seconds of patience with a silent client, where a case is about
/// them; elsewhere they are not to end a test on a slow machine.
const IDLE: Duration = Duration::from_millis(200);
/// What a form or cookie leaves as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~');

/// Whether the server closes the connection by itself in this case.
fn waits_for_the_end(case: &Case) -> bool {
    let unanswered = |exchange: &Exchange| exchange.status_line.is_none();
    !case.observations["closed_after_s"].is_null() || case.exchanges.iter().any(unanswered)
}

/// Replays a case under each assumption about rights until one explains it; the difference
/// under the first otherwise.
pub fn replay(
    case: &Case,
    version: Version,
    start: &Value,
    now: Option<i64>,
) -> Result<(), String> {
    let mut first = None;
    for &rights in RIGHTS {
        match Run::start(case, version, start, now, rights).finish() {
            Ok(()) => return Ok(()),
            Err(text) => first = first.or(Some(text)),
        }
    }
    Err(first.unwrap_or_default())
}

struct Run<'a> {
    case: &'a Case,
    simulator: Simulator,
    later: BTreeMap<usize, Vec<(String, String, String, bool)>>,
    /// Recorded secrets, tickets and codes, and what stands for them here.
    stand_ins: Vec<(String, String)>,
    client: Option<Client>,
}

impl<'a> Run<'a> {
    fn start(
        case: &'a Case,
        version: Version,
        start: &Value,
        now: Option<i64>,
        rights: Rights,
    ) -> Self {
        let simulator = Simulator::builder()
            .version(version)
            .time_scale(SCALE)
            .idle_timeout(if waits_for_the_end(case) {
                IDLE
            } else {
                IDLE * 100
            })
            .root_password(start["root_password"].as_str().unwrap_or("root-pass-1"))
            .spawn()
            .unwrap();
        let later = simulator.state(|state| {
            if let Some(now) = now {
                state.set_clock(now);
            }
            Preconditions::infer(state, case, start, rights).later
        });
        Self {
            case,
            simulator,
            later,
            stand_ins: Vec::new(),
            client: None,
        }
    }

    fn finish(mut self) -> Result<(), String> {
        self.observations()?;
        for (number, exchange) in self.case.exchanges.iter().enumerate() {
            self.let_daemon_go_on(exchange);
            self.exchange(exchange, self.stays_hung(number))
                .map_err(|text| format!("exchange {number}: {text}"))?;
            for (path, role, target, propagate) in self.later.remove(&number).unwrap_or_default() {
                self.simulator
                    .state(|state| state.set_acl(&path, &role, &target, propagate));
            }
        }
        Ok(())
    }

    /// Whether the daemon that hangs in an exchange hangs after it, too.
    fn stays_hung(&self, number: usize) -> bool {
        let next = self.case.exchanges.get(number + 1);
        next.is_some_and(|next| next.note == "the daemon still hangs")
    }

    /// What was asked of a daemon that hung is done before the next request.
    fn let_daemon_go_on(&self, recorded: &Exchange) {
        if recorded.note == "the daemon has gone on" {
            self.simulator.resume_daemon();
            while self.simulator.daemon_is_busy() {
                std::thread::yield_now();
            }
        }
    }

    fn exchange(&mut self, recorded: &Exchange, stays_hung: bool) -> Result<(), String> {
        self.set_clock(recorded);
        match stays_hung && recorded.status() == 596 {
            true => self.simulator.fault(Fault::daemon_hangs().times(1)),
            false => self.set_fault(recorded),
        }
        self.learn_code(recorded);
        self.simulator.clear_requests();
        let bytes = self.request(recorded);
        let plain = matches!(recorded.status(), 301 | 308);
        let mut client = match self.client.take() {
            Some(client) if !plain => client,
            _ => self.connect(plain),
        };
        client.send(&bytes);
        let response = client.receive();
        if !stays_hung {
            self.simulator.clear_faults();
        }
        if let Some(text) = difference(recorded, response.as_ref()) {
            return Err(text);
        }
        self.compare_wait(recorded)?;
        if let Some(response) = response {
            let json: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            self.learn(recorded.json().unwrap_or(&Value::Null), &json);
            if response.stays_open() && !plain {
                self.client = Some(client);
            }
        }
        Ok(())
    }

    fn connect(&self, plain: bool) -> Client {
        match plain {
            true => Client::plain(self.simulator.address()),
            false => Client::encrypted(self.simulator.address(), self.simulator.ca_pem()),
        }
    }

    /// The request as it was sent, with what stands for the recorded secrets.
    fn request(&self, recorded: &Exchange) -> Vec<u8> {
        let mut line = self.translate(&recorded.line);
        let mut headers: Vec<(String, String)> = recorded
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), self.translate(value)))
            .collect();
        // Requests sent by hand are recorded without what every one of them had.
        if !line.contains(" HTTP/") {
            line = format!("{} HTTP/1.1", line.replacen(' ', " /api2/json", 1));
        }
        let named = |headers: &[(String, String)], name: &str| {
            headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let open = ["/access/domains", "/access/ticket"].contains(&recorded.path().as_str());
        let credentials = named(&headers, "Authorization") || named(&headers, "Cookie");
        if !credentials && recorded.succeeded() && !open {
            let secret = self.simulator.state(|state| {
                state
                    .token_secret(ROOT_TOKEN)
                    .unwrap_or_default()
                    .to_owned()
            });
            headers.push((
                "Authorization".into(),
                format!("PVEAPIToken={ROOT_TOKEN}={secret}"),
            ));
        }
        headers.push(("Host".into(), "localhost:8006".into()));
        let body = match std::str::from_utf8(&recorded.body) {
            Ok(text) if text.len() < 10_000 => self.translate(text).into_bytes(),
            _ => recorded.body.clone(),
        };
        if !body.is_empty() && !named(&headers, "Transfer-Encoding") {
            headers.push(("Content-Length".into(), body.len().to_string()));
        }
        let mut bytes = format!("{line}\r\n").into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        bytes
    }

    fn translate(&self, text: &str) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        self.stand_ins
            .iter()
            .fold(text.to_owned(), |text, (recorded, here)| {
                text.replace(recorded, here)
                    .replace(&encoded(recorded), &encoded(here))
            })
    }

    /// Learns what stands for the secrets of a response.
    fn learn(&mut self, recorded: &Value, here: &Value) {
        for name in ["value", "ticket", "CSRFPreventionToken"] {
            if let (Some(recorded), Some(here)) =
                (recorded["data"][name].as_str(), here["data"][name].as_str())
            {
                self.stand_ins.push((recorded.to_owned(), here.to_owned()));
            }
        }
    }

    /// A one-time code that was accepted stands for the one of this moment.
    fn learn_code(&mut self, recorded: &Exchange) {
        let userid = recorded.param("username").unwrap_or_default();
        let answers = [recorded.param("password"), recorded.param("otp")];
        let codes = answers.into_iter().flatten();
        for code in codes.filter_map(|response| response.strip_prefix("totp:").map(str::to_owned)) {
            let code_here = self.simulator.state(|state| state.totp_code(&userid));
            if let Some(here) = code_here.filter(|_| recorded.succeeded()) {
                self.stand_ins.push((code, here));
            }
        }
    }

    /// Time passes between exchanges: a token with an expiry that was refused had expired, one
    /// that was accepted had not.
    fn set_clock(&self, recorded: &Exchange) {
        let Some((id, secret)) = token_of(recorded) else {
            return;
        };
        let secret = self.translate(&secret);
        let (userid, name) = id.rsplit_once('!').unwrap_or((&id, ""));
        self.simulator.state(|state| {
            let expire = state.token(userid, name).map_or(0, |token| token.expire);
            let Ok(expire) = i64::try_from(expire) else {
                return;
            };
            if expire == 0 || state.token_secret(&id) != Some(&secret) {
                return;
            }
            if recorded.status() == 401 && state.now() <= expire {
                state.set_clock(expire + 1);
            } else if recorded.status() != 401 && state.now() > expire {
                state.set_clock(expire - 1);
            }
        });
    }

    /// What was broken on the server shows in its response.
    fn set_fault(&self, recorded: &Exchange) {
        let error = recorded.error();
        let has = |text: &str| error.contains(text);
        let fault = match recorded.status() {
            595 => Fault::daemon_down(),
            596 => Fault::daemon_hung(),
            _ if has("RPCEnvironment init request failed") => Fault::pmxcfs_down(),
            _ if has("'file-user_cfg' error: got lock") => Fault::user_config_locked(),
            _ if has("'file-priv_token_cfg' error: got lock") => Fault::token_config_locked(),
            _ if has("error: no quorum!") => Fault::no_quorum(),
            _ if has("failed: Token already exists") => self.race(recorded, true),
            _ if has("failed: no such token") => self.race(recorded, false),
            _ => return,
        };
        self.simulator.fault(fault);
    }

    /// A creation or deletion that found the opposite when it looked first.
    fn race(&self, recorded: &Exchange, appears: bool) -> Fault {
        let path = recorded.path();
        let (userid, name) = match path.split('/').collect::<Vec<_>>()[..] {
            ["", "access", "users", userid, "token", name] => (userid.to_owned(), name.to_owned()),
            _ => Default::default(),
        };
        let put = move |state: &mut State, there: bool| match there {
            true => _ = state.add_token(&format!("{userid}!{name}"), true, None, 0),
            false => state.remove_token(&userid, &name),
        };
        self.simulator.state(|state| put(state, !appears));
        Fault::overtaken(move |state| put(state, appears))
    }

    /// Compares waits of three, ten and thirty seconds with those the server meant to make.
    fn compare_wait(&self, recorded: &Exchange) -> Result<(), String> {
        let Some(request) = self.simulator.requests().pop() else {
            return Ok(());
        };
        let meant = |milliseconds: u64| match milliseconds {
            0..2_700 => Some(0),
            2_700..4_000 => Some(3),
            9_000..12_000 => Some(10),
            29_000..33_000 => Some(30),
            _ => None,
        };
        let waited = u64::try_from(request.waited.as_millis()).unwrap_or(u64::MAX);
        match (meant(recorded.elapsed_ms), meant(waited)) {
            (Some(expected), found) if found != Some(expected) => Err(format!(
                "answered after {waited} ms instead of {expected} s"
            )),
            _ => Ok(()),
        }
    }

    /// Behaviour of connections that no single exchange shows.
    fn observations(&self) -> Result<(), String> {
        let noted = &self.case.observations;
        let differs = |what: &str, found: &dyn std::fmt::Debug, expected: &Value| {
            Err(format!("{what} {found:?} instead of {expected}"))
        };
        if !noted["tls"].is_null() {
            let (address, ca) = (self.simulator.address(), self.simulator.ca_pem());
            let found = handshake(address, ca, &[b"h2", b"http/1.1"]);
            let alpn = found
                .alpn
                .as_ref()
                .map(|alpn| String::from_utf8_lossy(alpn).into_owned());
            if Value::from(alpn) != noted["alpn"]
                || noted["tls"] != found.version.as_str()
                || noted["cipher"] != found.cipher.as_str()
            {
                return differs("handshake", &found, noted);
            }
        }
        if let Some(expected) = noted["requests"].as_u64() {
            let (count, last) = self.requests_on_one_connection();
            if count != expected || noted["last_connection_header"] != serde_json::json!(last) {
                return differs("requests on one connection", &(count, last), noted);
            }
        }
        if !noted["closed_after_s"].is_null() {
            let mut client = self.connect(false);
            client.send(b"GET /api2/json/version HTTP/1.1\r\nX-Never: fin");
            let began = Instant::now();
            let response = client.receive();
            if response.is_some() || began.elapsed() < IDLE {
                return differs("silent connection", &(response, began.elapsed()), noted);
            }
        }
        Ok(())
    }

    fn requests_on_one_connection(&self) -> (u64, Vec<String>) {
        let mut client = self.connect(false);
        let (mut count, mut last) = (0, Vec::new());
        loop {
            client.send(b"GET /api2/json/access/domains HTTP/1.1\r\nHost: localhost:8006\r\n\r\n");
            let Some(response) = client.receive() else {
                break;
            };
            count += 1;
            last = response.header("Connection").map(str::to_owned).collect();
        }
        (count, last)
    }
}
