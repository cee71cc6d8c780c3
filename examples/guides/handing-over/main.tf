terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

resource "proxmox_api_token" "ci" {
  user_id    = "automation@pve"
  token_name = "pipeline"
  expires_in = "90d"

  rotation = {
    before_expiry = "14d"
    overlap       = "48h"
  }

  acl = [{ path = "/vms", role = "PVEVMAdmin" }]
}

output "api_token" {
  value     = proxmox_api_token.ci.api_token
  sensitive = true
}

output "packer" {
  value = {
    proxmox_username = proxmox_api_token.ci.token_id
    proxmox_token    = proxmox_api_token.ci.secret
  }
  sensitive = true
}

output "ansible" {
  value = {
    api_user         = proxmox_api_token.ci.user_id
    api_token_id     = provider::proxmox::parse_token_id(proxmox_api_token.ci.token_id).token_name
    api_token_secret = proxmox_api_token.ci.secret
  }
  sensitive = true
}

output "kubernetes" {
  value = {
    token_id     = proxmox_api_token.ci.token_id
    token_secret = proxmox_api_token.ci.secret
  }
  sensitive = true
}

output "authorization_header" {
  value     = provider::proxmox::authorization_header(proxmox_api_token.ci.token_id, proxmox_api_token.ci.secret)
  sensitive = true
}
