terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# A token that is managed elsewhere and used by this configuration.
data "proxmox_api_token" "ci" {
  token_id = "automation@pve!ci"
}

locals {
  ends_at = coalesce(data.proxmox_api_token.ci.effective_expires_at, "9999-12-31T00:00:00Z")
}

# Warns in every plan from two weeks before the token expires.
check "ci_token_lives_on" {
  assert {
    condition     = timecmp(local.ends_at, timeadd(plantimestamp(), "336h")) > 0
    error_message = "${data.proxmox_api_token.ci.token_id} expires at ${local.ends_at}. Rotate the token before then."
  }
}

# Audit findings for this token.
output "findings" {
  value = data.proxmox_api_token.ci.findings
}
