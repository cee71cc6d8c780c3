terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# Registers the host of the provider with the token that automation uses. Creation checks the
# connection, and so does every update of its connection settings. For another host, set hostname and
# ca_certificate or certificate_fingerprints.
resource "proxmox_api_token" "provisioning" {
  user_id    = "automation@pve"
  token_name = "provisioning"

  acl = [
    { path = "/vms", role = "PVEVMAdmin" },
    { path = "/storage", role = "PVEDatastoreUser" },
  ]
}

resource "proxmox_host" "pve1" {
  name             = "pve1"
  api_token_id     = proxmox_api_token.provisioning.token_id
  api_token_secret = proxmox_api_token.provisioning.secret

  required_privileges = {
    "/vms"     = ["VM.Allocate", "VM.Config.Disk"]
    "/storage" = ["Datastore.AllocateSpace"]
  }
}

# A host whose secret is not stored in the state. Increase the version when the secret changes.
variable "secret" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "proxmox_host" "pve2" {
  name                        = "pve1-by-hand"
  api_token_id                = "automation@pve!by-hand"
  api_token_secret_wo         = var.secret
  api_token_secret_wo_version = 1
}
