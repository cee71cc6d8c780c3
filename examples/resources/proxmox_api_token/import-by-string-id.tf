# The secret is null until a change of rotate_when_changed creates a new one. For an entry of clusters,
# the id starts with its key: "berlin/automation@pve!monitoring".
import {
  to = proxmox_api_token.monitoring
  id = "automation@pve!monitoring"
}
