terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}

# Requires Sys.Audit on /nodes, propagating.
data "proxmox_token_activity" "ci" {
  token_id = "automation@pve!ci"
  since    = "2026-01-01T00:00:00Z"
}

# The note states the limits of the result: Proxmox VE does not record reads.
output "what_it_did" {
  value = {
    tasks = [
      for task in data.proxmox_token_activity.ci.tasks :
      "${task.started_at} ${task.type} ${coalesce(task.object, "-")} on ${task.node}: ${coalesce(task.status, "running")}"
    ]
    complete = data.proxmox_token_activity.ci.complete
    note     = data.proxmox_token_activity.ci.note
  }
}
