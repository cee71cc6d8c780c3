# Configuration of the rows `validate` and `plan`: a new token, which is planned without a request.
terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

provider "proxmox" {
  endpoint  = "https://127.0.0.1:1"
  api_token = "root@pam!terraform=00000000-0000-4000-8000-000000000000"
}

resource "proxmox_api_token" "one" {
  user_id    = "automation@pve"
  token_name = "benchmark"
  comment    = "Measured"

  acl = [
    { path = "/vms", role = "PVEVMAdmin" },
  ]
}
