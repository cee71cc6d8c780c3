//! What a connection check found out, as attributes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Attribute, AttributeType};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Report as _, schema};
use crate::provider::settings::credentials::SettingError;
use crate::provider::settings::setting::Source;
use crate::pve::diagnosis::{Report, Requirements};
use crate::pve::{Client, ClusterNode, Credentials};

/// Required privileges by path, as configured.
pub type PrivilegeMap = Value<BTreeMap<String, Value<Vec<Value<String>>>>>;

/// What is known of a host that was connected to. The default is that nothing is.
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
        ("endpoint", computed(String, "The address in full.")),
        ("api_url", computed(String, "Base of the API's URLs.")),
        (
            "token_id",
            computed(
                String,
                "Full id of the token that was used; null with a password.",
            ),
        ),
        (
            "auth_method",
            computed(
                String,
                "How the host was logged in to: `api_token`, `password` or `ticket`.",
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
            computed(String, "Revision that the version was built from."),
        ),
        (
            "cluster_name",
            computed(
                String,
                "Name of the cluster; null for a single host, or without `Sys.Audit` on `/`.",
            ),
        ),
        (
            "quorate",
            computed(
                Bool,
                "Whether the cluster has a majority; null without `Sys.Audit` on `/`.",
            ),
        ),
        (
            "nodes",
            computed(
                schema::nested_list([
                    ("name", computed(String, "Name of the node.")),
                    (
                        "online",
                        computed(Bool, "Whether the cluster sees it online."),
                    ),
                    (
                        "local",
                        computed(
                            Bool,
                            "Whether it is the node that answered; null if unknown.",
                        ),
                    ),
                    (
                        "address",
                        computed(String, "Its address in the cluster; null if unknown."),
                    ),
                ]),
                "The nodes, sorted by name.",
            ),
        ),
        (
            "certificate_fingerprint",
            computed(
                String,
                "SHA-256 fingerprint of the certificate that was seen.",
            ),
        ),
        (
            "privileges",
            computed(
                schema::map_of_string_sets(),
                "What the credential may do at the paths of `required_privileges`.",
            ),
        ),
    ]
}

/// One node of a cluster, or the single host.
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
    /// Everything is known only after apply.
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

    /// What a check has shown. What it did not come to is null.
    pub fn of(client: &Client, report: &Report) -> Self {
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

/// The requirements of a check, once all of them are known. Null is nothing required.
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

/// Reports paths that are none.
pub fn validate_required_privileges(required: &PrivilegeMap, diags: &mut Diagnostics) {
    for path in required.iter().flat_map(BTreeMap::keys) {
        if !path.starts_with('/') {
            diags.fail(
                "Invalid required privileges",
                format!(
                    "`required_privileges` names the path {path:?}, which must begin with a \
                     slash, as in \"/vms\"."
                ),
                AttributePath::new("required_privileges").key(path.clone()),
            );
        }
    }
}
