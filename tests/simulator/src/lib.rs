//! An in-memory Proxmox VE on loopback that answers as the genuine servers do.
//!
//! It has the access part of the API (users, groups, realms, roles, permissions, tokens, tickets,
//! second factors) and enough of nodes and cluster to check a connection, over HTTPS with a
//! certificate of its own. Its texts, status lines, headers, waits and lock behaviour are those of
//! recordings of genuine servers, against which `tests/conformance.rs` holds it. Tests set its
//! state up directly, let it fail on demand and read what it was asked.
//!
//! It is for development and demonstrations: it listens on loopback only, keeps passwords as
//! they are and forgets everything when it stops.
//!
//! ```
//! # fn main() -> Result<(), proxmox_simulator::Error> {
//! use proxmox_simulator::{Simulator, Version};
//!
//! let simulator = Simulator::builder().version(Version::V9_1).spawn()?;
//! let secret = simulator.state(|state| {
//!     state.add_user("demo@pve", "demo-pass-1");
//!     state.add_token("root@pam!admin", false, None, 0)
//! });
//! println!("{} PVEAPIToken=root@pam!admin={secret}", simulator.endpoint());
//! # Ok(())
//! # }
//! ```

mod api;
mod auth;
mod call;
mod capabilities;
mod clock;
mod closed_port;
mod config;
mod daemon;
mod faults;
mod forward_proxy;
mod grammar;
mod http;
mod json;
mod lock;
mod log;
mod params;
mod permissions;
mod random;
mod request_head;
mod response;
mod result;
mod roles;
mod router;
mod schema;
mod server;
mod state;
mod tfa;
mod tickets;
mod tls;
mod version;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use closed_port::closed_port;
pub use faults::{Fault, RawResponse};
pub use forward_proxy::ForwardProxy;
pub use log::{Identity, Request};
use server::{Shared, locked};
pub use state::{Cluster, Group, IssuedSecrets, Node, Realm, State, Subject, Task, Token, User};
pub use tls::TlsOptions;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
pub use version::Version;

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another address than one of loopback was asked for.
    #[error("refusing to listen on {0}: the simulator is for loopback only")]
    NotLoopback(SocketAddr),
    /// The system would not have it.
    #[error("cannot listen: {0}")]
    Io(#[from] std::io::Error),
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("cannot set TLS up: {0}")]
    Tls(#[from] rustls::Error),
}

/// What a simulator is started with.
#[derive(Clone)]
pub struct Builder {
    version: Version,
    time_scale: f64,
    idle_timeout: Duration,
    listen: SocketAddr,
    root_password: String,
    tls: TlsOptions,
}

impl Builder {
    /// Answers as this version (the newest by default).
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Shortens waits: with 0.01, the default, a refusal comes after 30 ms instead of 3 s.
    #[must_use]
    pub fn time_scale(mut self, scale: f64) -> Self {
        self.time_scale = scale.max(0.0);
        self
    }

    /// After how long an idle connection is closed, in real time (5 s by default).
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// The loopback address and port to listen on (any free port of 127.0.0.1 by default).
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// The password of `root@pam` (`root-pass-1` by default).
    #[must_use]
    pub fn root_password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.root_password);
        self
    }

    /// What the certificate says.
    #[must_use]
    pub fn tls(mut self, options: TlsOptions) -> Self {
        self.tls = options;
        self
    }

    /// Starts the simulator from asynchronous code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start(self) -> Result<Simulator, Error> {
        self.spawn()
    }

    /// Starts the simulator on a thread of its own, from any code.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn spawn(self) -> Result<Simulator, Error> {
        if !self.listen.ip().is_loopback() {
            return Err(Error::NotLoopback(self.listen));
        }
        let authority = tls::Authority::make()?;
        let state = State::new(self.version, &self.root_password);
        let certificate = authority.certify(state.local_node(), &self.tls)?;
        let node = Shared {
            state: Arc::new(state.into()),
            node: None,
            faults: Default::default(),
            log: Default::default(),
            requests: 0.into(),
            connections: 0.into(),
            handshakes: 0.into(),
            certificate,
            scale: self.time_scale,
            idle: self.idle_timeout,
            lock: Default::default(),
            daemon: Default::default(),
        };
        Simulator::serve(node, Arc::new(authority), self.listen)
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(http::serve(Arc::clone(&shared), stream, acceptor.clone()));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// A running simulator: one node of a cluster, most often its only one. It stops when dropped.
pub struct Simulator {
    shared: Arc<Shared>,
    authority: Arc<tls::Authority>,
    authority_pem: String,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Simulator {
    /// What to start a simulator with.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            version: Version::V9_1,
            time_scale: 0.01,
            idle_timeout: Duration::from_secs(5),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            root_password: "root-pass-1".to_owned(),
            tls: TlsOptions::default(),
        }
    }

    fn serve(
        node: Shared,
        authority: Arc<tls::Authority>,
        address: SocketAddr,
    ) -> Result<Self, Error> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::clone(&node.certificate.server));
        let shared = Arc::new(node);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("proxmox-simulator")
            .enable_all()
            .build()?;
        let listener = {
            let _guard = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(accept(listener, acceptor, Arc::clone(&shared)));
        Ok(Self {
            shared,
            address,
            authority_pem: authority.pem(),
            authority,
            runtime: Some(runtime),
        })
    }

    /// Starts another node of this one's cluster: what it knows is the same, at once; its
    /// address, its certificate (of the same authority), its faults and its log are its own.
    /// Without a cluster so far, the two form one.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn join(&self, name: &str, tls: &TlsOptions) -> Result<Self, Error> {
        let certificate = self.authority.certify(name, tls)?;
        self.state(|state| {
            let first = state.local_node().to_owned();
            let own = &self.shared.certificate.fingerprint;
            state
                .fingerprints
                .entry(first)
                .or_insert_with(|| own.clone());
            let joined = certificate.fingerprint.clone();
            state.fingerprints.insert(name.to_owned(), joined);
            if state.nodes.iter().all(|node| node.name != name) {
                state.add_node(name, true);
            }
            state.cluster.get_or_insert_with(|| Cluster {
                name: "simulated".to_owned(),
                quorate: true,
            });
        });
        let (state, lock) = (&self.shared.state, &self.shared.lock);
        self.serve_node(name, certificate, Arc::clone(state), Arc::clone(lock))
    }

    /// Starts another node of this one's cluster that is cut off from now on: it goes on answering
    /// with what it knows at this moment, sees all others offline, and takes no changes.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn join_and_cut_off(&self, name: &str, tls: &TlsOptions) -> Result<Self, Error> {
        let certificate = self.authority.certify(name, tls)?;
        let mut past = self.state(|state| state.clone());
        past.nodes.iter_mut().for_each(|node| node.online = false);
        past.add_node(name, true);
        past.cluster = Some(Cluster {
            name: "simulated".to_owned(),
            quorate: false,
        });
        let state = Arc::new(Mutex::new(past));
        self.serve_node(name, certificate, state, Arc::default())
    }

    fn serve_node(
        &self,
        name: &str,
        certificate: tls::Certificate,
        state: Arc<Mutex<State>>,
        lock: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let node = Shared {
            state,
            node: Some(name.to_owned()),
            faults: Default::default(),
            log: Default::default(),
            requests: 0.into(),
            connections: 0.into(),
            handshakes: 0.into(),
            certificate,
            scale: self.shared.scale,
            idle: self.shared.idle,
            lock,
            daemon: Default::default(),
        };
        let anywhere = SocketAddr::new(self.address.ip(), 0);
        Self::serve(node, Arc::clone(&self.authority), anywhere)
    }

    /// Where it listens, as a URL: `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.shared.certificate.pem
    }

    /// The certificate of the authority that signed it.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority_pem
    }

    /// The SHA-256 fingerprint of its certificate, as `AA:BB:…`.
    #[must_use]
    pub fn certificate_fingerprint(&self) -> &str {
        &self.shared.certificate.fingerprint
    }

    /// Reads or changes what the server knows.
    pub fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut locked(&self.shared.state))
    }

    /// Moves the server's clock forward.
    pub fn advance(&self, by: Duration) {
        self.state(|state| state.advance(by));
    }

    /// Lets something go wrong. Of several faults the one set first strikes.
    pub fn fault(&self, fault: Fault) {
        locked(&self.shared.faults).add(fault);
    }

    /// Forgets all faults. A daemon that hangs goes on.
    pub fn clear_faults(&self) {
        locked(&self.shared.faults).clear();
        self.resume_daemon();
    }

    /// Lets a daemon that hangs go on with what it was asked.
    pub fn resume_daemon(&self) {
        self.shared.daemon.resume();
    }

    /// Whether the privileged daemon works on something, or hangs with something.
    #[must_use]
    pub fn daemon_is_busy(&self) -> bool {
        self.shared.daemon.is_busy()
    }

    /// The requests received since the start or the last [`Self::clear_requests`].
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        locked(&self.shared.log).clone()
    }

    /// How many of these requests are such.
    #[must_use]
    pub fn count(&self, such: impl Fn(&Request) -> bool) -> usize {
        locked(&self.shared.log)
            .iter()
            .filter(|request| such(request))
            .count()
    }

    /// Forgets the requests.
    pub fn clear_requests(&self) {
        locked(&self.shared.log).clear();
    }

    /// How many TLS connections were made.
    #[must_use]
    pub fn tls_connections(&self) -> u64 {
        self.shared.handshakes.load(Ordering::Relaxed)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_listened_on() {
        let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let refused = Simulator::builder().listen(anywhere).spawn();
        assert!(matches!(refused, Err(Error::NotLoopback(_))));
    }
}
