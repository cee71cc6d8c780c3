//! The schema of the provider block.

use tf_provider::schema::{Attribute, AttributeType, Schema};

use crate::framework::schema;

/// The schema of the provider block.
pub fn schema() -> Schema {
    let clusters = (
        "clusters",
        schema::optional(
            AttributeType::AttributeMap(schema::named(attributes())),
            "Further clusters by a name of your choice (a single host is a cluster of one), each \
             with the attributes of this block, so that one provider block serves a fleet: \
             resources and data sources choose one by `cluster`. TLS settings, proxy, headers, \
             retries and time limits are inherited from the block where a cluster has none of its \
             own; addresses and credentials never are.",
        ),
    );
    schema::schema(
        "Credentials of Proxmox VE as code: mints, scopes, checks and revokes API tokens, and \
         proves that a connection works before anything depends on it.\n\n\
         Every setting can also come from the environment, as `PROXMOX_VE_` and its name in \
         capitals (`PROXMOX_VE_ENDPOINT`). The block beats the environment, and a credential is \
         never put together from both. Nothing connects until something needs to.",
        attributes().into_iter().chain([clusters]),
    )
}

/// The attributes of one connection.
pub fn attributes() -> [(&'static str, Attribute); 20] {
    use AttributeType::{Bool, Number, String};
    use schema::{optional, sensitive};

    [
        (
            "endpoint",
            optional(
                String,
                "Address of a Proxmox VE node: a URL (`https://pve1.example.com:8006/`), \
                     `host`, `host:port` or an IP address. https and port 8006 are assumed. \
                     Environment: `PROXMOX_VE_ENDPOINT`, else `PM_API_URL`.",
            ),
        ),
        (
            "endpoints",
            optional(
                schema::list_of_strings(),
                "Further nodes of the same cluster. The next one is asked when one cannot be \
                     reached or gives no answer to a read. A change that may have taken effect is \
                     never sent to a second node, and after a change everything stays with the \
                     node that took it. Certificates must be acceptable on each of them. \
                     Environment: `PROXMOX_VE_ENDPOINTS`, separated by commas.",
            ),
        ),
        (
            "api_token",
            sensitive(optional(
                String,
                "API token in one string, `user@realm!name=secret`. \
                     Environment: `PROXMOX_VE_API_TOKEN`.",
            )),
        ),
        (
            "api_token_id",
            optional(
                String,
                "Token id for `api_token_secret`: in full, `user@realm!name`, or `name` alone \
                     beside `username`. \
                     Environment: `PROXMOX_VE_API_TOKEN_ID`, else `PM_API_TOKEN_ID`.",
            ),
        ),
        (
            "api_token_secret",
            sensitive(optional(
                String,
                "Secret of the token that `api_token_id` names (a UUID). \
                     Environment: `PROXMOX_VE_API_TOKEN_SECRET`, else `PM_API_TOKEN_SECRET`.",
            )),
        ),
        (
            "username",
            optional(
                String,
                "User with realm, such as `root@pam`: for `password`, or for a short \
                     `api_token_id`. Environment: `PROXMOX_VE_USERNAME`, else `PM_USER`.",
            ),
        ),
        (
            "password",
            sensitive(optional(
                String,
                "Password of `username`. \
                     Environment: `PROXMOX_VE_PASSWORD`, else `PM_PASS`.",
            )),
        ),
        (
            "totp_secret",
            sensitive(optional(
                String,
                "Base32 seed of the time-based codes of `username`, where the account has a \
                     second factor. Password and seed side by side are one factor, not two: \
                     prefer a token once there is one. \
                     Environment: `PROXMOX_VE_TOTP_SECRET`.",
            )),
        ),
        (
            "otp",
            sensitive(optional(
                String,
                "One code of the second factor of `username`, in place of `totp_secret`: \
                 `123456` from an app, or `recovery:` and a recovery key. It is good for one \
                 login, which is kept for apply: a plan does not look at what is there, and \
                 fails where it has to, for a data source or an import. \
                 Environment: `PROXMOX_VE_OTP`, else `PM_OTP`.",
            )),
        ),
        (
            "auth_ticket",
            sensitive(optional(
                String,
                "Ticket of a login that was made before, `PVE:user@realm:...`, beside \
                 `csrf_prevention_token`: for accounts whose second factor needs a person. \
                 The command `terraform-provider-proxmox login` logs in and prints both. A \
                 ticket lives for two hours, for longer while a run works with it, and \
                 cannot be revoked. \
                 Environment: `PROXMOX_VE_AUTH_TICKET`.",
            )),
        ),
        (
            "csrf_prevention_token",
            sensitive(optional(
                String,
                "What the server gave together with `auth_ticket`; every change needs it. \
                 Environment: `PROXMOX_VE_CSRF_PREVENTION_TOKEN`.",
            )),
        ),
        (
            "verify_ssl",
            optional(
                Bool,
                "Whether the server's certificate is checked. True unless set; before setting \
                     it to false, use `ca_certificate` or `certificate_fingerprints`. \
                     Environment: `PROXMOX_VE_VERIFY_SSL`, or `PROXMOX_VE_INSECURE` and \
                     `PM_TLS_INSECURE` with the opposite meaning.",
            ),
        ),
        (
            "ca_certificate",
            optional(
                String,
                "Certificate authorities to trust instead of the system's, as PEM text or as \
                     the path of a PEM file. The authority of a cluster is \
                     `/etc/pve/pve-root-ca.pem` on each of its nodes. \
                     Environment: `PROXMOX_VE_CA_CERTIFICATE`.",
            ),
        ),
        (
            "certificate_fingerprints",
            optional(
                schema::list_of_strings(),
                "SHA-256 fingerprints of certificates to accept, one for each node, in place \
                     of checking chain and name. The web interface shows a node's under \
                     Node > System > Certificates. \
                     Environment: `PROXMOX_VE_CERTIFICATE_FINGERPRINTS`, separated by commas.",
            ),
        ),
        (
            "tls_server_name",
            optional(
                String,
                "Name that the certificate must be valid for, where that is not the host of \
                     `endpoint`: for a node that is addressed by an IP address or through a \
                     tunnel. \
                     Environment: `PROXMOX_VE_TLS_SERVER_NAME`.",
            ),
        ),
        (
            "min_tls_version",
            optional(
                String,
                "Oldest version of TLS to speak: `1.2`, which is also the default, or `1.3`. \
                     Environment: `PROXMOX_VE_MIN_TLS_VERSION`, else `PROXMOX_VE_MIN_TLS`.",
            ),
        ),
        (
            "proxy_url",
            sensitive(optional(
                String,
                "HTTP proxy that leads to the host, as `http://host:port` or \
                     `http://user:password@host:port`. Unless set, `HTTPS_PROXY` or `ALL_PROXY` \
                     is used, but not for the hosts in `NO_PROXY` and not for this machine; an \
                     empty text means no proxy at all. \
                     Environment: `PROXMOX_VE_PROXY_URL`, else `PM_PROXY`.",
            )),
        ),
        (
            "http_headers",
            sensitive(optional(
                AttributeType::Map(Box::new(String)),
                "Headers to send with every request, by name: for a gateway in front of Proxmox \
                     VE that wants them. Headers that the provider sets itself, such as \
                     `Authorization`, `Cookie` and `Host`, are refused. \
                     Environment: `PROXMOX_VE_HTTP_HEADERS`, as `Name: value`, one a line.",
            )),
        ),
        (
            "request_timeout",
            optional(
                String,
                "Longest time one request may take, as a duration such as `30s`, which is \
                     also the default. A connection may take about three tenths of it, and \
                     ten seconds at most. \
                     Environment: `PROXMOX_VE_REQUEST_TIMEOUT`, else `PM_TIMEOUT`.",
            ),
        ),
        (
            "max_retries",
            optional(
                Number,
                "How often a read is repeated whose connection broke, and a change that was \
                     refused because somebody else held the cluster's lock; 0 to 20. Once and \
                     twice unless set. A change that may have taken effect is never repeated. \
                     Environment: `PROXMOX_VE_MAX_RETRIES`.",
            ),
        ),
    ]
}
