//! Tables of the documentation that repeat what the code defines: the statuses of a connection check,
//! and the attributes of a connection with their environment variables. `cargo xtask docs` puts them
//! into the pages, so a page cannot name a status or a variable that does not exist.

use crate::provider::settings::definition::Definition;
use crate::provider::settings::{credentials, tls};
use crate::pve::diagnosis::Status;

/// The tables in Markdown, by the name that marks their place in a page.
pub fn tables() -> [(&'static str, String); 3] {
    [
        ("statuses", statuses()),
        ("credentials", attributes(&credentials::DEFINITIONS)),
        ("tls", attributes(&tls::DEFINITIONS)),
    ]
}

fn statuses() -> String {
    let rows = Status::ALL.into_iter().map(|status| {
        let Row {
            stage,
            meaning,
            remedy,
        } = row(status);
        format!("| `{status}` | {stage} | {meaning} | {remedy} |\n")
    });
    let head = "| status | stage | meaning | remedy |\n| --- | --- | --- | --- |\n";
    std::iter::once(head.to_owned()).chain(rows).collect()
}

/// What the page says of one status.
struct Row {
    stage: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

fn row(status: Status) -> Row {
    let (stage, meaning, remedy) = match status {
        Status::Ok => ("", "Everything that was asked for works.", ""),
        Status::InvalidEndpoint => (
            "endpoint",
            "`endpoint` is not a valid address.",
            "Set `endpoint` to a host name, an IP address or a URL.",
        ),
        Status::DnsFailure => (
            "DNS",
            "The name of the host does not resolve.",
            "Correct `endpoint`, or the name server of this machine. A name that only a proxy \
             resolves needs `proxy_url` with the scheme `http` or `socks5h`.",
        ),
        Status::ConnectionRefused => (
            "TCP",
            "Nothing listens at the address, there is no route to it, or the proxy did not connect \
             to it.",
            "Correct the host or port in `endpoint`. On the host, `systemctl status pveproxy` \
             shows whether the API runs.",
        ),
        Status::Timeout => (
            "TCP or later",
            "No connection within about three tenths of `request_timeout` (at most 10 s), or no \
             response within `request_timeout`.",
            "Allow the connection in the firewall, or increase `request_timeout`.",
        ),
        Status::TlsUntrusted => (
            "TLS",
            "The authority of the certificate is not trusted, or the handshake failed. The message \
             shows the certificate.",
            "Set `ca_certificate` to the authority of the cluster (`/etc/pve/pve-root-ca.pem`), or \
             pin the certificate with `certificate_fingerprints`.",
        ),
        Status::TlsNameMismatch => (
            "TLS",
            "The certificate does not contain the name or address in `endpoint`.",
            "Use a name that the certificate contains, or set `tls_server_name` to one.",
        ),
        Status::TlsExpired => (
            "TLS",
            "The certificate has expired or is not valid yet.",
            "Renew the certificate: `pvecm updatecerts --force` on the host. Compare the clocks of \
             both machines.",
        ),
        Status::TlsFingerprintMismatch => (
            "TLS",
            "The certificate is none of those in `certificate_fingerprints`.",
            "Compare the fingerprint with Node > System > Certificates. Replace the pin after a \
             renewal.",
        ),
        Status::NotProxmox => (
            "TLS or Proxmox",
            "The server speaks plain HTTP, shows a login page, or is Proxmox Backup Server, Mail \
             Gateway or Datacenter Manager. No credential was sent.",
            "Correct `endpoint`. For a gateway, set `http_headers` or `client_certificate`.",
        ),
        Status::Unauthenticated => (
            "authentication, second factor",
            "The server refused the credential.",
            "Correct the ID and the secret. A token that has expired, or whose owner is disabled, \
             is refused with the same message.",
        ),
        Status::SecondFactorRequired => (
            "second factor",
            "The password is correct, but the required second factor is not configured.",
            "Set `totp_secret` or `otp`, or use an API token, which needs no second factor.",
        ),
        Status::PermissionDenied => (
            "any later stage",
            "The server refused a request.",
            "Grant the privilege that the message names.",
        ),
        Status::MissingPrivileges => (
            "privileges",
            "Some of `required_privileges` are missing. The message lists them with their paths.",
            "Grant the role that the message names, to the token or to its owner.",
        ),
        Status::NoQuorum => (
            "cluster",
            "The node is cut off from the majority of its cluster. The node is read-only.",
            "Connect to another node, or restore the quorum. `pvecm status` on the host lists the \
             nodes.",
        ),
        Status::ClusterDegraded => (
            "cluster",
            "Some nodes are offline. This is not a failure: `ok` is `true`.",
            "Bring the offline nodes back.",
        ),
        Status::ServerError => (
            "any stage",
            "The server responded with an error of its own, or one of its daemons does not respond.",
            "See the journal of the host: `journalctl -u pveproxy -u pvedaemon`.",
        ),
        Status::UnsupportedVersion => (
            "authentication",
            "The server is older than Proxmox VE 7.",
            "Upgrade the host.",
        ),
    };
    Row {
        stage,
        meaning,
        remedy,
    }
}

fn attributes(definitions: &[&Definition]) -> String {
    let rows = definitions.iter().map(|definition| {
        let variables = definition.variables.iter();
        let (own, fallback): (Vec<&str>, Vec<&str>) =
            variables.partition(|name| name.starts_with("PROXMOX_VE_"));
        let (own, fallback) = (code(&own), code(&fallback));
        format!("| `{}` | {own} | {fallback} |\n", definition.name)
    });
    let head = "| attribute | environment variable | fallback |\n| --- | --- | --- |\n";
    std::iter::once(head.to_owned()).chain(rows).collect()
}

fn code(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell() {
        for (name, table) in tables() {
            let mut lines = table.lines();
            let columns = lines.next().unwrap().matches('|').count();
            for line in lines {
                assert_eq!(line.matches('|').count(), columns, "{name}: {line}");
            }
        }
    }
}
