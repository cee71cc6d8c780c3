//! From a request to a response: authentication, method, permissions, locks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::auth::{Credentials, Refusal};
use crate::call::{Allowed, Call, Interrupt, Method};
use crate::daemon::Daemon;
use crate::faults::{Faults, Kind};
use crate::lock::{HOLD, HeldLock, acquire};
use crate::log::Request;
use crate::params::{Param, Params, bytes, decode_form, decode_json};
use crate::request_head::media_type;
use crate::response::{Response, reason};
use crate::result::{Data, Failure, render};
use crate::router;
use crate::state::State;
use crate::tls::Certificate;

/// The largest body, in bytes.
pub(crate) const MAX_BODY: usize = 512 * 1024;
/// How long a refusal is held back, in seconds.
const REFUSAL: u64 = 3;
/// How long the proxy waits for the daemon, in seconds.
const PROXY: Duration = Duration::from_secs(30);

/// What all connections to one node share.
pub(crate) struct Shared {
    /// What the cluster knows: all of its nodes have the same.
    pub(crate) state: Arc<Mutex<State>>,
    /// The name of the node; `None` for the first one, whose name the state has.
    pub(crate) node: Option<String>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) log: Mutex<Vec<Request>>,
    pub(crate) requests: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    pub(crate) certificate: Certificate,
    pub(crate) scale: f64,
    pub(crate) idle: Duration,
    /// The cluster-wide lock of the user configuration.
    pub(crate) lock: Arc<AtomicBool>,
    /// The privileged daemon of the node.
    pub(crate) daemon: Daemon,
}

/// A poisoned mutex only says that a test panicked elsewhere.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Waits this long, scaled.
    pub(crate) async fn wait(&self, wait: Duration) {
        if !wait.is_zero() {
            tokio::time::sleep(wait.mul_f64(self.scale)).await;
        }
    }
}

/// What a request has brought, as far as the API is concerned.
pub(crate) struct Incoming {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content_length: usize,
    pub(crate) body: Vec<u8>,
    pub(crate) credentials: Credentials,
}

impl Incoming {
    fn has_body(&self) -> bool {
        matches!(self.method.as_str(), "PUT" | "POST")
    }

    fn media_type(&self) -> Option<&str> {
        self.content_type.as_deref().map(media_type)
    }

    /// The parameters of query and body; the query wins.
    fn params(&self) -> Result<Params, String> {
        let mut params = match self.media_type() {
            Some("application/json") if self.has_body() => decode_json(&self.body)?,
            _ if self.has_body() => decode_form(&self.body),
            _ => Params::new(),
        };
        params.extend(decode_form(&bytes(
            self.query.as_deref().unwrap_or_default(),
        )));
        params.remove("_dc");
        Ok(params)
    }

    /// The names of the parameters, for the log.
    pub(crate) fn parameter_names(&self) -> Vec<String> {
        self.params()
            .map(|params| params.into_keys().collect())
            .unwrap_or_default()
    }

    /// The tokens that the request names in its parameters, for the log.
    pub(crate) fn tokens(&self) -> Option<String> {
        let params = self.params().ok()?;
        Some(params.get("tokens")?.text()?.to_owned())
    }
}

/// Answers a request; `fault` is what goes wrong with it.
pub(crate) async fn respond(
    shared: &Arc<Shared>,
    request: &Incoming,
    fault: Option<&Kind>,
) -> Response {
    let bare_errors = |status: u16, text: String| {
        let mut response = Response::bare(status, text.clone());
        if locked(&shared.state).version.error_bodies() {
            response.body = text.into_bytes();
        }
        response
    };
    if !request.path.starts_with("/api2") {
        if request.method == "GET" && request.path == "/" {
            let mut page = Response::bare(200, reason(200));
            page.content_type = Some("text/html; charset=UTF-8");
            page.body = b"<!DOCTYPE html>\n<title>Proxmox Virtual Environment</title>\n".to_vec();
            return page;
        }
        return bare_errors(500, format!("no such file '{}'\n", request.path));
    }
    let Some((format, path)) = router::split_format(&request.path) else {
        return bare_errors(501, "no such uri".to_owned());
    };
    let id = match authenticate(shared, request, path, fault) {
        Ok(id) => id,
        Err(refused) => return refused,
    };
    if let Err((status, text)) = check_body(request) {
        return bare_errors(status, text);
    }
    let Some(format) = router::format(format) else {
        return bare_errors(501, format!("no formatter for uri {path}, {format}"));
    };
    let params = match request.params() {
        Ok(params) => params,
        Err(text) => return bare_errors(500, text),
    };
    let (proxied, done) = match rest(shared, request, path, &id, params, fault).await {
        Outcome::Called { proxied, done } => (proxied, done),
        Outcome::Proxy(response) => return response,
    };
    let Done { result, waited } = done;
    let refused = matches!(&result, Err(failure) if failure.status == 401);
    let version = locked(&shared.state).version;
    let rendered = render(format, version, result);
    let text = rendered
        .reason
        .unwrap_or_else(|| reason(rendered.status).to_owned());
    let mut response = Response::bare(rendered.status, text);
    response.content_type = Some("application/json;charset=UTF-8");
    response.body = rendered.body.to_string().into_bytes();
    response.proxied = proxied;
    response.held = waited;
    response.after(if refused { REFUSAL } else { 0 })
}

fn authenticate(
    shared: &Shared,
    request: &Incoming,
    path: &str,
    fault: Option<&Kind>,
) -> Result<String, Response> {
    if matches!(fault, Some(Kind::PmxcfsDown)) {
        let text = "RPCEnvironment init request failed: \
                    Unable to load access control list: Connection refused";
        return Err(Response::bare(500, text).after(REFUSAL));
    }
    let state = locked(&shared.state);
    request
        .credentials
        .verify(&state, &request.method, path)
        .map_err(|Refusal(text)| Response::bare(401, text).after(REFUSAL))
}

fn check_body(request: &Incoming) -> Result<(), (u16, String)> {
    if request.content_length == 0 {
        return Ok(());
    }
    if !request.has_body() {
        return Err((
            501,
            format!("Unexpected content for method '{}'", request.method),
        ));
    }
    if request.content_length > MAX_BODY {
        return Err((501, "for data too large".to_owned()));
    }
    match request.media_type() {
        None | Some("" | "application/x-www-form-urlencoded" | "application/json") => Ok(()),
        Some(_) => {
            let content_type = request.content_type.as_deref().unwrap_or_default();
            Err((
                506,
                format!("upload 'Content-Type '{content_type}' not implemented"),
            ))
        }
    }
}

/// How a call of the API came out.
enum Outcome {
    Called {
        proxied: bool,
        done: Done,
    },
    /// The proxy's own response, since it got none from the daemon.
    Proxy(Response),
}

impl Outcome {
    fn refused(failure: Failure) -> Self {
        Self::Called {
            proxied: false,
            done: Done {
                result: Err(failure),
                waited: Duration::ZERO,
            },
        }
    }
}

/// What came of a method.
struct Done {
    result: Result<Data, Failure>,
    /// How long the lock was waited for, before scaling.
    waited: Duration,
}

async fn rest(
    shared: &Arc<Shared>,
    request: &Incoming,
    path: &str,
    id: &str,
    params: Params,
    fault: Option<&Kind>,
) -> Outcome {
    let Some((method, in_path)) = router::find(&request.method, path) else {
        let call = format!("{} {path}", request.method);
        return Outcome::refused(Failure::not_implemented(&call));
    };
    let prepared = merge(in_path, params)
        .and_then(|params| permit(shared, method, request, path, id, &params).map(|()| params));
    let params = match prepared {
        Ok(params) => params,
        Err(failure) => return Outcome::refused(failure),
    };
    if method.protected {
        return pass_on(shared, method, id.to_owned(), params, fault.cloned()).await;
    }
    Outcome::Called {
        proxied: false,
        done: run(shared, method, id, params, fault).await,
    }
}

/// Passes a call on to the daemon, which does it whether or not the proxy still waits for it.
async fn pass_on(
    shared: &Arc<Shared>,
    method: &'static Method,
    id: String,
    params: Params,
    fault: Option<Kind>,
) -> Outcome {
    let broken = || Outcome::Proxy(Response::bare(596, "Broken pipe"));
    match fault {
        Some(Kind::DaemonDown) => {
            return Outcome::Proxy(Response::bare(595, "Connection refused"));
        }
        Some(Kind::BrokenPipe { done: false }) => return broken(),
        _ => {}
    }
    let hung = matches!(fault, Some(Kind::DaemonHung));
    let breaks = matches!(fault, Some(Kind::BrokenPipe { .. }));
    let daemon = Arc::clone(shared);
    let call = tokio::spawn(async move {
        if hung {
            daemon.wait(PROXY).await;
        }
        let _worker = daemon.daemon.worker().await;
        run(&daemon, method, &id, params, fault.as_ref()).await
    });
    let done = tokio::select! {
        biased;
        done = call => done.ok(),
        () = give_up(shared) => None,
    };
    match done {
        Some(_) if breaks => broken(),
        Some(done) if !hung => Outcome::Called {
            proxied: true,
            done,
        },
        _ => {
            let mut response = Response::bare(596, "Connection timed out");
            response.held = PROXY;
            Outcome::Proxy(response)
        }
    }
}

/// Comes back when the proxy gives up on a daemon that hangs.
async fn give_up(shared: &Shared) {
    shared.daemon.gives_up().await;
    shared.wait(PROXY).await;
}

/// Parameters of the path may be repeated, but not contradicted.
fn merge(in_path: BTreeMap<String, String>, given: Params) -> Result<Params, Failure> {
    for (name, value) in &in_path {
        let repeated = given.get(name).and_then(Param::text);
        if repeated.is_some_and(|repeated| repeated != value) {
            let text = "duplicate parameter (already defined in URI) with conflicting values!";
            return Err(Failure::parameter(name, text));
        }
    }
    let mut params: Params = in_path
        .into_iter()
        .map(|(name, value)| (name, Param::Text(value)))
        .collect();
    params.extend(given);
    Ok(params)
}

fn permit(
    shared: &Shared,
    method: &Method,
    request: &Incoming,
    path: &str,
    id: &str,
    params: &Params,
) -> Result<(), Failure> {
    if request.credentials.token.is_some() && !method.token {
        let text = format!("URI '{path}' not available with API token, need proper ticket.\n");
        return Err(Failure::permission(&text));
    }
    let state = locked(&shared.state);
    match method.allowed {
        Allowed::Preconditions if id.is_empty() => return Ok(()),
        _ if id.is_empty() => return Err(Failure::permission("user != null")),
        _ if id == "root@pam" => {}
        Allowed::All => {}
        Allowed::Preconditions => return Err(Failure::permission("")),
        Allowed::Check(check) => {
            check.run(&state.config, id, params, false)?;
        }
    }
    // A call about another node is passed on to it, which needs its address.
    // It knows the addresses of the nodes that are online (562-expected-votes-lowered).
    let other = params
        .get("node")
        .and_then(Param::text)
        .filter(|_| path.starts_with("/nodes/"));
    let reachable = |node: &str| {
        let mut nodes = state.nodes.iter();
        nodes.any(|known| known.name == node && (known.online || known.local))
    };
    match other {
        Some(node) if !reachable(node) => Err(Failure::die(format!(
            "hostname lookup '{node}' failed - failed to get address info for: {node}: \
                 Name or service not known\n"
        ))),
        _ => Ok(()),
    }
}

async fn run(
    shared: &Shared,
    method: &Method,
    id: &str,
    params: Params,
    fault: Option<&Kind>,
) -> Done {
    let mut waited = Duration::ZERO;
    let result = run_locked(shared, method, id, params, fault, &mut waited).await;
    Done { result, waited }
}

async fn run_locked(
    shared: &Shared,
    method: &Method,
    id: &str,
    params: Params,
    fault: Option<&Kind>,
    waited: &mut Duration,
) -> Result<Data, Failure> {
    let version = locked(&shared.state).version;
    let params = crate::schema::verify(method.properties, params, version)?;
    let mut lock: Option<HeldLock<'_>> = None;
    loop {
        let result = {
            let mut state = locked(&shared.state);
            let locked = lock.is_some();
            let certificate = &shared.certificate;
            let mut call = Call {
                state: &mut state,
                params: &params,
                id,
                locked,
                node: shared.node.as_deref(),
                certificate,
                total: None,
            };
            (method.run)(&mut call).map(|data| Data {
                data,
                total: call.total,
            })
        };
        match result {
            Ok(value) => {
                if lock.is_some() {
                    shared.wait(HOLD).await;
                }
                return Ok(value);
            }
            Err(Interrupt::Failed(failure)) => return Err(failure),
            Err(Interrupt::NeedsLock(wanted)) => {
                lock = Some(acquire(shared, wanted, fault, waited).await?);
                if let Some(Kind::Overtaken(by)) = fault {
                    by(&mut locked(&shared.state));
                }
            }
        }
    }
}
