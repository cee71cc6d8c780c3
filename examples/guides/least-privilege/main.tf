terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# A token for backups: it can back up guests to one storage, and nothing else.
resource "proxmox_api_token" "backup" {
  user_id    = "automation@pve"
  token_name = "backup"

  acl = [
    { path = "/vms", role = "PVEVMUser" },
    { path = "/storage/backup", role = "PVEDatastoreUser" },
  ]
}

# The proof that this suffices.
resource "proxmox_host" "backup" {
  name      = "backup"
  api_token = proxmox_api_token.backup.api_token

  required_privileges = {
    "/vms"            = ["VM.Audit", "VM.Backup"]
    "/storage/backup" = ["Datastore.AllocateSpace"]
  }
}

# The privileges that the token has in effect.
data "proxmox_permissions" "backup" {
  token_id = proxmox_api_token.backup.token_id
  paths    = ["/vms", "/storage/backup", "/nodes"]
}

output "privileges" {
  value = data.proxmox_permissions.backup.privileges
}
