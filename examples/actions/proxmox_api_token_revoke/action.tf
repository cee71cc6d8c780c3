terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# Revokes a token whose secret has leaked. Requires Terraform 1.14.
#   terraform apply -invoke=action.proxmox_api_token_revoke.leaked
action "proxmox_api_token_revoke" "leaked" {
  config {
    token_id = "automation@pve!ci"
  }
}

# Or as a trigger: the token that was created by hand goes when its successor has been created.
action "proxmox_api_token_revoke" "by_hand" {
  config {
    token_id = "automation@pve!by-hand"
  }
}

resource "proxmox_api_token" "backup" {
  user_id    = "automation@pve"
  token_name = "backup"

  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.proxmox_api_token_revoke.by_hand]
    }
  }
}
