# One block for all clusters. They share the authority of the company.
provider "proxmox" {
  clusters       = var.clusters
  ca_certificate = "${path.module}/company-ca.pem"
}
