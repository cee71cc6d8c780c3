//! The facts about a host that a connection check returns, as attributes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tf_provider::AttributePath;
use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;

use crate::framework::{Problem, schema};
use crate::provider::settings::setting::{SettingError, Source};
use crate::pve::diagnosis::{Report, Requirements};
use crate::pve::{CachedClient, ClusterNode, Credentials};

/// Required privileges by path, as configured.
pub type PrivilegeMap = Value<BTreeMap<String, Value<Vec<Value<String>>>>>;

/// The facts about a host. By default all of them are null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub endpoint: Value<String>,
    pub api_url: Value<String>,
    pub token_id: Value<String>,
    pub auth_method: Value<String>,
    pub version: Value<String>,
    pub release: Value<String>,
    pub repoid: Value<String>,
    pub cluster_name: Value<String>,
    pub quorate: Value<bool>,
    pub nodes: Value<Vec<NodeFacts>>,
    pub certificate_fingerprint: Value<String>,
    pub privileges: Value<BTreeMap<String, Vec<String>>>,
}

/// The attributes for [`Facts`].
pub fn attributes() -> [(&'static str, Attribute); 12] {
    use AttributeType::{Bool, String};
    use schema::computed;

    [
        (
            "endpoint",
            computed(String, "Address of the host as a URL."),
        ),
        ("api_url", computed(String, "Base URL of the API.")),
        (
            "token_id",
            computed(
                String,
                "Full ID of the API token that was used. Null for other credentials.",
            ),
        ),
        (
            "auth_method",
            computed(
                String,
                "Authentication method: `api_token`, `password` or `ticket`.",
            ),
        ),
        (
            "version",
            computed(String, "Version of Proxmox VE, such as `9.1.5`."),
        ),
        (
            "release",
            computed(String, "Release of Proxmox VE, such as `9.1`."),
        ),
        (
            "repoid",
            computed(
                String,
                "Repository revision that the version was built from.",
            ),
        ),
        (
            "cluster_name",
            computed(
                String,
                "Name of the cluster. Null for a standalone host, or without `Sys.Audit` on `/`.",
            ),
        ),
        (
            "quorate",
            computed(
                Bool,
                "Whether the cluster has quorum. Null without `Sys.Audit` on `/`.",
            ),
        ),
        (
            "nodes",
            computed(
                schema::nested_list([
                    ("name", computed(String, "Name of the node.")),
                    ("online", computed(Bool, "Whether the node is online.")),
                    (
                        "local",
                        computed(
                            Bool,
                            "Whether this is the node that responded. Null if unknown.",
                        ),
                    ),
                    (
                        "address",
                        computed(
                            String,
                            "Address of the node in the cluster. Null if unknown.",
                        ),
                    ),
                ]),
                "Nodes of the cluster, sorted by name.",
            ),
        ),
        (
            "certificate_fingerprint",
            computed(String, "SHA-256 fingerprint of the server's certificate."),
        ),
        (
            "privileges",
            computed(
                schema::map_of_string_sets(),
                "Privileges of the credential at the paths in `required_privileges`.",
            ),
        ),
    ]
}

/// A node of a cluster, or a standalone host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeFacts {
    name: Value<String>,
    online: Value<bool>,
    local: Value<bool>,
    address: Value<String>,
}

impl From<&ClusterNode> for NodeFacts {
    fn from(node: &ClusterNode) -> Self {
        Self {
            name: node.name.clone().into(),
            online: node.online.into(),
            local: node.local.into(),
            address: node.address.clone().into(),
        }
    }
}

impl Facts {
    /// Facts that are known only after apply.
    pub fn unknown() -> Self {
        Self {
            endpoint: Value::Unknown,
            api_url: Value::Unknown,
            token_id: Value::Unknown,
            auth_method: Value::Unknown,
            version: Value::Unknown,
            release: Value::Unknown,
            repoid: Value::Unknown,
            cluster_name: Value::Unknown,
            quorate: Value::Unknown,
            nodes: Value::Unknown,
            certificate_fingerprint: Value::Unknown,
            privileges: Value::Unknown,
        }
    }

    /// The facts from a connection check. Those that it did not reach are null.
    pub fn of(client: &CachedClient, report: &Report) -> Self {
        let version = report.version.as_ref();
        let settings = client.settings();
        let token = match &settings.credentials {
            Credentials::Token(token) => Some(token.id.to_string()),
            _ => None,
        };
        Self {
            endpoint: settings.endpoint.to_string().into(),
            api_url: settings.endpoint.api_url().to_string().into(),
            token_id: token.into(),
            auth_method: report.auth_method.to_owned().into(),
            version: version.map(|version| version.version.clone()).into(),
            release: version.map(|version| version.release.clone()).into(),
            repoid: version.map(|version| version.repoid.clone()).into(),
            cluster_name: report.cluster_name.clone().into(),
            quorate: report.quorate.into(),
            nodes: Value::Value(report.nodes.iter().map(NodeFacts::from).collect()),
            certificate_fingerprint: report
                .certificate_fingerprint
                .map(|fingerprint| fingerprint.to_string())
                .into(),
            privileges: Value::Value(report.privileges.clone()),
        }
    }
}

/// The requirements of a connection check. Null requires nothing.
pub fn required_privileges(required: &PrivilegeMap) -> Result<Requirements, SettingError> {
    let known = match required {
        Value::Unknown => None,
        Value::Null => Some(BTreeMap::new()),
        Value::Value(paths) => paths
            .iter()
            .map(|(path, names)| Some((path.clone(), known_names(names)?)))
            .collect(),
    };
    let unknown = || SettingError::Unknown(Source::Attribute("required_privileges"));
    known
        .map(|privileges| Requirements { privileges })
        .ok_or_else(unknown)
}

fn known_names(names: &Value<Vec<Value<String>>>) -> Option<BTreeSet<String>> {
    match names {
        Value::Unknown => None,
        Value::Null => Some(BTreeSet::new()),
        Value::Value(names) if names.iter().any(Value::is_unknown) => None,
        Value::Value(names) => Some(names.iter().flatten().cloned().collect()),
    }
}

/// The problems of the paths in `required_privileges`.
pub fn invalid_required_privileges(required: &PrivilegeMap) -> impl Iterator<Item = Problem> {
    let paths = required.iter().flat_map(BTreeMap::keys);
    let invalid = paths.filter(|path| !path.starts_with('/'));
    invalid.map(|path| {
        Problem::new(
            "Invalid required privileges",
            format!(
                "`required_privileges` contains the path {path:?}. A path must start with a slash, \
                 such as \"/vms\"."
            ),
            AttributePath::new("required_privileges").key(path.clone()),
        )
    })
}
