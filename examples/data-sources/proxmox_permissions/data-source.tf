terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# Effective privileges of a token. With privilege separation, they never exceed those of its owner.
data "proxmox_permissions" "backup" {
  token_id = "automation@pve!backup"
  paths    = ["/vms/100", "/storage/local"]
}

check "backup_token" {
  assert {
    condition     = contains(data.proxmox_permissions.backup.privileges["/vms/100"], "VM.Backup")
    error_message = "automation@pve!backup cannot back up VM 100. Grant VM.Backup to the token and its owner."
  }
}
