//! `GET /version`: the version of the host, and whether it accepts the credentials.

use serde::Deserialize;

use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::foreign_text;
use crate::pve::net::request::Request;

/// The version of pve-manager. Features are probed by using them, never by comparing this.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// Such as `9.2.11`.
    #[serde(deserialize_with = "foreign_text::shown_text")]
    pub version: String,
    /// Such as `9.2`.
    #[serde(default, deserialize_with = "foreign_text::shown_text")]
    pub release: String,
    /// The commit it was built from.
    #[serde(default, deserialize_with = "foreign_text::shown_text")]
    pub repoid: String,
}

impl Version {
    /// The first part of the version, such as 9.
    pub fn major(&self) -> Option<u32> {
        self.version.split(['.', '-']).next()?.parse().ok()
    }
}

impl Client {
    /// The version of the host. Every authenticated caller may read it, so it proves that the
    /// credentials are accepted, and nothing about their privileges.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn version(&self, context: &Context) -> Result<Version, Error> {
        self.send(Request::get(&["version"]), context)
            .await?
            .decode()
    }
}
