terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

variable "password" {
  description = "Password of automation@pve."
  type        = string
  sensitive   = true
}

# A ticket is made with a login, and a second factor if the account has one.
provider "proxmox" {
  username = "automation@pve"
  password = var.password
}

# For a provider or tool that takes no API token. It cannot be revoked, and expires after two hours.
ephemeral "proxmox_ticket" "run" {}

provider "proxmox" {
  alias                 = "run"
  auth_ticket           = ephemeral.proxmox_ticket.run.ticket
  csrf_prevention_token = ephemeral.proxmox_ticket.run.csrf_prevention_token
}

data "proxmox_connection" "of_this_run" {
  provider = proxmox.run
}
