//! The way through a forward proxy, and headers for a gateway.

use std::net::TcpListener;
use std::time::Duration;

use proxmox_simulator::{ForwardProxy, closed_port};
use serde_json::json;

use crate::pve::api::version::Version;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::error::failure::ProxyFailure;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::net::headers::ExtraHeaders;
use crate::pve::net::proxy::{NoProxy, Proxy};
use crate::pve::settings::Settings;
use crate::pve::tests::script::{Host, data, token};

async fn host() -> Host {
    Host::new(|_| data(&json!({"version": "9.2.11"}))).await
}

fn through(proxy: &str, host: &Host, endpoint: &str) -> Settings {
    let mut settings = host.settings(token("root@pam!admin=s3cr3t"));
    settings.endpoint = endpoint.parse().unwrap();
    settings.proxy = Some(proxy.parse().unwrap());
    settings.request_timeout = Duration::from_secs(2);
    settings
}

async fn ask(settings: Settings) -> Result<Version, Error> {
    CachedClient::new(settings)
        .version(&Context::default())
        .await
}

fn failure(outcome: Result<Version, Error>) -> (String, ProxyFailure) {
    match outcome {
        Err(Error {
            kind: ErrorKind::Proxy { proxy, failure, .. },
            ..
        }) => (proxy, failure),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_and_resolves_the_name() {
    let host = host().await;
    let proxy = ForwardProxy::guarded(host.address, "Basic dTpwQHNz").unwrap();
    let url = format!("http://u:p%40ss@{}", proxy.address());
    let mut settings = through(&url, &host, "pve1.invalid");
    settings.headers.add("X-Gate", "s3cr3t").unwrap();
    ask(settings).await.unwrap();
    let heads = proxy.heads();
    assert!(heads[0].starts_with("CONNECT pve1.invalid:8006 HTTP/1.1\r\n"));
    for head in heads {
        assert!(
            !head.contains("PVEAPIToken") && !head.contains("s3cr3t"),
            "{head}"
        );
    }
    let received = &host.received()[0];
    assert_eq!(received.header("x-gate"), Some("s3cr3t"));
    assert_eq!(received.header("proxy-authorization"), None);
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_asked_for_a_host_on_this_machine() {
    let host = host().await;
    let mut settings = through("127.0.0.1:1", &host, &host.address.to_string());
    settings.proxy = settings
        .proxy
        .map(|proxy: Proxy| proxy.unless(NoProxy::new("")));
    ask(settings).await.unwrap();
}

#[tokio::test]
async fn what_a_proxy_does_wrong_is_told_of_the_proxy() {
    let host = host().await;
    let closed = closed_port().unwrap();
    let nowhere = ForwardProxy::to(closed).unwrap();
    let guarded = ForwardProxy::guarded(host.address, "Basic eDp5").unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent
        .local_addr()
        .map(|address| (address, silent))
        .unwrap();
    for (address, expected) in [
        (closed, ProxyFailure::Refused),
        (nowhere.address(), ProxyFailure::NoTunnel),
        (guarded.address(), ProxyFailure::Unauthenticated),
        (silent.0, ProxyFailure::Timeout(Duration::from_secs(1))),
    ] {
        let outcome = ask(through(&format!("http://{address}"), &host, "pve1.invalid")).await;
        assert_eq!(failure(outcome), (address.to_string(), expected));
    }
    assert!(host.lines().is_empty());
    let unknown = ask(through("http://proxy.invalid:3128", &host, "pve1.invalid")).await;
    assert!(matches!(failure(unknown).1, ProxyFailure::Dns(_)));
}

#[tokio::test]
async fn what_the_host_does_wrong_is_told_of_the_host_behind_a_proxy_too() {
    let host = host().await;
    let proxy = ForwardProxy::to(host.address).unwrap();
    let mut settings = through(&proxy.address().to_string(), &host, "pve1.invalid");
    settings.tls.fingerprints.clear();
    let outcome = ask(settings).await;
    assert!(
        matches!(
            outcome,
            Err(Error {
                kind: ErrorKind::Tls { .. },
                ..
            })
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn headers_of_one_s_own_go_with_every_request() {
    let host = host().await;
    let mut settings = host.settings(token("root@pam!admin=s3cr3t"));
    let mut headers = ExtraHeaders::default();
    headers.add("CF-Access-Client-Id", "gate").unwrap();
    settings.headers = headers;
    ask(settings).await.unwrap();
    let received = &host.received()[0];
    assert_eq!(received.header("cf-access-client-id"), Some("gate"));
    assert!(received.header("authorization").is_some());
}
