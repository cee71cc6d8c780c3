terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

output "token_id" {
  value = provider::proxmox::format_token_id("automation@pve", "backup") # automation@pve!backup
}
