//! The ephemeral resource `proxmox_ticket`: a login for a provider or tool that takes no API token.
//!
//! It hands out the ticket of the connection, which is made with a password and, where the account
//! has one, a second factor. The server has no way to revoke a ticket, so closing does nothing.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Deferred, EphemeralResource, Opened, Problem, Renewed, schema};
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::attributes::timestamp;
use crate::provider::clients::{Connections, cluster_attribute, connection_name, context};
use crate::provider::diagnostics;

const NAME: &str = "ephemeral.proxmox_ticket";
const UNABLE_TO_LOG_IN: &str = "Unable to log in for a ticket";

/// A login of one run.
pub struct EphemeralTicket {
    connections: Connections,
}

impl EphemeralTicket {
    /// An ephemeral resource that uses the provider's connections.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// The attributes of the ephemeral block.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Model {
    cluster: Value<String>,
    username: Value<String>,
    ticket: Value<StoredSecret>,
    csrf_prevention_token: Value<StoredSecret>,
    expires_at: Value<String>,
}

#[async_trait]
impl EphemeralResource for EphemeralTicket {
    type Model = Model;
    type Private = ();

    fn schema(&self) -> Schema {
        use AttributeType::String;
        use schema::{computed, sensitive};

        schema::schema(
            "A login ticket for another provider or tool that takes no API token, made with the \
             `username` and `password` of the provider's connection and its second factor. \
             Neither the state nor a plan holds it.\n\n\
             A ticket has all privileges of its user for two hours, can be exchanged for a new one \
             before it expires, and cannot be revoked. Prefer the ephemeral resource \
             `proxmox_api_token`.",
            [
                cluster_attribute(
                    "Key in `clusters` of the provider block to log in to. Defaults to the \
                     provider's own connection.",
                ),
                (
                    "username",
                    computed(String, "User that logged in, with realm."),
                ),
                (
                    "ticket",
                    sensitive(computed(
                        String,
                        "Ticket: the value of the cookie `PVEAuthCookie`.",
                    )),
                ),
                (
                    "csrf_prevention_token",
                    sensitive(computed(
                        String,
                        "Value of the header `CSRFPreventionToken`, which each write needs.",
                    )),
                ),
                (
                    "expires_at",
                    computed(
                        String,
                        "Time at which the ticket expires, on the server's clock, in UTC \
                         (RFC 3339).",
                    ),
                ),
            ],
        )
    }

    fn deferred(&self, config: &Model) -> Option<Deferred> {
        self.connections.deferred(&config.cluster)
    }

    async fn open(
        &self,
        config: Model,
        _diags: &mut Diagnostics,
    ) -> Result<Opened<Model, ()>, Problem> {
        self.connections
            .refuse_one_time_code(&config.cluster, NAME)?;
        let (connection, client) = (
            connection_name(&config.cluster),
            self.connections.client(&config.cluster)?,
        );
        let login = client.log_in(&context()).await;
        let login = login
            .map_err(|error| diagnostics::problem(UNABLE_TO_LOG_IN, &connection, &error))?
            .ok_or_else(|| without_login(&connection))?;
        Ok(Opened {
            result: Model {
                username: Value::Value(login.user.to_string()),
                expires_at: timestamp::attribute(login.expires_at()),
                ticket: login.ticket.into(),
                csrf_prevention_token: login.csrf.into(),
                ..config
            },
            private: (),
            renew_at: None,
        })
    }

    async fn renew(&self, (): (), _diags: &mut Diagnostics) -> Result<Renewed<()>, Problem> {
        Ok(Renewed {
            private: (),
            renew_at: None,
        })
    }

    async fn close(&self, (): (), _diags: &mut Diagnostics) -> Result<(), Problem> {
        Ok(())
    }
}

fn without_login(connection: &str) -> Problem {
    Problem::new(
        UNABLE_TO_LOG_IN,
        format!(
            "{connection} has no login: a ticket cannot be made from an API token. Set `username` \
             and `password` and, if the account has a second factor, `totp_secret`; or use the \
             ephemeral resource `proxmox_api_token`."
        ),
        AttributePath::root(),
    )
}
