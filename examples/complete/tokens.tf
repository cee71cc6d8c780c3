locals {
  # The keys are not secret.
  clusters = nonsensitive(toset(keys(var.clusters)))

  tokens = merge([
    for cluster in local.clusters : {
      for name, acl in var.applications : "${cluster}/${name}" => { cluster = cluster, name = name, acl = acl }
    }
  ]...)
}

resource "proxmox_api_token" "application" {
  for_each = local.tokens

  cluster    = each.value.cluster
  user_id    = "automation@pve"
  token_name = each.value.name
  comment    = "Managed by Terraform"
  expires_in = "90d"
  acl        = each.value.acl

  # The nightly apply rotates in the last two weeks. The old secret works for two more days.
  rotation = {
    before_expiry = "14d"
    overlap       = "48h"
  }
}
