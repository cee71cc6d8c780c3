//! Configurations and values that several files of scenarios share.

use std::time::Duration;

/// The address of the token in [`TOKEN`].
pub const ADDRESS: &str = "proxmox_api_token.t";

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The token `demo@pve!ci` with nothing but its id.
pub const TOKEN: &str = r#"resource "proxmox_api_token" "t" {
  user_id = "demo@pve"
  token_name = "ci"
}
"#;

/// The token `demo@pve!ci` with these attributes.
pub fn token(attributes: &str) -> String {
    TOKEN.replace("}\n", &format!("  {attributes}\n}}\n"))
}

/// The token `demo@pve!ci` with these entries of the access control list.
pub fn scoped(acl: &str) -> String {
    token(&format!("acl = {acl}"))
}
