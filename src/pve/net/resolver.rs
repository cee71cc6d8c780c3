//! The system's resolver of names, which notes when it is asked and when it has answered.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::pve::progress::{self, Step};

/// The resolver of the system.
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            progress::note(Step::Resolve);
            // The client sets the port.
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<_> = addresses.collect();
            progress::note(Step::Connect);
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
