terraform {
  required_version = ">= 1.11"

  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}
