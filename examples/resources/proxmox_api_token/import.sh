# By the full id of the token. The secret is null until a change of `rotate_when_changed` creates a new one.
terraform import proxmox_api_token.monitoring 'automation@pve!monitoring'

# By the key of the cluster in the provider's `clusters` and the id of the token.
terraform import proxmox_api_token.monitoring 'berlin/automation@pve!monitoring'
