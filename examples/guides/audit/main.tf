terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

data "proxmox_api_tokens" "all" {}

output "questions" {
  value = [
    for token in data.proxmox_api_tokens.all.tokens :
    "${token.token_id}: ${join(", ", token.findings)}" if length(token.findings) > 0
  ]

  precondition {
    condition     = data.proxmox_api_tokens.all.complete
    error_message = "Only part of the tokens could be read: ${jsonencode(data.proxmox_api_tokens.all.missing_privileges)}"
  }
}
