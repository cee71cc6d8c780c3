terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# A token that exists while one command runs. Requires Terraform 1.10 or OpenTofu 1.11.
ephemeral "proxmox_api_token" "run" {
  user_id    = "automation@pve"
  comment    = "Terraform run"
  expires_in = "30m"

  acl = [
    { path = "/vms", role = "PVEVMAdmin" },
  ]
}

# Another provider gets it as an argument. Here it is a second block of the same provider.
provider "proxmox" {
  alias     = "run"
  api_token = ephemeral.proxmox_api_token.run.api_token
}

data "proxmox_permissions" "of_this_run" {
  provider = proxmox.run
  paths    = ["/vms"]
}
