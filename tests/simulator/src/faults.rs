//! Faults on demand.

use std::sync::Arc;
use std::time::Duration;

use crate::daemon::Hang;
use crate::log::Request;
use crate::state::State;

/// A response to send as it is.
#[derive(Debug, Clone, Default)]
pub struct RawResponse {
    /// Status, and the reason after it.
    pub status: u16,
    /// The reason.
    pub reason: String,
    /// Headers. Without a `Content-Length` the end of the connection ends the body.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl RawResponse {
    /// JSON, with a reason that says nothing.
    #[must_use]
    pub fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            reason: "As Set".to_owned(),
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: body.into(),
        }
    }
}

/// What goes wrong.
#[derive(Clone)]
pub(crate) enum Kind {
    Slow(Duration),
    DropBefore,
    DropAfterCommit,
    UserConfigLocked,
    TokenConfigLocked,
    NoQuorum,
    DaemonDown,
    DaemonHung,
    DaemonHangs(Hang),
    BrokenPipe { done: bool },
    PmxcfsDown,
    Response(RawResponse),
    Overtaken(Arc<dyn Fn(&mut State) + Send + Sync>),
}

type Matcher = Box<dyn Fn(&Request) -> bool + Send>;

/// Something that goes wrong with requests: by default with every one, from now on.
///
/// ```
/// # use proxmox_simulator::Fault;
/// let fault = Fault::dropped_after_commit().on("POST", "/access/users/*/token/*").times(1);
/// ```
#[must_use]
pub struct Fault {
    kind: Kind,
    matches: Matcher,
    left: Option<usize>,
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            matches: Box::new(|_| true),
            left: None,
        }
    }

    /// What was asked for is done at once, but the response comes this much later (real time, not
    /// scaled).
    pub fn slow(by: Duration) -> Self {
        Self::new(Kind::Slow(by))
    }

    /// The connection is closed without doing anything.
    pub fn dropped_before() -> Self {
        Self::new(Kind::DropBefore)
    }

    /// What was asked for is done, and the connection closed without a response.
    pub fn dropped_after_commit() -> Self {
        Self::new(Kind::DropAfterCommit)
    }

    /// Somebody else holds the lock of the user configuration: writes fail after ten (scaled)
    /// seconds (438-lock-held).
    pub fn user_config_locked() -> Self {
        Self::new(Kind::UserConfigLocked)
    }

    /// Somebody else holds the lock of the token secrets (439-lock-held-token-cfg).
    pub fn token_config_locked() -> Self {
        Self::new(Kind::TokenConfigLocked)
    }

    /// The node sees no majority: writes fail after ten (scaled) seconds, reads go on
    /// (560-no-quorum-writes).
    pub fn no_quorum() -> Self {
        Self::new(Kind::NoQuorum)
    }

    /// The privileged daemon does not run: 595 to protected calls (440-pvedaemon-down).
    pub fn daemon_down() -> Self {
        Self::new(Kind::DaemonDown)
    }

    /// The privileged daemon hangs with this request and goes on after thirty (scaled) seconds: it
    /// does what it was asked just before the proxy responds with 596 (441-pvedaemon-hung).
    pub fn daemon_hung() -> Self {
        Self::new(Kind::DaemonHung)
    }

    /// The privileged daemon hangs from this request on, until
    /// [`Simulator::resume_daemon`](crate::Simulator::resume_daemon). Protected calls get a 596
    /// after thirty (scaled) seconds, and other reads show what was before. What was asked is done
    /// when the daemon goes on (552-pvedaemon-hung-regenerate, 554-pvedaemon-hung-acl).
    pub fn daemon_hangs() -> Self {
        Self::new(Kind::DaemonHangs(Hang {
            lasts: None,
            gives_up: true,
        }))
    }

    /// The same without the 596: nothing responds, so that the time limit of the client ends the
    /// request.
    pub fn daemon_hangs_in_silence() -> Self {
        Self::new(Kind::DaemonHangs(Hang {
            lasts: None,
            gives_up: false,
        }))
    }

    /// A daemon that hangs goes on by itself after this time (real time, not scaled).
    pub fn going_on_after(mut self, time: Duration) -> Self {
        if let Kind::DaemonHangs(hang) = &mut self.kind {
            hang.lasts = Some(time);
        }
        self
    }

    /// The privileged daemon ends with this request before it has done anything: 596 at once, as
    /// when the daemon is restarted.
    pub fn broken_pipe() -> Self {
        Self::new(Kind::BrokenPipe { done: false })
    }

    /// The privileged daemon ends after it has done what it was asked: the same response.
    pub fn broken_pipe_after_commit() -> Self {
        Self::new(Kind::BrokenPipe { done: true })
    }

    /// `/etc/pve` is not there: nothing that needs authentication works.
    pub fn pmxcfs_down() -> Self {
        Self::new(Kind::PmxcfsDown)
    }

    /// This answer instead of what was asked for, which is not done.
    pub fn response(response: RawResponse) -> Self {
        Self::new(Kind::Response(response))
    }

    /// Somebody else changes something after the call has looked and before it has the lock.
    pub fn overtaken(by: impl Fn(&mut State) + Send + Sync + 'static) -> Self {
        Self::new(Kind::Overtaken(Arc::new(by)))
    }

    /// Only requests of this method (`*` is any) whose path matches, where `*` stands for any
    /// text: `/access/users/*/token/*`.
    pub fn on(self, method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        self.when(move |request| {
            (method == "*" || method == request.method) && glob(&path, &request.path)
        })
    }

    /// Only requests for which this holds, too.
    pub fn when(mut self, matches: impl Fn(&Request) -> bool + Send + 'static) -> Self {
        let before = self.matches;
        self.matches = Box::new(move |request| before(request) && matches(request));
        self
    }

    /// Only this many times.
    pub fn times(mut self, count: usize) -> Self {
        self.left = Some(count);
        self
    }
}

/// The faults that are set.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first fault that meets this request; that counts as one time.
    pub(crate) fn strike(&mut self, request: &Request) -> Option<Kind> {
        let fault = self
            .0
            .iter_mut()
            .find(|fault| fault.left != Some(0) && (fault.matches)(request))?;
        fault.left = fault.left.map(|left| left - 1);
        Some(fault.kind.clone())
    }
}

/// Whether a text matches a pattern in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            let mut ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            ends.any(|at| tail.get(at..).is_some_and(|tail| glob(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(glob(
            "/access/users/*/token/*",
            "/access/users/demo@pve/token/t1"
        ));
        assert!(!glob(
            "/access/users/*/token/*",
            "/access/users/demo@pve/token"
        ));
        assert!(glob("*", "") && glob("/version", "/version") && !glob("/version", "/versions"));
    }
}
