terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# Requires only Sys.Audit on /access, propagating.
data "proxmox_api_tokens" "all" {}

# Audit findings by token.
output "findings" {
  value = {
    for token in data.proxmox_api_tokens.all.tokens :
    token.token_id => token.findings if length(token.findings) > 0
  }

  # The server omits objects that the credential is not allowed to see, without reporting it.
  precondition {
    condition     = data.proxmox_api_tokens.all.complete
    error_message = "Only part of the tokens could be read. Missing: ${jsonencode(data.proxmox_api_tokens.all.missing_privileges)}"
  }
}

# Warns in every plan about root-equivalent tokens of users other than root@pam.
check "nobody_else_is_root" {
  assert {
    condition = alltrue([
      for token in data.proxmox_api_tokens.all.tokens :
      token.user_id == "root@pam" if contains(token.findings, "root_equivalent")
    ])
    error_message = join("\n", [
      for token in data.proxmox_api_tokens.all.tokens :
      "${token.token_id} is root-equivalent: ${token.root_equivalent_by}" if contains(token.findings, "root_equivalent")
    ])
  }
}

# Expired tokens of one realm.
data "proxmox_api_tokens" "expired" {
  realm   = "pve"
  expired = true
}

output "expired" {
  value = data.proxmox_api_tokens.expired.tokens[*].token_id
}
