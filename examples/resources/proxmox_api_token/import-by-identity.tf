# cluster is optional: the key of an entry of clusters.
import {
  to = proxmox_api_token.monitoring
  identity = {
    user_id    = "automation@pve"
    token_name = "monitoring"
  }
}
