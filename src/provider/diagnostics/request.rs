//! A failed request: what happened, and what to change.

use crate::provider::diagnostics::explanation::Explanation;
use crate::provider::diagnostics::quorum::restore_quorum;
use crate::provider::diagnostics::words::Words;
use crate::provider::diagnostics::{rejection, tls};
use crate::provider::settings::address::ENDPOINT;
use crate::provider::settings::credentials::{API_TOKEN, OTP, PASSWORD, TOTP_SECRET, USERNAME};
use crate::provider::settings::tls::{CA_CERTIFICATE, CERTIFICATE_FINGERPRINTS};
use crate::provider::settings::transport::{HTTP_HEADERS, PROXY_URL, REQUEST_TIMEOUT};
use crate::pve::diagnosis::Forbidden;
use crate::pve::{Error, ErrorKind, Phase, ProxyFailure, Step};

const NO_SUCH_USER: &str = "Create the user under Datacenter > Permissions > Users, or name another \
     one.";

const NO_SUCH_TOKEN: &str = "Check that the token exists under Datacenter > Permissions > API \
     Tokens.";

const TOKEN_EXISTS: &str = "Choose another name, or delete the token under Datacenter > Permissions \
     > API Tokens.";

const LOCK_TIMEOUT: &str = "Try again. If the error persists, another client keeps writing the user \
     configuration, or a node hangs while it holds the lock.";

const PROXY_HOP: &str = "On the host, check that the pvedaemon service is running and that the \
     nodes can reach each other. No setting of the provider affects this.";

const SERVER_ERROR: &str = "The host responded, but cannot serve the request. Its journal shows \
     the reason: `journalctl -u pveproxy -u pvedaemon -u pve-cluster`.";

/// The explanation of a failed request.
pub fn explain(error: &Error, words: Words) -> Explanation {
    Explanation {
        message: sentence(&error.to_string()),
        remedy: remedy(error, words),
    }
}

/// The text as a sentence. The server's words may end in a mark of their own.
fn sentence(text: &str) -> String {
    match text.ends_with(['.', '!', '?']) {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

fn remedy(error: &Error, words: Words) -> String {
    let endpoint = words.name(&ENDPOINT);
    match &error.kind {
        ErrorKind::Dns { .. } => format!(
            "Check the host name in {endpoint} and the name resolution of this machine, or set \
             {endpoint} to an IP address."
        ),
        ErrorKind::Refused | ErrorKind::Connect { .. } => format!(
            "Check the host and port in {endpoint}. Proxmox VE listens on port 8006. On the host, \
             check that the pveproxy service is running and that no firewall blocks the connection."
        ),
        ErrorKind::Timeout { phase, .. } => timeout(*phase, words),
        ErrorKind::Lost { .. } => timeout(Phase::Response, words),
        ErrorKind::PlainHttp => {
            format!("Check the port in {endpoint}. Proxmox VE serves HTTPS on port 8006.")
        }
        ErrorKind::Proxy { failure, .. } => proxy(failure, words),
        ErrorKind::Tls { failure } => tls::remedy(failure, words),
        ErrorKind::Setup { .. } => format!(
            "Check {}, or set {} instead.",
            words.name(&CA_CERTIFICATE),
            words.name(&CERTIFICATE_FINGERPRINTS)
        ),
        ErrorKind::NotProxmox { .. } => format!(
            "Check the host, port and path in {endpoint}. They must lead to the API of Proxmox VE \
             itself, not to a login page, the default site of a load balancer or another product. \
             If a gateway requires a login of its own, set {}.",
            words.name(&HTTP_HEADERS)
        ),
        ErrorKind::Unauthenticated {
            failure, refusal, ..
        } => rejection::remedy(*failure, refusal, words),
        ErrorKind::ClocksDiffer { .. } => "Correct the clock that is wrong. `timedatectl` shows \
             whether a clock is synchronized."
            .to_owned(),
        ErrorKind::SecondFactorRequired { factors, .. } => second_factor(factors, words),
        ErrorKind::Forbidden { refusal } => {
            forbidden(&Forbidden::new(&error.request, refusal), words)
        }
        ErrorKind::NoQuorum { .. } => restore_quorum(words),
        ErrorKind::NoSuchUser { .. } => NO_SUCH_USER.to_owned(),
        ErrorKind::NoSuchToken { .. } => NO_SUCH_TOKEN.to_owned(),
        ErrorKind::NoSuchRole { .. } => words
            .choose(
                "Correct `role` in `acl`. The roles of the host are listed under Datacenter > \
                 Permissions > Roles.",
                "The roles of the host are listed under Datacenter > Permissions > Roles.",
            )
            .to_owned(),
        ErrorKind::TokenExists { .. } => TOKEN_EXISTS.to_owned(),
        ErrorKind::ParameterErrors { .. } => {
            "Correct the named value. Nothing was changed.".to_owned()
        }
        ErrorKind::LockTimeout { .. } => LOCK_TIMEOUT.to_owned(),
        ErrorKind::ProxyHop { .. } => PROXY_HOP.to_owned(),
        ErrorKind::Gateway { .. } => format!(
            "Proxmox VE never sends this status. Check the gateway or load balancer in front of \
             the host: its limits, its time-outs, and whether it reaches the host. Or set \
             {endpoint} to the host itself."
        ),
        ErrorKind::Cancelled => "Try again.".to_owned(),
        ErrorKind::Decode { .. } | ErrorKind::TooLarge { .. } => format!(
            "Check that {endpoint} leads to the API of Proxmox VE itself, and that no gateway changes \
             its responses. If it does, this version of Proxmox VE responds in a form that the \
             provider does not know. Please report it, with the version."
        ),
        ErrorKind::Api { refusal } if refusal.status == 501 => "The version of Proxmox VE on the \
             host does not have this request. Upgrade the host to Proxmox VE 8.2 or later."
            .to_owned(),
        _ => SERVER_ERROR.to_owned(),
    }
}

fn timeout(phase: Phase, words: Words) -> String {
    let limit = words.name(&REQUEST_TIMEOUT);
    let endpoint = words.name(&ENDPOINT);
    match phase {
        Phase::Connect(Step::Resolve) => format!(
            "Check the name servers of this machine, or set {endpoint} to an IP address. If the \
             resolver is slow, increase {limit}."
        ),
        Phase::Connect(Step::Handshake) => format!(
            "Check that {endpoint} leads to Proxmox VE, which listens on port 8006, and on the host \
             that the pveproxy service responds. A load balancer or firewall may accept connections \
             for a host that is down. If the connection is slow, increase {limit}."
        ),
        Phase::Connect(Step::Connect) => format!(
            "Check the host and port in {endpoint} and the firewalls in between. If the connection \
             is slow, increase {limit}."
        ),
        Phase::Response => format!(
            "If the host is slow, increase {limit}. On the host, check that the pveproxy and \
             pvedaemon services are running."
        ),
        Phase::Deadline => words
            .choose(
                "Increase the limit in `timeouts`. It includes the time spent waiting for other \
                 writes, for a login and for the next one-time code.",
                "Try again.",
            )
            .to_owned(),
    }
}

fn proxy(failure: &ProxyFailure, words: Words) -> String {
    let proxy_url = words.name(&PROXY_URL);
    match failure {
        ProxyFailure::Unauthenticated => format!(
            "Add the credentials of the proxy to {proxy_url}, as in \
             http://user:password@host:port, or to the environment variable that sets the proxy."
        ),
        _ => format!(
            "Check {proxy_url}, or the environment variables HTTPS_PROXY and ALL_PROXY if it is \
             not set, and check that the proxy allows connections to the host. To connect without \
             the proxy, add the host to NO_PROXY."
        ),
    }
}

fn second_factor(factors: &[String], words: Words) -> String {
    let (api_token, otp) = (words.name(&API_TOKEN), words.name(&OTP));
    let has = |kind: &str| factors.iter().any(|factor| factor == kind);
    let mut ways = Vec::new();
    if has("totp") {
        ways.push(format!(
            "set {} to the TOTP secret of the account, or {otp} to a current code",
            words.name(&TOTP_SECRET)
        ));
    }
    if has("recovery") {
        ways.push(format!(
            "set {otp} to `recovery:` and one of the recovery keys of the account, which the \
             command `login` accepts as well"
        ));
    }
    match ways.is_empty() {
        true => format!(
            "Set {api_token}: an API token needs no second factor. The second factors of this \
             account are interactive."
        ),
        false => format!(
            "Set {api_token}, since an API token needs no second factor. Otherwise, {}.",
            ways.join(", or ")
        ),
    }
}

fn forbidden(why: &Forbidden, words: Words) -> String {
    let login = format!("{} and {}", words.name(&USERNAME), words.name(&PASSWORD));
    let privilege = match why {
        Forbidden::OnlyRoot => {
            return format!(
                "Proxmox VE allows this request only to root@pam, logged in with a password. Set \
                 {login}."
            );
        }
        Forbidden::OnlyLogin => {
            return format!(
                "Proxmox VE allows this request only after a login with a password, regardless of \
                 the privileges of a token. Set {login}."
            );
        }
        Forbidden::Privilege(privilege) => privilege,
        Forbidden::UnnamedPrivilege => "a privilege that the server does not name",
    };
    format!(
        "The request needs {privilege}. Grant it to the user, and also to the API token if the \
         credential is a token with privilege separation."
    )
}
