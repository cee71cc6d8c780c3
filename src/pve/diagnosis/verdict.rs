//! What an error means for the person who configured the connection.

use super::super::error::{Answer, AuthFailure, Error, Phase, TlsFailure};
use super::super::{Certificate, Fingerprint};
use super::report::{Stage, Status};

/// Where an administrator finds the fingerprint to compare with.
const WHERE: &str = "Compare it with the one on the host under Node > System > Certificates";

/// One word, one sentence and one piece of advice for an error of any call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome in one word.
    pub status: Status,
    /// The stage of a check at which such an error arises.
    pub stage: Stage,
    /// What happened.
    pub message: String,
    /// What to change.
    pub remedy: String,
}

impl Verdict {
    fn new(status: Status, stage: Stage, error: &Error, remedy: impl Into<String>) -> Self {
        Self {
            status,
            stage,
            message: format!("{error}."),
            remedy: remedy.into(),
        }
    }
}

impl From<&Error> for Verdict {
    fn from(error: &Error) -> Self {
        let endpoint = &error.request().endpoint;
        let verdict = |status, stage, remedy: String| Self::new(status, stage, error, remedy);
        match error {
            Error::Dns { .. } => verdict(
                Status::DnsFailure,
                Stage::Dns,
                format!("Check the host name in endpoint ({endpoint}) and this machine's name service, or set endpoint to an address."),
            ),
            Error::Refused { .. } | Error::Connect { .. } => verdict(
                Status::ConnectionRefused,
                Stage::Tcp,
                format!("Check host and port in endpoint ({endpoint}): Proxmox VE listens on port 8006. On the host, see that the service pveproxy runs and no firewall stands in between."),
            ),
            Error::Timeout { phase: Phase::Connect, .. } => verdict(
                Status::Timeout,
                Stage::Tcp,
                format!("Check host and port in endpoint ({endpoint}) and the firewalls in between, or raise request_timeout for a slow line."),
            ),
            Error::Timeout { .. } | Error::Lost { .. } => verdict(
                Status::Timeout,
                Stage::Proxmox,
                "Raise request_timeout if the host is slow; on the host, see that the services pveproxy and pvedaemon run.".to_owned(),
            ),
            Error::Cancelled { .. } => verdict(Status::Timeout, Stage::Proxmox, "Run it again.".to_owned()),
            Error::Tls { failure, .. } => tls(error, failure),
            Error::PlainHttp { .. } => verdict(
                Status::NotProxmox,
                Stage::Tls,
                format!("Check the port in endpoint ({endpoint}): Proxmox VE speaks https on port 8006."),
            ),
            Error::Setup { .. } => verdict(
                Status::TlsUntrusted,
                Stage::Tls,
                "Check ca_certificate, or set certificate_fingerprints instead.".to_owned(),
            ),
            Error::NotProxmox { .. } | Error::Decode { .. } | Error::TooLarge { .. } => verdict(
                Status::NotProxmox,
                Stage::Proxmox,
                format!("Check host, port and path in endpoint ({endpoint}): they must lead to the API of Proxmox VE itself, not to a login page, a load balancer's default site or another product."),
            ),
            Error::Unauthenticated { failure, .. } => verdict(Status::Unauthenticated, Stage::Authentication, credentials(*failure).to_owned()),
            Error::SecondFactorRequired { factors, .. } => verdict(
                Status::SecondFactorRequired,
                Stage::Authentication,
                second_factor(factors),
            ),
            Error::Forbidden { answer } => verdict(Status::PermissionDenied, Stage::Privileges, forbidden(answer)),
            Error::NoQuorum { .. } => verdict(
                Status::NoQuorum,
                Stage::Cluster,
                "Set endpoint to a node that is with the majority, or bring the cluster's nodes back together (pvecm status on the host shows them).".to_owned(),
            ),
            Error::LockTimeout { .. } => verdict(
                Status::ServerError,
                Stage::Cluster,
                "Run it again; if it stays so, somebody else is writing the user configuration all the time, or a node hangs while it holds the lock.".to_owned(),
            ),
            Error::ProxyHop { .. } => verdict(
                Status::ServerError,
                Stage::Proxmox,
                "On the host, see that the service pvedaemon runs and that the nodes reach each other; no setting of this provider takes part in that.".to_owned(),
            ),
            Error::NoSuchToken { .. }
            | Error::NoSuchUser { .. }
            | Error::NoSuchRole { .. }
            | Error::TokenExists { .. }
            | Error::ParameterErrors { .. }
            | Error::Api { .. } => verdict(
                Status::ServerError,
                Stage::Proxmox,
                "The host answers and cannot serve the request: its journal (journalctl -u pveproxy -u pvedaemon -u pve-cluster) says why.".to_owned(),
            ),
        }
    }
}

fn tls(error: &Error, failure: &TlsFailure) -> Verdict {
    let verdict = |status, remedy: String| Verdict::new(status, Stage::Tls, error, remedy);
    let seen = |certificate: &Certificate| certificate.fingerprint;
    match failure {
        TlsFailure::Untrusted(certificate) => verdict(Status::TlsUntrusted, pin(seen(certificate), "or set ca_certificate to the cluster's authority, /etc/pve/pve-root-ca.pem on any node")),
        TlsFailure::NameMismatch(certificate) => verdict(
            Status::TlsNameMismatch,
            pin(seen(certificate), "or set endpoint to a name that the certificate is valid for"),
        ),
        TlsFailure::Expired(certificate) => verdict(
            Status::TlsExpired,
            pin(seen(certificate), "or renew the certificate (pvecm updatecerts --force on the host)"),
        ),
        TlsFailure::NotYetValid(_) => verdict(
            Status::TlsExpired,
            "Check the clocks of this machine and of the host.".to_owned(),
        ),
        TlsFailure::FingerprintMismatch(certificate) => verdict(
            Status::TlsFingerprintMismatch,
            format!(
                "{WHERE}: if they are equal, the certificate was renewed or this is another node, and {} belongs into certificate_fingerprints; if not, somebody else answers.",
                seen(certificate)
            ),
        ),
        TlsFailure::Other { .. } => verdict(
            Status::TlsUntrusted,
            "The handshake failed before a certificate could be judged: see that endpoint leads to Proxmox VE itself and that TLS 1.2 or 1.3 is offered.".to_owned(),
        ),
    }
}

/// How to trust a certificate that nobody vouches for, and what to do instead.
fn pin(seen: Fingerprint, instead: &str) -> String {
    format!(
        "{WHERE} and, if they are equal, set certificate_fingerprints = [\"{seen}\"]; {instead}. verify_ssl = false would trust anybody."
    )
}

fn credentials(failure: AuthFailure) -> &'static str {
    match failure {
        AuthFailure::Token => {
            "Check api_token, or api_token_id and api_token_secret: under Datacenter > Permissions > API Tokens see that the token exists and has not expired, under Users that its owner is enabled. A lost secret cannot be shown again, only replaced."
        }
        AuthFailure::Password => "Check username, with its realm as in root@pam, and password.",
        AuthFailure::SecondFactor => {
            "Check totp_secret and the clocks of this machine and of the host. An api_token needs no second factor."
        }
        AuthFailure::Ticket => {
            "Run it again: a login lives for two hours. An api_token does not run out in between."
        }
        AuthFailure::Nothing => "Set api_token, or username and password.",
    }
}

fn second_factor(factors: &[String]) -> String {
    if factors.iter().any(|factor| factor == "totp") {
        "Set totp_secret to the seed of the account's one-time codes, or use an api_token, which needs no second factor.".to_owned()
    } else {
        "Use an api_token, which needs no second factor: this account's factors need a person."
            .to_owned()
    }
}

/// What to grant, or that nothing can be granted.
fn forbidden(answer: &Answer) -> String {
    if answer.message.contains("not available with API token")
        || answer.message.contains("root@pam")
    {
        return "The host allows this call to a password login only, whatever the token may do: set username and password.".to_owned();
    }
    let missing = named(answer).unwrap_or_else(|| unnamed(answer).to_owned());
    format!(
        "It needs {missing}: granted to the token of the provider itself if that has privilege separation, and to its owner in any case."
    )
}

/// Most refusals name the path and the privilege: `Permission check failed (/, Sys.Audit)`
/// (recording `180-use-cluster-status-unprivileged`).
fn named(answer: &Answer) -> Option<String> {
    let (_, rest) = answer.message.split_once('(')?;
    let (path, privileges) = rest.strip_suffix(')')?.split_once(", ")?;
    path.starts_with('/')
        .then(|| format!("{privileges} on {path}"))
}

/// The calls about users and tokens do not say what they lack
/// (recording `144-token-update-unprivileged`).
fn unnamed(answer: &Answer) -> &'static str {
    let path = &answer.request.path;
    if path.starts_with("/access/users/") && answer.request.is_write() {
        "User.Modify on /access/groups, or on a group of the token's owner"
    } else if path.starts_with("/access/users/") && path.contains("/token") {
        "User.Modify on /access/groups, or on a group of the token's owner (a ticket of the owner reads them too)"
    } else if path == "/access/acl" {
        "Permissions.Modify on the path of the grant"
    } else if path.starts_with("/access") {
        "Sys.Audit on /access"
    } else {
        "a privilege that the host does not name"
    }
}
