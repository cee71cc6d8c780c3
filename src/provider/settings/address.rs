//! The address of Proxmox VE: one node, and further nodes of the same cluster.

use serde::{Deserialize, Serialize};
use tf_provider::value::Value;

use crate::provider::settings::definition::{Definition, Kind};
use crate::provider::settings::environment::Environment;
use crate::provider::settings::setting::{Setting, SettingError, Source, known_items};
use crate::pve::{Endpoint, EndpointError};

pub const ENDPOINT: Definition = Definition {
    name: "endpoint",
    kind: Kind::Text,
    description: "Address of a Proxmox VE node: a URL (`https://pve1.example.com:8006/`), `host`, \
                  `host:port` or an IP address. The scheme defaults to `https` and the port to \
                  `8006`.",
    variables: &["PROXMOX_VE_ENDPOINT", "PM_API_URL"],
    format: "",
};

/// The further nodes of a cluster.
pub const ENDPOINTS: Definition = Definition {
    name: "endpoints",
    kind: Kind::TextList,
    description: "Addresses of further nodes of the same cluster. When a node cannot be reached or \
                  does not respond to a read, the provider tries the next one. A change that may \
                  have taken effect is never sent to a second node, and after a change all \
                  requests go to the node that applied it. The TLS settings apply to every node.",
    variables: &["PROXMOX_VE_ENDPOINTS"],
    format: ", separated by commas",
};

/// The attributes of an address.
pub const DEFINITIONS: [&Definition; 2] = [&ENDPOINT, &ENDPOINTS];

/// The attributes of an address, as a block sets them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AddressAttributes {
    pub endpoint: Value<String>,
    pub endpoints: Value<Vec<Value<String>>>,
}

impl AddressAttributes {
    /// The settings that the attributes of a block hold.
    pub fn settings(self, source: impl Fn(&'static str) -> Source) -> AddressSettings {
        AddressSettings {
            endpoint: ENDPOINT.setting(&source, self.endpoint),
            endpoints: ENDPOINTS.setting(&source, known_items(self.endpoints)),
        }
    }
}

/// The settings of an address.
#[derive(Clone, Debug, Default)]
pub struct AddressSettings {
    /// The node that gets the first request.
    pub endpoint: Setting<String>,
    /// The nodes that the client falls back on.
    pub endpoints: Setting<Vec<String>>,
}

/// The addresses of the nodes of a cluster, in the order in which the client tries them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodes {
    /// The node that gets the first request.
    pub first: Endpoint,
    /// The other nodes, each once.
    pub others: Vec<Endpoint>,
}

impl Nodes {
    /// All nodes.
    pub fn all(&self) -> impl Iterator<Item = &Endpoint> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether both name one server.
    pub fn shares_a_node_with(&self, other: &Self) -> bool {
        self.all()
            .any(|node| other.all().any(|candidate| candidate == node))
    }
}

impl From<Endpoint> for Nodes {
    fn from(first: Endpoint) -> Self {
        let others = Vec::new();
        Self { first, others }
    }
}

impl AddressSettings {
    /// The address from the environment; a fallback variable only where no variable of this
    /// provider is set.
    pub fn from_environment(environment: &Environment) -> Self {
        let [own, fallback] = match ENDPOINT.variables {
            [own, fallbacks @ ..] => [environment.get(own), environment.first(fallbacks)],
            [] => Default::default(),
        };
        let own = Self {
            endpoint: own,
            endpoints: environment.values(&ENDPOINTS),
        };
        own.or(Self {
            endpoint: fallback,
            endpoints: Setting::Absent,
        })
    }

    /// Whether an address is set.
    pub fn is_set(&self) -> bool {
        self.endpoint.is_set() || self.endpoints.is_set()
    }

    /// These addresses if any is set, else the others. Nodes of two sources are never mixed: they
    /// may belong to two clusters.
    pub fn or(self, other: Self) -> Self {
        if self.is_set() { self } else { other }
    }

    /// The first text that is not an address, and its source.
    pub fn invalid(&self) -> Option<(EndpointError, &Source)> {
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

    /// The nodes; `None` where no address is set.
    pub fn resolve(&self) -> Result<Option<Nodes>, SettingError> {
        let mut nodes: Vec<Endpoint> = Vec::new();
        for (text, source) in self.known() {
            let node = parse_endpoint(text, source)?;
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

/// Parses an address.
pub fn parse_endpoint(text: &str, source: &Source) -> Result<Endpoint, SettingError> {
    text.parse().map_err(|error| {
        let detail = format!("The address in {source} is invalid: {error}.");
        SettingError::invalid("Invalid address", detail, source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve<const N: usize>(variables: [(&str, &str); N]) -> Option<Vec<String>> {
        let settings = AddressSettings::from_environment(&Environment::from(variables));
        let nodes = settings.resolve().unwrap();
        nodes.map(|nodes| nodes.all().map(ToString::to_string).collect())
    }

    #[test]
    fn nodes_are_tried_in_the_order_given_and_each_once() {
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
        let nodes = block.or(environment).resolve();
        assert!(nodes.unwrap().unwrap().others.is_empty());
    }
}
