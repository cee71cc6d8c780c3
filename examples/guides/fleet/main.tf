# One provider block, and a token for each application on each cluster.
terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

variable "clusters" {
  type = map(object({
    endpoint  = string
    api_token = string
  }))
  default   = {}
  sensitive = true
}

variable "applications" {
  type    = set(string)
  default = ["backup", "monitoring"]
}

provider "proxmox" {
  clusters       = var.clusters
  ca_certificate = "${path.module}/company-ca.pem"
}

locals {
  clusters = nonsensitive(toset(keys(var.clusters)))
  pairs = { for p in setproduct(local.clusters, var.applications) :
  "${p[0]}/${p[1]}" => { cluster = p[0], application = p[1] } }
}

resource "proxmox_api_token" "application" {
  for_each   = local.pairs
  cluster    = each.value.cluster
  user_id    = "automation@pve"
  token_name = each.value.application
  expires_in = "90d"

  rotation = {
    before_expiry = "14d"
    overlap       = "48h"
  }

  acl = [{ path = "/vms", role = "PVEAuditor" }]
}

data "proxmox_connection" "each" {
  for_each = local.clusters
  cluster  = each.key
}

check "clusters" {
  assert {
    condition     = alltrue([for c in data.proxmox_connection.each : c.ok])
    error_message = join("\n", [for k, c in data.proxmox_connection.each : "${k}: ${c.status}: ${c.remedy}" if !c.ok])
  }
}
