//! What to change, in the words of the provider's attributes.

use crate::pve::error::failure::{AuthFailure, Phase, ProxyFailure};
use crate::pve::error::refusal::Refusal;
use crate::pve::error::request::RequestInfo;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::tls::certificate::Certificate;
use crate::pve::tls::failure::TlsFailure;
use crate::pve::tls::handshake::TlsVersion;

/// Where an administrator finds the fingerprint to compare with.
const WHERE: &str = "Compare it with the one on the host under Node > System > Certificates";

pub(crate) fn remedy(error: &Error) -> String {
    match &error.kind {
        ErrorKind::Tls { failure, .. } => tls(failure),
        ErrorKind::Forbidden { refusal } => forbidden(&error.request, refusal),
        ErrorKind::SecondFactorRequired { factors, .. } => second_factor(factors).to_owned(),
        ErrorKind::Unauthenticated {
            failure, refusal, ..
        } => unauthenticated(*failure, refusal),
        ErrorKind::NoSuchRole { .. } => {
            "Correct role in acl: the roles of a host are under Datacenter > \
             Permissions > Roles."
                .to_owned()
        }
        ErrorKind::ParameterErrors { .. } => "Correct the value that is named there: nothing was \
             changed."
            .to_owned(),
        ErrorKind::Cancelled => "Run it again.".to_owned(),
        ErrorKind::Timeout {
            phase: Phase::Deadline,
            ..
        } => {
            "Raise the limit in timeouts: it counts waiting for other writes, for a login and for \
             the next one-time code, too."
                .to_owned()
        }
        other => format!(
            "{} (endpoint is {}).",
            advice(other),
            error.request.endpoint
        ),
    }
}

fn advice(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Dns { .. } => {
            "Check the host name in endpoint and this machine's name service, or set endpoint to \
             an address"
        }
        ErrorKind::Refused | ErrorKind::Connect { .. } => {
            "Check host and port in endpoint: Proxmox VE listens on port 8006. On the host, see \
             that the service pveproxy runs and that no firewall stands in between"
        }
        ErrorKind::Timeout {
            phase: Phase::Connect,
            ..
        } => {
            "Check host and port in endpoint and the firewalls in between, or raise \
             request_timeout for a slow line"
        }
        ErrorKind::Timeout { .. } | ErrorKind::Lost { .. } => {
            "Raise request_timeout if the host is slow; on the host, see that the services \
             pveproxy and pvedaemon run"
        }
        ErrorKind::PlainHttp => "Check the port in endpoint: Proxmox VE speaks https on port 8006",
        ErrorKind::Proxy {
            failure: ProxyFailure::Unauthenticated,
            ..
        } => {
            "Put the credentials for the proxy into proxy_url, as in \
             http://user:password@host:port, or into the variable that names the proxy"
        }
        ErrorKind::Proxy { .. } => {
            "Check proxy_url, or the variable HTTPS_PROXY or ALL_PROXY that stands in for it, and \
             that the proxy may lead there; if the host is to be reached without it, name the \
             host in NO_PROXY"
        }
        ErrorKind::Setup { .. } => "Check ca_certificate, or set certificate_fingerprints instead",
        ErrorKind::NotProxmox { .. } => {
            "Check host, port and path in endpoint: they must lead to the API of Proxmox VE \
             itself, not to a login page, a load balancer's default site or another product"
        }
        ErrorKind::NoQuorum { .. } => {
            "Set endpoint to a node that is with the majority, or bring the nodes of the cluster \
             back together"
        }
        ErrorKind::LockTimeout { .. } => {
            "Run it again; if it stays so, somebody else writes the user configuration all the \
             time, or a node hangs while it holds the lock"
        }
        ErrorKind::ProxyHop { .. } => {
            "On the host, see that the service pvedaemon runs and that the nodes reach each \
             other; no setting of this provider takes part in that"
        }
        _ => {
            "The host answers and cannot serve the request; its journal (journalctl -u pveproxy \
             -u pvedaemon -u pve-cluster) says why"
        }
    }
}

fn tls(failure: &TlsFailure) -> String {
    match failure {
        TlsFailure::Untrusted(seen) => trust(
            seen,
            "set ca_certificate to the authority of the cluster, /etc/pve/pve-root-ca.pem on any \
             node, which holds for all its nodes and outlives renewals",
        ),
        TlsFailure::NameMismatch(seen) => trust(
            seen,
            "set endpoint to a name that the certificate is valid for, or tls_server_name to that \
             name",
        ),
        TlsFailure::Expired(seen) => trust(
            seen,
            "renew the certificate (pvecm updatecerts --force on the host)",
        ),
        TlsFailure::NotYetValid(_) => {
            "Check the clocks of this machine and of the host.".to_owned()
        }
        TlsFailure::FingerprintMismatch(seen) => format!(
            "{WHERE}. If they are equal, the certificate was renewed or this is another node, and \
             {} belongs into certificate_fingerprints; the authority of the cluster in \
             ca_certificate would outlive renewals. If they are not, somebody else answers.",
            seen.fingerprint
        ),
        TlsFailure::Version(TlsVersion::Tls12) => "Update the host, or whatever ends TLS in front \
             of it: versions before TLS 1.2 are broken, and min_tls_version cannot allow them."
            .to_owned(),
        TlsFailure::Version(TlsVersion::Tls13) => {
            "Set min_tls_version to \"1.2\", or let the host offer TLS 1.3.".to_owned()
        }
        TlsFailure::Other { .. } => "The handshake failed before the certificate could be \
             judged: see that endpoint leads to Proxmox VE itself and that it offers TLS 1.2 or \
             1.3."
            .to_owned(),
    }
}

/// How to come to trust a certificate, the way that lasts before the pin.
fn trust(seen: &Certificate, lasting: &str) -> String {
    format!(
        "{WHERE}. If they are equal, {lasting}; or pin this one certificate with \
         certificate_fingerprints = [\"{}\"]. With verify_ssl = false anybody would be trusted.",
        seen.fingerprint
    )
}

/// Tickets, and codes that somebody typed, are judged by the host's clock.
fn unauthenticated(failure: AuthFailure, refusal: &Refusal) -> String {
    let timed = matches!(failure, AuthFailure::SecondFactor | AuthFailure::Ticket);
    let advice = credentials(failure);
    match refusal.clock_doubt().filter(|_| timed) {
        Some(_) => format!(
            "{advice} If it is the host's clock that is off, set that right first (timedatectl \
             shows whether it follows a time server): tickets, and codes that were typed in, are \
             judged by it."
        ),
        None => advice.to_owned(),
    }
}

fn credentials(failure: AuthFailure) -> &'static str {
    match failure {
        AuthFailure::Token => {
            "Check api_token, or api_token_id and api_token_secret: see under Datacenter > \
             Permissions > API Tokens that the token exists and has not expired, and under Users \
             that its owner is enabled. A lost secret cannot be shown again, only replaced."
        }
        AuthFailure::Password => "Check username, with its realm as in root@pam, and password.",
        AuthFailure::SecondFactor => {
            "Check totp_secret, or set otp to a new code: each is good once, and for half a \
             minute. An api_token needs no second factor."
        }
        AuthFailure::Ticket => {
            "Run it again, with a new auth_ticket and csrf_prevention_token if that is what was \
             set: a login lives for two hours. An api_token does not run out in between."
        }
        AuthFailure::Nothing => "Set api_token, or username and password.",
    }
}

fn second_factor(factors: &[String]) -> &'static str {
    if factors.iter().any(|factor| factor == "totp") {
        "Set totp_secret to the seed of the account's one-time codes, or otp to one of them, or use \
         an api_token, which needs no second factor."
    } else {
        "Use an api_token, which needs no second factor: the factors of this account need a person."
    }
}

/// What to grant, or that nothing can be granted.
fn forbidden(request: &RequestInfo, refusal: &Refusal) -> String {
    if refusal.message.contains("root@pam") {
        return "The host allows this call to root@pam alone, logged in with a password: set username \
                and password."
            .to_owned();
    }
    if refusal.message.contains("not available with API token") {
        return "The host allows this call to a password login only, whatever the token may do: set \
                username and password."
            .to_owned();
    }
    let missing = named(refusal).unwrap_or_else(|| unnamed(request).to_owned());
    format!(
        "It needs {missing}: granted to the token of the provider itself if that has privilege \
         separation, and to its owner in any case."
    )
}

/// Most refusals name the path and the privilege: `Permission check failed (/, Sys.Audit)`
/// (recording `180-use-cluster-status-unprivileged`).
fn named(refusal: &Refusal) -> Option<String> {
    let (_, rest) = refusal.message.split_once('(')?;
    let (path, privileges) = rest.strip_suffix(')')?.split_once(", ")?;
    path.starts_with('/')
        .then(|| format!("{privileges} on {path}"))
}

/// The calls about users and tokens do not say what they lack
/// (recording `144-token-update-unprivileged`).
fn unnamed(request: &RequestInfo) -> &'static str {
    let path = &request.path;
    if path.starts_with("/access/users/") && (request.is_write() || path.contains("/token")) {
        "User.Modify on /access/groups, or on a group of the token's owner"
    } else if path == "/access/acl" {
        "Permissions.Modify on the path of the grant"
    } else if path.starts_with("/access") {
        "Sys.Audit on /access"
    } else {
        "a privilege that the host does not name"
    }
}
