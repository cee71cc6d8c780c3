terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

variable "secret" {
  type      = string
  sensitive = true
}

output "header" {
  value     = provider::proxmox::authorization_header("automation@pve!backup", var.secret)
  sensitive = true
}
