terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

output "owner" {
  value = provider::proxmox::parse_token_id("automation@pve!backup").user_id # automation@pve
}
