data "proxmox_connection" "cluster" {
  for_each = local.clusters
  cluster  = each.key
}

check "connections" {
  assert {
    condition = alltrue([for connection in data.proxmox_connection.cluster : connection.ok])
    error_message = join("\n", [
      for key, connection in data.proxmox_connection.cluster :
      "${key}: ${connection.message} ${connection.remedy}" if !connection.ok
    ])
  }
}

data "proxmox_api_tokens" "cluster" {
  for_each = local.clusters
  cluster  = each.key
}

check "audit" {
  assert {
    condition     = alltrue([for audit in data.proxmox_api_tokens.cluster : audit.complete])
    error_message = "The credential of a cluster cannot see all tokens, so the audit is not complete."
  }
}
