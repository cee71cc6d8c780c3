terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# Version, cluster and nodes of the host that the provider connects to.
data "proxmox_host" "own" {}

output "cluster" {
  value = {
    name    = data.proxmox_host.own.cluster_name
    version = data.proxmox_host.own.version
    offline = [for node in data.proxmox_host.own.nodes : node.name if !node.online]
  }
}
