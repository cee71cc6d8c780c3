terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
    virtual = { source = "bpg/proxmox" }
  }
}

provider "proxmox" {
  endpoint = "https://pve1.example.com:8006"
}

# A token for the other provider, which exists only while the command runs.
ephemeral "proxmox_api_token" "run" {
  user_id = "automation@pve"
  acl     = [{ path = "/", role = "PVEAdmin" }]
}

provider "virtual" {
  endpoint  = "https://pve1.example.com:8006"
  api_token = ephemeral.proxmox_api_token.run.api_token
}

# Without `provider`, a type that begins with `proxmox_` belongs to the provider with that local name.
resource "proxmox_api_token" "backup" {
  user_id    = "automation@pve"
  token_name = "backup"
}

# A type of the other provider names it.
data "proxmox_virtual_environment_version" "current" {
  provider = virtual
}

# A function is called by the local name of its provider.
output "owner" {
  value = provider::proxmox::parse_token_id(proxmox_api_token.backup.token_id).user_id
}
