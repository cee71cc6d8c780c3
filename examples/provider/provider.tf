terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# One cluster. Set the credentials in the environment: PROXMOX_VE_API_TOKEN, or PROXMOX_VE_USERNAME,
# PROXMOX_VE_PASSWORD and PROXMOX_VE_TOTP_SECRET.
provider "proxmox" {
  endpoint       = "https://pve1.example.com:8006"
  endpoints      = ["pve2.example.com", "pve3.example.com"] # used if pve1 cannot be reached
  ca_certificate = "${path.module}/pve-root-ca.pem"
}

# A fleet of named clusters. They inherit ca_certificate from the block.
variable "clusters" {
  type      = map(object({ endpoint = string, api_token = string }))
  default   = {}
  sensitive = true
}

provider "proxmox" {
  alias          = "fleet"
  clusters       = var.clusters
  ca_certificate = "${path.module}/company-ca.pem"
}
