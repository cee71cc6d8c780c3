variable "clusters" {
  description = "Address and token of each cluster, by its key."
  type        = map(object({ endpoint = string, api_token = string }))
  sensitive   = true
}

variable "applications" {
  description = "The applications that get a token on each cluster, with what the token may do."
  type        = map(list(object({ path = string, role = string })))
}
