terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# Creates the token only if the connection check succeeds.
data "proxmox_connection" "own" {}

resource "proxmox_api_token" "backup" {
  user_id    = "automation@pve"
  token_name = "backup"

  lifecycle {
    precondition {
      condition     = data.proxmox_connection.own.ok
      error_message = "${data.proxmox_connection.own.message} ${data.proxmox_connection.own.remedy}"
    }
  }
}

# Checks every cluster of a fleet. The data source reports a failure instead of returning an error,
# so that a cluster that is down does not block the plan for the others.
variable "clusters" {
  description = "Keys of `clusters` in the provider block."
  type        = set(string)
  default     = []
}

data "proxmox_connection" "each" {
  for_each = var.clusters
  cluster  = each.key

  required_privileges = {
    "/access/groups" = ["User.Modify"]
  }
}

check "clusters" {
  assert {
    condition = alltrue([for connection in data.proxmox_connection.each : connection.ok])
    error_message = join("\n", [
      for name, connection in data.proxmox_connection.each :
      "${name}: ${connection.status}: ${connection.message} ${connection.remedy}" if !connection.ok
    ])
  }
}
