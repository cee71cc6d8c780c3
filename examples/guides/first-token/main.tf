terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# Address and credential come from the environment.
provider "proxmox" {}

resource "proxmox_api_token" "automation" {
  user_id    = "root@pam"
  token_name = "terraform"
  comment    = "Terraform"
  expires_in = "90d"

  # The token may read virtual machines, and nothing else, although its owner is root.
  acl = [{ path = "/vms", role = "PVEAuditor" }]
}

# Proves that the token works before anything depends on it.
resource "proxmox_host" "pve1" {
  name      = "pve1"
  api_token = proxmox_api_token.automation.api_token

  required_privileges = {
    "/vms" = ["VM.Audit"]
  }
}

output "api_token" {
  value     = proxmox_api_token.automation.api_token
  sensitive = true
}
