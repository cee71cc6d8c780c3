# Needs Sys.Audit on /access, propagating, and nothing more.
data "proxmox_api_tokens" "all" {}

# What an auditor would ask about, by token.
output "findings" {
  value = {
    for token in data.proxmox_api_tokens.all.tokens :
    token.token_id => token.findings if length(token.findings) > 0
  }

  # The server leaves out what the credential may not see, and does not say so.
  precondition {
    condition     = data.proxmox_api_tokens.all.complete
    error_message = "Only part of the tokens could be read. Missing: ${jsonencode(data.proxmox_api_tokens.all.missing_privileges)}"
  }
}

# Warns in every plan of tokens that can come by everything root@pam may do.
check "nobody_else_is_root" {
  assert {
    condition = alltrue([
      for token in data.proxmox_api_tokens.all.tokens :
      token.user_id == "root@pam" if contains(token.findings, "root_equivalent")
    ])
    error_message = join("\n", [
      for token in data.proxmox_api_tokens.all.tokens :
      "${token.token_id} is as good as root@pam: ${token.root_equivalent_by}" if contains(token.findings, "root_equivalent")
    ])
  }
}

# Of one realm, those that have expired and can be removed.
data "proxmox_api_tokens" "expired" {
  realm   = "pve"
  expired = true
}

output "expired" {
  value = data.proxmox_api_tokens.expired.tokens[*].token_id
}
