//! The rows: every write that an operation makes.

use std::time::Duration;

use proxmox_simulator::{Request, Version};

/// One write of one operation.
pub struct Point {
    /// The operation and the write.
    pub name: &'static str,
    /// The server's version.
    pub version: Version,
    /// The configurations that are applied before, one after the other.
    pub before: &'static [&'static str],
    /// How much later the operation comes.
    pub later: Duration,
    /// The configuration of the operation; `None` destroys.
    pub after: Option<&'static str>,
    /// The write.
    pub write: Write,
}

/// Which request it is that goes wrong.
pub struct Write {
    method: &'static str,
    on: Object,
    /// A parameter that it has.
    with: Option<&'static str>,
}

/// What a write is about.
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
const AGAIN_1: &str = r#"allow_recreate = true
  acl = [{ path = "/vms", role = "PVEAuditor" }]
  rotate_when_changed = { key = "1" }"#;
const AGAIN_2: &str = r#"allow_recreate = true
  acl = [{ path = "/vms", role = "PVEAuditor" }]
  rotate_when_changed = { key = "2" }"#;

const AT_ONCE: Duration = Duration::ZERO;
const AFTER_THE_OVERLAP: Duration = Duration::from_secs(3 * 24 * 60 * 60);

const fn point(
    name: &'static str,
    before: &'static [&'static str],
    after: Option<&'static str>,
    write: Write,
) -> Point {
    Point {
        name,
        version: Version::V9_1,
        before,
        later: AT_ONCE,
        after,
        write,
    }
}

const fn on_8_2(point: Point) -> Point {
    Point {
        version: Version::V8_2,
        ..point
    }
}

pub const POINTS: &[Point] = &[
    point(
        "create",
        &[],
        Some(PLAIN),
        write("POST", Object::Token, None),
    ),
    point(
        "create, grant",
        &[],
        Some(PLAIN),
        write("PUT", Object::AclOf(""), None),
    ),
    point(
        "update",
        &[PLAIN],
        Some(COMMENTED),
        write("PUT", Object::Token, Some("comment")),
    ),
    point(
        "scope, grant",
        &[PLAIN],
        Some(SCOPED),
        write("PUT", Object::AclOf(""), Some("propagate")),
    ),
    point(
        "scope, revoke",
        &[PLAIN],
        Some(SCOPED),
        write("PUT", Object::AclOf(""), Some("delete")),
    ),
    // With a comment, which the plan's question whether the server can do it does not have.
    point(
        "rotate in place",
        &[PLAIN],
        Some(KEPT),
        write("PUT", Object::Token, Some("comment")),
    ),
    point(
        "rotate with overlap, mint",
        &[OVERLAP_1],
        Some(OVERLAP_2),
        write("POST", Object::Other, None),
    ),
    point(
        "rotate with overlap, grant",
        &[OVERLAP_1],
        Some(OVERLAP_2),
        write("PUT", Object::AclOf("-b"), None),
    ),
    point(
        "rotate with overlap, end",
        &[OVERLAP_1],
        Some(OVERLAP_2),
        write("PUT", Object::Token, Some("expire")),
    ),
    Point {
        later: AFTER_THE_OVERLAP,
        ..point(
            "remove predecessor",
            &[OVERLAP_1, OVERLAP_2],
            Some(OVERLAP_2),
            write("DELETE", Object::Token, None),
        )
    },
    point(
        "rotate again in an overlap, make way",
        &[OVERLAP_1, OVERLAP_2],
        Some(OVERLAP_3),
        write("DELETE", Object::Token, None),
    ),
    point(
        "revoke in an overlap, the one in use",
        &[OVERLAP_1, OVERLAP_2],
        None,
        write("DELETE", Object::Other, None),
    ),
    point(
        "revoke in an overlap, predecessor",
        &[OVERLAP_1, OVERLAP_2],
        None,
        write("DELETE", Object::Token, None),
    ),
    on_8_2(point(
        "make again, revoke",
        &[AGAIN_1],
        Some(AGAIN_2),
        write("DELETE", Object::Token, None),
    )),
    on_8_2(point(
        "make again, mint",
        &[AGAIN_1],
        Some(AGAIN_2),
        write("POST", Object::Token, None),
    )),
    on_8_2(point(
        "make again, grant",
        &[AGAIN_1],
        Some(AGAIN_2),
        write("PUT", Object::AclOf(""), None),
    )),
    point(
        "revoke",
        &[PLAIN],
        None,
        write("DELETE", Object::Token, None),
    ),
];
