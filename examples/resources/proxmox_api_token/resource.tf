# A token that may audit virtual machines and nothing else. A scheduled apply replaces it two
# weeks before it would expire; the old one goes on working for two days.
resource "proxmox_api_token" "monitoring" {
  user_id    = "automation@pve"
  token_name = "monitoring"
  comment    = "Read by the monitoring"
  expires_in = "90d"

  acl = [{ path = "/vms", role = "PVEAuditor" }]

  rotation = {
    before_expiry = "14d"
    overlap       = "48h"
  }
}

# Whatever takes the secret gets the new one in the same apply. Id and secret belong together,
# so take both, or the two in one string.
resource "terraform_data" "monitoring_configuration" {
  input = {
    id     = proxmox_api_token.monitoring.token_id
    secret = proxmox_api_token.monitoring.secret
  }
}

# A new secret whenever a value of your choice changes.
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
