//! Only the holder of the certificate that the process received can call it.
//!
//! A TLS 1.3 client considers itself connected before the server has verified its certificate. So
//! each refusal is read from the connection, and a call is attempted as well.

use terraform_provider_proxmox::plugin::proto::get_metadata;
use tokio::io::AsyncReadExt;
use tonic::transport::Channel;

use crate::support::client::{self, Credentials, connect_plainly, handshake};
use crate::support::process::{Launch, Process};
use crate::support::within_limit;

/// What the server says first: the opening of HTTP/2, or how it refuses.
async fn first_bytes(
    process: &Process,
    credentials: Option<&Credentials>,
) -> std::io::Result<usize> {
    let mut stream = handshake(process, credentials).await?;
    within_limit(stream.read(&mut [0; 64])).await
}

async fn can_call(channel: Result<Channel, tonic::transport::Error>) -> bool {
    let Ok(channel) = channel else {
        return false;
    };
    let mut provider = client::provider(channel);
    let answer = provider.get_metadata(get_metadata::Request {});
    within_limit(answer).await.is_ok()
}

/// Whether a caller gets an answer, to bytes and to a call.
async fn is_served(process: &Process, credentials: &Credentials) -> (bool, bool) {
    let bytes = first_bytes(process, Some(credentials)).await;
    let call = can_call(client::connect(process, credentials).await).await;
    (bytes.is_ok_and(|read| read > 0), call)
}

#[tokio::test]
async fn the_parents_certificate_with_its_key_is_served() {
    let process = Launch::like_terraform().start();
    let parent = &process.credentials;
    assert_eq!(is_served(&process, parent).await, (true, true));
}

#[tokio::test]
async fn no_certificate_is_refused() {
    let process = Launch::like_terraform().start();
    let refusal = first_bytes(&process, None).await.unwrap_err();
    assert!(refusal.to_string().contains("CertificateRequired"));
}

#[tokio::test]
async fn another_certificate_is_refused() {
    let process = Launch::like_terraform().start();
    let other = Credentials::generate();
    assert_eq!(is_served(&process, &other).await, (false, false));
    let refusal = first_bytes(&process, Some(&other)).await.unwrap_err();
    assert!(refusal.to_string().contains("AccessDenied"), "{refusal}");
}

#[tokio::test]
async fn the_parents_certificate_with_another_key_is_refused() {
    let process = Launch::like_terraform().start();
    let thief = process.credentials.with_key_of(&Credentials::generate());
    assert_eq!(is_served(&process, &thief).await, (false, false));
    let refusal = first_bytes(&process, Some(&thief)).await.unwrap_err();
    assert!(refusal.to_string().contains("Decrypt"), "{refusal}");
}

#[tokio::test]
async fn a_program_that_does_not_speak_tls_is_refused() {
    let process = Launch::like_terraform().start();
    assert!(!can_call(connect_plainly(&process.socket()).await).await);
}

#[tokio::test]
async fn refused_callers_do_not_keep_the_parent_out() {
    let process = Launch::like_terraform().start();
    let silent = tokio::net::UnixStream::connect(process.socket()).await;
    let other = Credentials::generate();
    assert_eq!(is_served(&process, &other).await, (false, false));
    assert!(can_call(client::connect(&process, &process.credentials).await).await);
    drop(silent);
}
