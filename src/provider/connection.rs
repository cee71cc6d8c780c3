//! What the provider block configured, shared by everything the provider offers.
//!
//! Nothing connects until something needs to: the client is made when it is first asked for, and
//! a setting that is still unknown only matters to those who need it.

use std::sync::{Arc, Mutex, PoisonError};

use tf_provider::Diagnostics;

use super::{config::Defaults, credentials::Unresolved, given::Source};
use crate::{
    framework::CallContext,
    pve::{Call, Client, Credentials, Endpoint, Settings, TlsPolicy},
};

/// How this provider introduces itself to servers and proxies.
const USER_AGENT: &str = concat!("terraform-provider-proxmox/", env!("CARGO_PKG_VERSION"));

/// The way to Proxmox VE that the provider block describes. Clones share one client.
#[derive(Clone, Default)]
pub struct Connection(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    defaults: Defaults,
    client: Option<Client>,
}

impl Connection {
    /// Takes a provider block into use. Nothing connects yet.
    pub fn configure(&self, defaults: Defaults) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *inner = Inner {
            defaults,
            client: None,
        };
    }

    /// What the block and the environment say.
    pub fn defaults(&self) -> Defaults {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.defaults.clone()
    }

    /// The one-time code that the next login would use up, if there is one. Every plan and every
    /// apply is a process of its own and logs in anew, so a refresh leaves the code to the apply.
    pub fn one_time_code(&self) -> Option<Source> {
        self.defaults().credentials.otp.source()
    }

    /// The client for the provider's own server and credential, one for all callers. Reports
    /// what is missing or wrong.
    pub fn client(&self, diags: &mut Diagnostics) -> Result<Client, Unresolved> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &inner.client {
            return Ok(client.clone());
        }
        let defaults = &inner.defaults;
        let client = Client::new(Settings {
            endpoint: defaults.endpoint(diags)?,
            credentials: defaults.credentials(diags)?,
            tls: defaults.tls.resolve(diags)?,
            request_timeout: defaults.request_timeout(diags)?,
            user_agent: USER_AGENT.to_owned(),
        });
        inner.client = Some(client.clone());
        Ok(client)
    }

    /// A client of its own for another server or credential, with the provider's time limits.
    pub fn other_client(
        &self,
        endpoint: Endpoint,
        credentials: Credentials,
        tls: TlsPolicy,
        diags: &mut Diagnostics,
    ) -> Result<Client, Unresolved> {
        Ok(Client::new(Settings {
            endpoint,
            credentials,
            tls,
            request_timeout: self.defaults().request_timeout(diags)?,
            user_agent: USER_AGENT.to_owned(),
        }))
    }
}

/// The cancellation of the Terraform call being answered, as the client wants it.
pub fn call() -> Call {
    Call {
        cancel: CallContext::current().cancel,
        deadline: None,
    }
}
