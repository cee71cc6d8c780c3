//! A client for the access API of Proxmox VE.
//!
//! It authenticates (tokens, passwords with a second factor), verifies certificates (authorities,
//! pinned fingerprints), classifies the responses of the server, and checks a connection stage by
//! stage. It knows nothing of Terraform.
//!
//! A [`Client`] does no I/O until its first request. Clones are cheap, and share the connections,
//! the login, and the lock by which writes go one after another. A [`CachedClient`] also keeps the
//! responses that many readers need. Every call takes a [`Context`], which carries cancellation and
//! a deadline.
//!
//! ```no_run
//! use terraform_provider_proxmox::pve::{Context, Client, Credentials, Error, ErrorKind, Settings};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let token = "terraform@pve!ci=573e8a06-e698-427c-acd8-738410c8ee7f".parse()?;
//! let client = Client::new(Settings::new("pve1.example.com".parse()?, Credentials::Token(token)));
//! match client.version(&Context::default()).await {
//!     Ok(version) => println!("Proxmox VE {}", version.version),
//!     Err(Error { kind: ErrorKind::Unauthenticated { .. }, .. }) => println!("the server rejects the token"),
//!     Err(other) => return Err(other.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Odd behaviour of the server is cited by the name of the recording that shows it, such as
//! `036-token-create-duplicate`.

pub mod api;
mod audit;
mod auth;
mod cache;
mod cached_client;
mod client;
mod context;
pub mod diagnosis;
mod error;
mod foreign_text;
mod id;
mod lenient;
mod net;
mod permissions;
mod progress;
mod secret;
mod settings;
mod single_flight;
#[cfg(test)]
mod tests;
mod timestamp;
mod tls;
mod write_lock;

pub use api::access::{Owner, Realm, Role, Users};
pub use api::acl::{AclEntry, AclSubject, AclView};
pub use api::nodes::{ClusterNode, ClusterStatus, Node, Quorum};
pub use api::tasks::{NodeTasks, Task};
pub use api::tokens::{CreatedToken, Deletion, NewToken, TokenChange, TokenInfo};
pub use api::version::Version;
pub use audit::{Activity, Audit, AuditedToken};
pub use auth::credentials::{ApiToken, Credentials, LoginTicket};
pub use auth::totp::{TotpError, TotpSeed};
pub use cached_client::CachedClient;
pub use client::Client;
pub use context::Context;
pub use error::failure::{AuthFailure, Phase, ProxyFailure};
pub use error::refusal::Refusal;
pub use error::request::{RequestInfo, RequestKind};
pub use error::{Error, ErrorKind};
pub use id::{IdError, TokenId, TokenName, UserId};
pub use net::clock::ClockDifference;
pub use net::endpoint::{DEFAULT_PORT, Endpoint, EndpointError};
pub use net::headers::{ExtraHeaders, HeaderError};
pub use net::proxy::{NoProxy, Proxy, ProxyError};
pub use net::retry::Retries;
pub use permissions::entry::{Entry, SUPERUSER};
pub use permissions::masking::{Masked, masked};
pub use permissions::path::{is_below, normalise_path, refused_path};
pub use permissions::privileges::{Privileges, Rights};
pub use permissions::roles::{NO_ACCESS, Roles};
pub use progress::Step;
pub use secret::Secret;
pub use settings::Settings;
pub use timestamp::{Expiry, Timestamp};
pub use tls::bundle::{CaBundle, CaBundleError};
pub use tls::certificate::{Certificate, Fingerprint, FingerprintError};
pub use tls::client_identity::{ClientIdentity, ClientIdentityError};
pub use tls::failure::TlsFailure;
pub use tls::handshake::{CertificateName, CertificateNameError, TlsVersion, TlsVersionError};
pub use tls::policy::TlsPolicy;
pub use write_lock::WriteLock;
