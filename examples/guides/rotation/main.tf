terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

resource "proxmox_api_token" "backup" {
  user_id    = "automation@pve"
  token_name = "backup"
  expires_in = "90d"

  rotation = {
    before_expiry = "14d" # an apply in the last two weeks rotates
    overlap       = "48h" # the old secret works two days longer
  }
}

output "backup" {
  value = {
    token_id = proxmox_api_token.backup.token_id
    secret   = proxmox_api_token.backup.secret
  }
  sensitive = true
}
