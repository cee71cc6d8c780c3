# For other tools: terraform output -json tokens
output "tokens" {
  description = "ID and secret of each token, by cluster and application."
  value = {
    for key, token in proxmox_api_token.application :
    key => { token_id = token.token_id, secret = token.secret }
  }
  sensitive = true
}

output "questions" {
  description = "The tokens that an audit questions, with its findings."
  value = merge([
    for key, audit in data.proxmox_api_tokens.cluster : {
      for token in audit.tokens : "${key}/${token.token_id}" => token.findings if length(token.findings) > 0
    }
  ]...)
}
