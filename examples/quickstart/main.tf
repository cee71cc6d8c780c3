# Configuration of the quickstart: a token, and a host registered with it.
# Set the address and the credentials in the environment (PROXMOX_VE_ENDPOINT, ...).
terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

variable "user_id" {
  description = "Owner of the token."
  type        = string
  default     = "root@pam"
}

variable "token_name" {
  description = "Name of the token."
  type        = string
  default     = "terraform"
}

variable "comment" {
  description = "Comment of the token."
  type        = string
  default     = "VM provisioning"
}

provider "proxmox" {}

resource "proxmox_api_token" "terraform" {
  user_id    = var.user_id
  token_name = var.token_name
  comment    = var.comment

  acl = [
    { path = "/vms", role = "PVEVMAdmin" },
    { path = "/storage", role = "PVEDatastoreUser" },
  ]
}

resource "proxmox_host" "pve" {
  name             = "pve"
  api_token_id     = proxmox_api_token.terraform.token_id
  api_token_secret = proxmox_api_token.terraform.secret

  required_privileges = {
    "/vms" = ["VM.Allocate", "VM.Config.Disk"]
  }
}

output "endpoint" {
  value = proxmox_host.pve.endpoint
}

output "fingerprint" {
  value = proxmox_host.pve.certificate_fingerprint
}

output "api_token" {
  value     = proxmox_api_token.terraform.api_token
  sensitive = true
}
