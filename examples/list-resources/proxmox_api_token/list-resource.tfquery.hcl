# Tokens without an end, with the configuration to import them:
#   terraform query -generate-config-out=imported.tf
# Requires Terraform 1.14.
list "proxmox_api_token" "endless" {
  provider         = proxmox
  include_resource = true

  config {
    findings = ["never_expires"]
  }
}
