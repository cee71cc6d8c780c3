//! Where Proxmox VE is: one node, and perhaps others of the same cluster.

use tf_provider::Diagnostics;

use crate::framework::Report;
use crate::provider::settings::credentials::SettingError;
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::{Setting, Source};
use crate::pve::{Endpoint, EndpointError};

/// The attributes about the address, as given.
#[derive(Clone, Debug, Default)]
pub struct AddressSettings {
    /// The node that is asked first.
    pub endpoint: Setting<String>,
    /// The nodes that are asked when it cannot be.
    pub endpoints: Setting<Vec<String>>,
}

/// The nodes of a cluster by their addresses, in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodes {
    /// The one that is asked first.
    pub first: Endpoint,
    /// The others, each once.
    pub others: Vec<Endpoint>,
}

impl Nodes {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Endpoint> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether both lead to one server.
    pub fn shares_a_node_with(&self, other: &Self) -> bool {
        self.all().any(|node| other.all().any(|one| one == node))
    }
}

impl From<Endpoint> for Nodes {
    fn from(first: Endpoint) -> Self {
        let others = Vec::new();
        Self { first, others }
    }
}

impl AddressSettings {
    /// The address from the environment; the fallback name only where no name of our own is set.
    pub fn from_environment(environment: &Environment) -> Self {
        let own = Self {
            endpoint: environment.get("PROXMOX_VE_ENDPOINT"),
            endpoints: environment.list("PROXMOX_VE_ENDPOINTS"),
        };
        own.or(Self {
            endpoint: environment.get("PM_API_URL"),
            endpoints: Setting::Absent,
        })
    }

    /// Whether there is any address.
    pub fn is_given(&self) -> bool {
        self.endpoint.is_given() || self.endpoints.is_given()
    }

    /// These addresses if there are any, else the other ones. Nodes of two sources are never
    /// mixed: they may be of two clusters.
    pub fn or(self, other: Self) -> Self {
        if self.is_given() { self } else { other }
    }

    /// The first text that names no address, and where it stands.
    pub fn unusable(&self) -> Option<(EndpointError, &Source)> {
        let mut known = self.known();
        known.find_map(|(text, source)| Some((text.parse::<Endpoint>().err()?, source)))
    }

    /// The texts that are known, in order.
    fn known(&self) -> impl Iterator<Item = (&str, &Source)> {
        let first = match &self.endpoint {
            Setting::Known(text, source) => Some((text.as_str(), source)),
            _ => None,
        };
        let others = match &self.endpoints {
            Setting::Known(texts, source) => {
                Some(texts.iter().map(move |text| (text.as_str(), source)))
            }
            _ => None,
        };
        first.into_iter().chain(others.into_iter().flatten())
    }

    /// The nodes, `None` where nobody gave any, or what is wrong with an address.
    pub fn resolve(&self, diags: &mut Diagnostics) -> Result<Option<Nodes>, SettingError> {
        let mut nodes: Vec<Endpoint> = Vec::new();
        for (text, source) in self.known() {
            let node = parse_endpoint(text, source, diags)?;
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        if let Some(source) = self.endpoint.unknown().or(self.endpoints.unknown()) {
            return Err(SettingError::Unknown(source));
        }
        let mut nodes = nodes.into_iter();
        Ok(nodes.next().map(|first| Nodes {
            first,
            others: nodes.collect(),
        }))
    }
}

/// Reads an address and reports what is wrong with it.
pub fn parse_endpoint(
    text: &str,
    source: &Source,
    diags: &mut Diagnostics,
) -> Result<Endpoint, SettingError> {
    text.parse().map_err(|error| {
        diags.fail(
            "Malformed address",
            format!("The address from {source} cannot be used: {error}."),
            source.path(),
        );
        SettingError::Invalid
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve<const N: usize>(variables: [(&str, &str); N]) -> Option<Vec<String>> {
        let fields = AddressSettings::from_environment(&Environment::from(variables));
        let nodes = fields.resolve(&mut Diagnostics::default()).unwrap();
        nodes.map(|nodes| nodes.all().map(ToString::to_string).collect())
    }

    #[test]
    fn nodes_are_asked_in_the_order_given_and_each_once() {
        let found = resolve([
            ("PROXMOX_VE_ENDPOINT", "pve2"),
            ("PROXMOX_VE_ENDPOINTS", "pve1, pve2,https://pve3:8006/"),
        ]);
        let expected = [
            "https://pve2:8006",
            "https://pve1:8006",
            "https://pve3:8006",
        ];
        assert_eq!(found.unwrap(), expected);
        let found = resolve([("PROXMOX_VE_ENDPOINTS", "pve1,pve2")]);
        assert_eq!(found.unwrap(), ["https://pve1:8006", "https://pve2:8006"]);
        assert_eq!(resolve([]), None);
    }

    #[test]
    fn nodes_of_two_sources_are_never_mixed() {
        let found = resolve([("PROXMOX_VE_ENDPOINTS", "pve1"), ("PM_API_URL", "other")]);
        assert_eq!(found.unwrap(), ["https://pve1:8006"]);
        let known = |text: &str, source| Setting::Known(text.to_owned(), Source::Variable(source));
        let block = AddressSettings {
            endpoint: known("pve1", "block"),
            endpoints: Setting::Absent,
        };
        let environment = AddressSettings::from_environment(&Environment::from([(
            "PROXMOX_VE_ENDPOINTS",
            "pve8,pve9",
        )]));
        let nodes = block.or(environment).resolve(&mut Diagnostics::default());
        assert!(nodes.unwrap().unwrap().others.is_empty());
    }
}
