//! The rows of the matrix: the writes of each operation.

use std::time::Duration;

use proxmox_simulator::{Request, Version};

/// One write of one operation.
pub struct Operation {
    /// The operation and the write.
    pub name: &'static str,
    /// The server's version.
    pub version: Version,
    /// The configurations that are applied before, in order.
    pub before: &'static [&'static str],
    /// The time between the last of them and the operation.
    pub later: Duration,
    /// The configuration of the operation; `None` destroys.
    pub after: Option<&'static str>,
    /// The write.
    pub write: Write,
}

/// The request that fails.
pub struct Write {
    method: &'static str,
    on: Object,
    /// A parameter that it carries.
    with: Option<&'static str>,
}

/// The object of a write.
enum Object {
    /// The token of the base name.
    Token,
    /// The token of the other name.
    Other,
    /// The access control list, for one of the two.
    AclOf(&'static str),
}

impl Write {
    /// Whether a request is this write for a token.
    pub fn is(&self, request: &Request, token: &str) -> bool {
        let has = |name: &str| request.parameters.iter().any(|other| other == name);
        let about = match self.on {
            Object::Token => request.path == format!("/access/users/demo@pve/token/{token}"),
            Object::Other => request.path == format!("/access/users/demo@pve/token/{token}-b"),
            Object::AclOf(suffix) => request.tokens == Some(format!("demo@pve!{token}{suffix}")),
        };
        request.method == self.method && about && self.with.is_none_or(has)
    }
}

const fn write(method: &'static str, on: Object, with: Option<&'static str>) -> Write {
    Write { method, on, with }
}

/// These tokens, with these attributes.
pub fn configuration(names: &[&str], attributes: Option<&str>) -> String {
    let Some(attributes) = attributes else {
        return String::new();
    };
    format!(
        r#"resource "proxmox_api_token" "t" {{
  for_each = toset({names:?})
  user_id = "demo@pve"
  token_name = each.key
  {attributes}
}}
"#
    )
}

const PLAIN: &str = r#"comment = "one"
  acl = [{ path = "/vms", role = "PVEAuditor" }]"#;
const COMMENTED: &str = r#"comment = "two"
  acl = [{ path = "/vms", role = "PVEAuditor" }]"#;
const SCOPED: &str = r#"comment = "one"
  acl = [{ path = "/storage", role = "PVEAuditor" }]"#;
const KEPT: &str = r#"comment = "two"
  acl = [{ path = "/vms", role = "PVEAuditor" }]
  rotate_when_changed = { key = "2" }"#;
const OVERLAP_1: &str = r#"acl = [{ path = "/vms", role = "PVEAuditor" }]
  rotation = { overlap = "48h" }
  rotate_when_changed = { key = "1" }"#;
const OVERLAP_2: &str = r#"acl = [{ path = "/vms", role = "PVEAuditor" }]
  rotation = { overlap = "48h" }
  rotate_when_changed = { key = "2" }"#;
const OVERLAP_3: &str = r#"acl = [{ path = "/vms", role = "PVEAuditor" }]
  rotation = { overlap = "48h" }
  rotate_when_changed = { key = "3" }"#;
const RECREATE_1: &str = r#"allow_recreate = true
  acl = [{ path = "/vms", role = "PVEAuditor" }]
  rotate_when_changed = { key = "1" }"#;
const RECREATE_2: &str = r#"allow_recreate = true
  acl = [{ path = "/vms", role = "PVEAuditor" }]
  rotate_when_changed = { key = "2" }"#;

const AT_ONCE: Duration = Duration::ZERO;
const AFTER_THE_OVERLAP: Duration = Duration::from_secs(3 * 24 * 60 * 60);

const fn operation(
    name: &'static str,
    before: &'static [&'static str],
    after: Option<&'static str>,
    write: Write,
) -> Operation {
    Operation {
        name,
        version: Version::V9_1,
        before,
        later: AT_ONCE,
        after,
        write,
    }
}

const fn on_8_2(operation: Operation) -> Operation {
    Operation {
        version: Version::V8_2,
        ..operation
    }
}

pub const OPERATIONS: &[Operation] = &[
    operation(
        "create",
        &[],
        Some(PLAIN),
        write("POST", Object::Token, None),
    ),
    operation(
        "create, grant",
        &[],
        Some(PLAIN),
        write("PUT", Object::AclOf(""), None),
    ),
    operation(
        "update",
        &[PLAIN],
        Some(COMMENTED),
        write("PUT", Object::Token, Some("comment")),
    ),
    operation(
        "scope, grant",
        &[PLAIN],
        Some(SCOPED),
        write("PUT", Object::AclOf(""), Some("propagate")),
    ),
    operation(
        "scope, revoke",
        &[PLAIN],
        Some(SCOPED),
        write("PUT", Object::AclOf(""), Some("delete")),
    ),
    // With a comment, which the plan's question whether the server can do it does not have.
    operation(
        "rotate in place",
        &[PLAIN],
        Some(KEPT),
        write("PUT", Object::Token, Some("comment")),
    ),
    operation(
        "rotate with overlap, mint",
        &[OVERLAP_1],
        Some(OVERLAP_2),
        write("POST", Object::Other, None),
    ),
    operation(
        "rotate with overlap, grant",
        &[OVERLAP_1],
        Some(OVERLAP_2),
        write("PUT", Object::AclOf("-b"), None),
    ),
    operation(
        "rotate with overlap, end",
        &[OVERLAP_1],
        Some(OVERLAP_2),
        write("PUT", Object::Token, Some("expire")),
    ),
    Operation {
        later: AFTER_THE_OVERLAP,
        ..operation(
            "remove predecessor",
            &[OVERLAP_1, OVERLAP_2],
            Some(OVERLAP_2),
            write("DELETE", Object::Token, None),
        )
    },
    operation(
        "rotate again in an overlap, make way",
        &[OVERLAP_1, OVERLAP_2],
        Some(OVERLAP_3),
        write("DELETE", Object::Token, None),
    ),
    operation(
        "revoke in an overlap, the one in use",
        &[OVERLAP_1, OVERLAP_2],
        None,
        write("DELETE", Object::Other, None),
    ),
    operation(
        "revoke in an overlap, predecessor",
        &[OVERLAP_1, OVERLAP_2],
        None,
        write("DELETE", Object::Token, None),
    ),
    on_8_2(operation(
        "make again, revoke",
        &[RECREATE_1],
        Some(RECREATE_2),
        write("DELETE", Object::Token, None),
    )),
    on_8_2(operation(
        "make again, mint",
        &[RECREATE_1],
        Some(RECREATE_2),
        write("POST", Object::Token, None),
    )),
    on_8_2(operation(
        "make again, grant",
        &[RECREATE_1],
        Some(RECREATE_2),
        write("PUT", Object::AclOf(""), None),
    )),
    operation(
        "revoke",
        &[PLAIN],
        None,
        write("DELETE", Object::Token, None),
    ),
];
