//! The capabilities of the program that calls: Terraform or OpenTofu, of any version.

/// What the caller of a request supports beyond the minimum of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientCapabilities {
    /// The response may be deferred.
    pub deferral_allowed: bool,
    /// Write-only attributes are never stored.
    pub write_only_attributes_allowed: bool,
}
