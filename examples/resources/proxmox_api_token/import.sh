# By the full id of the token. Its secret stays unknown until `rotate_when_changed` gets a new one.
terraform import proxmox_api_token.monitoring 'automation@pve!monitoring'

# On a cluster of the provider's `clusters`, by its key and the id.
terraform import proxmox_api_token.monitoring 'berlin/automation@pve!monitoring'
