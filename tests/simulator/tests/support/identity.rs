//! Who a recorded request came from.

use percent_encoding::percent_decode_str;

use super::recording::Exchange;

/// The token and secret in a request's header.
pub fn token_of(exchange: &Exchange) -> Option<(String, String)> {
    let header = exchange.header("Authorization")?;
    let value = header
        .strip_prefix("PVEAPIToken")?
        .strip_prefix(['=', ' '])?;
    let value = percent_decode_str(value.split(';').next()?)
        .decode_utf8_lossy()
        .into_owned();
    let (id, secret) = value.rsplit_once('=')?;
    let (userid, _) = id.rsplit_once('!')?;
    userid
        .contains('@')
        .then(|| (id.to_owned(), secret.to_owned()))
}

/// The ticket in a request's headers.
pub fn ticket_of(exchange: &Exchange) -> Option<String> {
    let header = exchange
        .header("Cookie")
        .or_else(|| exchange.header("Authorization"))?;
    let (_, value) = header.split_once("PVEAuthCookie=")?;
    let value = value.split(';').next()?;
    let ticket = percent_decode_str(value).decode_utf8_lossy().into_owned();
    ticket.starts_with("PVE:").then_some(ticket)
}

/// Who a request came from.
pub fn identity(exchange: &Exchange) -> Option<String> {
    match ticket_of(exchange) {
        Some(ticket) => ticket.split(':').nth(1).map(str::to_owned),
        None => token_of(exchange).map(|(id, _)| id),
    }
}
