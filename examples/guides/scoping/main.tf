terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

resource "proxmox_api_token" "backup" {
  user_id    = "automation@pve"
  token_name = "backup"

  acl = [
    { path = "/vms", role = "PVEVMUser" },
    { path = "/vms", role = "PVEAuditor" },   # roles at the same path add up
    { path = "/vms/100", role = "NoAccess" }, # no access to this guest
    { path = "/storage/backup", role = "PVEDatastoreUser" },
    { path = "/nodes", role = "PVEAuditor", propagate = false },
  ]
}

# The privileges that the token has in effect.
data "proxmox_permissions" "backup" {
  token_id = proxmox_api_token.backup.token_id
  paths    = ["/vms/100", "/vms/101", "/storage/backup"]
}

output "privileges" {
  value = data.proxmox_permissions.backup.privileges
}
