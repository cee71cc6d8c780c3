terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# Neither in the state nor in a plan file.
variable "secret" {
  type      = string
  sensitive = true
  ephemeral = true
}

# Checks a token whose secret is stored elsewhere. Increase the version when the secret changes.
resource "proxmox_host" "pve1" {
  name                        = "pve1"
  api_token_id                = "automation@pve!by-hand"
  api_token_secret_wo         = var.secret
  api_token_secret_wo_version = 1
}

# A token that exists only while the command runs.
ephemeral "proxmox_api_token" "run" {
  user_id    = "automation@pve"
  expires_in = "30m"
  acl        = [{ path = "/", role = "PVEAuditor" }]
}

provider "proxmox" {
  alias     = "run"
  api_token = ephemeral.proxmox_api_token.run.api_token
}

data "proxmox_host" "pve1" {
  provider = proxmox.run
}

output "version" {
  value = data.proxmox_host.pve1.version
}
