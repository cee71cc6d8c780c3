terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# A token that can only audit virtual machines. An apply within two weeks of its expiry rotates the
# secret. The old secret keeps working for two days.
resource "proxmox_api_token" "monitoring" {
  user_id    = "automation@pve"
  token_name = "monitoring"
  comment    = "Used by the monitoring"
  expires_in = "90d"

  acl = [{ path = "/vms", role = "PVEAuditor" }]

  rotation = {
    before_expiry = "14d"
    overlap       = "48h"
  }
}

# Consumers receive the new secret in the same apply. After a rotation with overlap the secret belongs
# to token_id and not to id, so pass token_id and secret together, or api_token. Do not pass a secret
# through terraform_data or triggers: their outputs are not sensitive, and plans print them.
output "monitoring" {
  value = {
    token_id = proxmox_api_token.monitoring.token_id
    secret   = proxmox_api_token.monitoring.secret
  }
  sensitive = true
}

# A token whose secret is rotated when var.release changes.
variable "release" {
  type    = string
  default = "2026-11"
}

resource "proxmox_api_token" "deployment" {
  user_id             = "automation@pve"
  token_name          = "deployment"
  expiration_date     = "2030-12-31T00:00:00Z"
  rotate_when_changed = { release = var.release }
}
