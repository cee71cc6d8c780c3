//! The access control list.

use serde::Deserialize;

use crate::pve::client::Client;
use crate::pve::context::Context;
use crate::pve::error::Error;
use crate::pve::id::TokenId;
use crate::pve::lenient;
use crate::pve::net::request::Request;
use crate::pve::permissions::entry::{Entry, Subject};
use crate::pve::permissions::path::normalise_path;

/// The kind of an entry's subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AclSubject {
    /// A user.
    User,
    /// A group of users.
    Group,
    /// An API token.
    Token,
}

/// One role for one subject at one path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct AclEntry {
    /// The path, normalised.
    pub path: String,
    /// The kind of its subject.
    #[serde(rename = "type")]
    pub kind: AclSubject,
    /// The id of the user, group or token.
    #[serde(rename = "ugid")]
    pub subject: String,
    /// The role.
    #[serde(rename = "roleid")]
    pub role: String,
    /// Whether deeper paths inherit it.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub propagate: bool,
}

impl AclEntry {
    /// The subject and the entry, as the permission model has them.
    pub(in crate::pve) fn in_model(&self) -> (Subject<'_>, Entry<'_>) {
        let subject = match self.kind {
            AclSubject::User => Subject::User(&self.subject),
            AclSubject::Group => Subject::Group(&self.subject),
            AclSubject::Token => Subject::Token(&self.subject),
        };
        let entry = Entry {
            path: &self.path,
            role: &self.role,
            propagate: self.propagate,
        };
        (subject, entry)
    }
}

/// The access control list as one caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclView {
    /// The entries, in order.
    pub entries: Vec<AclEntry>,
    /// Whether nothing was left out. Otherwise the absence of an entry proves nothing.
    pub complete: bool,
}

impl AclView {
    /// The entries of one token.
    pub fn of_token(&self, token: &TokenId) -> impl Iterator<Item = &AclEntry> {
        let token = token.to_string();
        self.entries
            .iter()
            .filter(move |entry| entry.kind == AclSubject::Token && entry.subject == token)
    }
}

impl Client {
    /// The access control list, and whether it is complete: the server filters it for callers
    /// without `Sys.Audit` on `/access`.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn fetch_acl_view(&self, context: &Context) -> Result<AclView, Error> {
        let (entries, held) = tokio::join!(self.acl(context), self.permissions("/access", context));
        Ok(AclView {
            entries: entries?,
            complete: held?.contains("Sys.Audit"),
        })
    }

    /// The access control list, in order. Without `Sys.Audit` on `/access` the server leaves
    /// out every path that the caller may not modify, and does not say so: then the absence of an
    /// entry proves nothing.
    ///
    /// # Errors
    /// Any [`Error`] of a read.
    pub async fn acl(&self, context: &Context) -> Result<Vec<AclEntry>, Error> {
        let mut entries: Vec<AclEntry> = self
            .send(Request::get(&["access", "acl"]).list(), context)
            .await?
            .decode()?;
        entries.sort();
        Ok(entries)
    }

    /// Gives a token a role at a path, besides those it has; harmless when it has it. Granting
    /// again with another `propagate` changes that (recording `273-acl-set-token-noprop`).
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchToken`](crate::pve::error::ErrorKind::NoSuchToken), [`ErrorKind::NoSuchUser`](crate::pve::error::ErrorKind::NoSuchUser), [`ErrorKind::NoSuchRole`](crate::pve::error::ErrorKind::NoSuchRole),
    /// [`ErrorKind::ParameterErrors`](crate::pve::error::ErrorKind::ParameterErrors) for a path that the server does not know, and any other error
    /// of a write.
    pub async fn grant_acl(
        &self,
        token: &TokenId,
        path: &str,
        role: &str,
        propagate: bool,
        context: &Context,
    ) -> Result<(), Error> {
        let propagate = if propagate { "1" } else { "0" };
        self.change_acl(token, path, role, ("propagate", propagate), context)
            .await
    }

    /// Takes a role at a path from a token; harmless when it does not have it
    /// (recording `276-acl-delete-token-absent`).
    ///
    /// # Errors
    /// As [`Client::grant_acl`].
    pub async fn revoke_acl(
        &self,
        token: &TokenId,
        path: &str,
        role: &str,
        context: &Context,
    ) -> Result<(), Error> {
        self.change_acl(token, path, role, ("delete", "1"), context)
            .await
    }

    async fn change_acl(
        &self,
        token: &TokenId,
        path: &str,
        role: &str,
        how: (&'static str, &str),
        context: &Context,
    ) -> Result<(), Error> {
        let asked = Request::put(&["access", "acl"])
            .form(&[
                ("path", normalise_path(path)),
                ("tokens", token.to_string()),
                ("roles", role.to_owned()),
                (how.0, how.1.to_owned()),
            ])
            .about_token(token)
            .about_role(role);
        self.send(asked, context).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AclEntry, AclSubject};

    #[test]
    fn an_entry_is_read_as_recorded() {
        // 271-acl-set-token
        let entry: AclEntry = serde_json::from_value(json!({
            "propagate":0,"ugid":"demo@pve!use1","type":"token","path":"/","roleid":"PVEAuditor"
        }))
        .unwrap();
        assert_eq!(entry.kind, AclSubject::Token);
        assert_eq!(
            (entry.subject.as_str(), entry.role.as_str()),
            ("demo@pve!use1", "PVEAuditor")
        );
        assert!(!entry.propagate);
    }
}
