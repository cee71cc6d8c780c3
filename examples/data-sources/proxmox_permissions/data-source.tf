# What a token may really do: with privilege separation never more than its owner.
data "proxmox_permissions" "backup" {
  token_id = "automation@pve!backup"
  paths    = ["/vms/100", "/storage/local"]
}

check "backup_token" {
  assert {
    condition     = contains(data.proxmox_permissions.backup.privileges["/vms/100"], "VM.Backup")
    error_message = "automation@pve!backup may not back up VM 100: grant it and its owner VM.Backup."
  }
}
