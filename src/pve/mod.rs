//! A client for the access API of Proxmox VE.
//!
//! It knows how one proves one's identity (tokens, passwords with a second factor), whom one
//! trusts (authorities, pinned fingerprints), what the answers and refusals of the server mean,
//! and how a connection is checked stage by stage. It knows nothing of Terraform.
//!
//! A [`Client`] is made without touching the network and may be cloned freely: clones share
//! connections, the login, what was read, and the lane in which writes go one after another.
//! Every call takes a [`Call`], through which it can be cancelled or given a deadline.
//!
//! ```no_run
//! use terraform_provider_proxmox::pve::{Call, Client, Credentials, Error, Settings};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let token = "terraform@pve!ci=573e8a06-e698-427c-acd8-738410c8ee7f".parse()?;
//! let client = Client::new(Settings::new("pve1.example.com".parse()?, Credentials::Token(token)));
//! match client.version(&Call::default()).await {
//!     Ok(version) => println!("Proxmox VE {}", version.version),
//!     Err(Error::Unauthenticated { .. }) => println!("the token is not accepted"),
//!     Err(other) => return Err(other.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Behaviour of the server that looks odd is cited by the name of the recording that shows it,
//! such as `036-token-create-duplicate`.

mod acl_path;
mod answer;
pub mod api;
mod ask;
mod audit;
mod call;
mod certificate;
mod classify;
mod client;
mod clock;
mod credentials;
pub mod diagnosis;
mod endpoint;
mod error;
mod failover;
mod failure;
mod handshake;
mod headers;
mod id;
mod lane;
mod ledger;
mod login;
mod proxy;
mod reach;
mod reads;
mod retry;
mod secret;
mod session;
mod settings;
mod single_flight;
#[cfg(test)]
mod tests;
mod tls;
mod totp;
mod transport;
mod young;

pub use acl_path::path_doubt;
pub use answer::{Answer, RequestLine};
pub use api::access::{Owner, Privileges, Realm, Role, Users, normalise_path};
pub use api::acl::{AclEntry, AclSubject, AclView};
pub use api::nodes::{ClusterNode, ClusterStatus, Node, majority_online};
pub use api::rights::{Rights, Roles, is_below};
pub use api::tasks::{NodeTasks, Task};
pub use api::tokens::{CreatedToken, Deletion, NewToken, TokenChange, TokenInfo};
pub use api::version::Version;
pub use audit::{Activity, Audit, AuditedToken};
pub use call::Call;
pub use certificate::{Certificate, Fingerprint, FingerprintError};
pub use client::Client;
pub use credentials::{ApiToken, Credentials, LoginTicket};
pub use endpoint::{DEFAULT_PORT, Endpoint, EndpointError};
pub use error::Error;
pub use failure::{AuthFailure, Phase, ProxyFailure, TlsFailure};
pub use handshake::{CertificateName, CertificateNameError, TlsVersion, TlsVersionError};
pub use headers::{ExtraHeaders, HeaderError};
pub use id::{IdError, TokenId, TokenName, UserId};
pub use lane::Lane;
pub use proxy::{NoProxy, Proxy, ProxyError};
pub use retry::Retries;
pub use secret::Secret;
pub use settings::Settings;
pub use tls::{CaBundle, CaBundleError, TlsPolicy};
pub use totp::{TotpError, TotpSeed};
