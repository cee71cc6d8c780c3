//! What goes over the wire, and what becomes of answers that are none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proxmox_simulator::closed_port;
use reqwest::dns::{Name, Resolve, Resolving};
use serde_json::json;
use tokio::net::TcpListener;

use crate::pve::api::tokens::{Deletion, NewToken, TokenChange};
use crate::pve::auth::credentials::Credentials;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::error::failure::Phase;
use crate::pve::error::request::{RequestInfo, RequestKind};
use crate::pve::error::{Error, ErrorKind};
use crate::pve::id::TokenId;
use crate::pve::net::classify;
use crate::pve::progress::Step;
use crate::pve::settings::Settings;
use crate::pve::tests::script::{Host, Reaction, data, replay, token};
use crate::pve::timestamp::Expiry;
use crate::pve::tls::handshake::TlsVersion;
use crate::pve::tls::policy::TlsPolicy;

fn id(text: &str) -> TokenId {
    text.parse().unwrap()
}

fn version() -> Reaction {
    data(&json!({"version": "9.2.11", "release": "9.2", "repoid": "14a22df35955d97d"}))
}

#[tokio::test]
async fn a_token_is_sent_so_that_the_server_decodes_what_was_meant() {
    let host = Host::new(|_| version()).await;
    for (given, sent) in [
        (
            "root@pam!admin=573e8a06-e698",
            "PVEAPIToken=root@pam!admin=573e8a06-e698",
        ),
        (
            "per%41cent@pve!t1=s;x",
            "PVEAPIToken=per%2541cent@pve!t1=s%3Bx",
        ),
        ("x=y@pve!t1=s", "PVEAPIToken=x%3Dy@pve!t1=s"),
        ("a+b@pve!t1=s", "PVEAPIToken=a%2Bb@pve!t1=s"),
    ] {
        let client = CachedClient::new(host.settings(token(given)));
        let version = client.version(&Context::default()).await.unwrap();
        assert_eq!(
            (version.release.as_str(), version.major()),
            ("9.2", Some(9))
        );
        let received = host.received().pop().unwrap();
        assert_eq!(received.line, "GET /api2/json/version");
        assert_eq!(received.header("authorization"), Some(sent));
    }
}

#[tokio::test]
async fn realms_are_asked_for_without_credentials() {
    let host = Host::new(|_| replay("9.1.1/188-use-domains-noauth", 0)).await;
    let realms = host.client().domains(&Context::default()).await.unwrap();
    assert_eq!(
        realms
            .iter()
            .map(|realm| realm.realm.as_str())
            .collect::<Vec<_>>(),
        ["pam", "pve"]
    );
    assert_eq!(host.received()[0].header("authorization"), None);
}

#[tokio::test]
async fn unusual_user_names_are_escaped_in_the_path_and_a_deletion_has_no_body() {
    let host = Host::new(|_| data(&json!(null))).await;
    let deletion = host
        .client()
        .delete_token(&id("we!rd+x#?%41@pve!t1"), &Context::default())
        .await;
    assert_eq!(deletion, Ok(Deletion::Deleted));
    let received = &host.received()[0];
    assert_eq!(
        received.line,
        "DELETE /api2/json/access/users/we%21rd%2Bx%23%3F%2541%40pve/token/t1"
    );
    assert_eq!(
        (received.header("content-type"), received.body.as_str()),
        (None, "")
    );
}

#[tokio::test]
async fn parameters_travel_as_a_form() {
    let host = Host::new(|_| replay("9.1.1/136-token-update-regenerate", 0)).await;
    let new = NewToken {
        comment: Some("for ci; 100% \u{fc}".to_owned()),
        expire: Expiry::from_unix(1_798_049_626),
        privsep: true,
    };
    let created = host
        .client()
        .create_token(&id("demo@pve!treg"), &new, &Context::default())
        .await
        .unwrap();
    assert_eq!(
        created.secret.expose(),
        "f1b437c7-0f92-499e-883f-bd2d71ca6bc0"
    );
    let received = &host.received()[0];
    assert_eq!(
        received.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(
        received.body,
        "privsep=1&expire=1798049626&comment=for+ci%3B+100%25+%C3%BC"
    );
}

#[tokio::test]
async fn a_path_prefix_is_part_of_every_request() {
    let host = Host::new(|_| version()).await;
    let mut settings = host.settings(Credentials::None);
    settings.endpoint = format!("{}/gate/one", host.address).parse().unwrap();
    CachedClient::new(settings)
        .version(&Context::default())
        .await
        .unwrap();
    assert_eq!(host.lines(), ["GET /gate/one/api2/json/version"]);
}

#[tokio::test]
async fn the_server_s_clock_is_read_from_its_answers() {
    let body = json!({"data": {"value": "s"}}).to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 18:19:23 GMT\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let host = Host::new(move |_| Reaction::Answer(answer.clone().into_bytes())).await;
    let created = host
        .client()
        .regenerate_token(
            &id("demo@pve!t1"),
            &TokenChange::default(),
            &Context::default(),
        )
        .await
        .unwrap();
    assert_eq!(
        created.server_time,
        time::macros::datetime!(2026-11-23 18:19:23 UTC)
    );
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let host = Host::new(|_| {
        Reaction::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2097153\r\n\r\n{".to_vec())
    })
    .await;
    let error = host
        .client()
        .version(&Context::default())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.kind,
            ErrorKind::TooLarge {
                limit: 2_097_152,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_without_a_length_is_read_no_further_than_the_limit_of_its_call() {
    let mut endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    endless.resize(17 << 20, b' ');
    let host = Host::new(move |_| Reaction::AnswerAndClose(endless.clone())).await;
    let (client, context) = (host.client(), Context::default());
    let of_object = client.version(&context).await.unwrap_err();
    let of_list = client.users_full(&context).await.unwrap_err();
    for (error, expected) in [(of_object, 2 << 20), (of_list, 16 << 20)] {
        assert!(
            matches!(error.kind, ErrorKind::TooLarge { limit } if limit == expected),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_read_whose_connection_breaks_is_repeated_once_and_a_write_never() {
    let host = Host::new(|_| {
        Reaction::AnswerAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"da".to_vec())
    })
    .await;
    let client = host.client();
    let read = client.version(&Context::default()).await.unwrap_err();
    assert!(
        matches!(read.kind, ErrorKind::Lost { .. }) && !read.may_have_taken_effect(),
        "{read}"
    );
    assert_eq!(host.lines().len(), 2);
    let write = client
        .delete_token(&id("demo@pve!t1"), &Context::default())
        .await
        .unwrap_err();
    assert!(
        matches!(write.kind, ErrorKind::Lost { .. }) && write.may_have_taken_effect(),
        "{write}"
    );
    assert_eq!(host.lines().len(), 3);
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_is_not_proxmox_s() {
    let page =
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>";
    let host = Host::new(move |_| Reaction::Answer(page.as_bytes().to_vec())).await;
    let read = host
        .client()
        .version(&Context::default())
        .await
        .unwrap_err();
    assert!(matches!(read.kind, ErrorKind::NotProxmox { .. }), "{read}");
    let write = host
        .client()
        .delete_token(&id("demo@pve!t1"), &Context::default())
        .await
        .unwrap_err();
    assert!(
        matches!(write.kind, ErrorKind::Decode { .. }) && write.may_have_taken_effect(),
        "{write}"
    );
}

#[tokio::test]
async fn another_protocol_behind_tls_is_not_proxmox_s() {
    let host =
        Host::new(|_| Reaction::AnswerAndClose(b"220 mail.example.com ESMTP\r\n".to_vec())).await;
    let read = host
        .client()
        .version(&Context::default())
        .await
        .unwrap_err();
    assert!(matches!(read.kind, ErrorKind::NotProxmox { .. }), "{read}");
    let write = host
        .client()
        .delete_token(&id("demo@pve!t1"), &Context::default())
        .await
        .unwrap_err();
    assert!(write.may_have_taken_effect(), "{write}");
}

#[tokio::test]
async fn a_success_without_the_documented_content_is_an_error_that_quotes_nothing() {
    let host = Host::new(|_| data(&json!({"value": 7, "secret": "s3cr3t"}))).await;
    let error = host
        .client()
        .regenerate_token(
            &id("demo@pve!t1"),
            &TokenChange::default(),
            &Context::default(),
        )
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Decode { .. }) && error.may_have_taken_effect(),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let host = Host::new(|_| {
        let answer = "HTTP/1.1 302 Found\r\nLocation: https://login.example.com/?next=x\r\nContent-Length: 0\r\n\r\n";
        Reaction::Answer(answer.as_bytes().to_vec())
    })
    .await;
    let error = host
        .client()
        .version(&Context::default())
        .await
        .unwrap_err();
    let Error {
        kind: ErrorKind::NotProxmox { detail, .. },
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(detail, "it redirects to https://login.example.com/ (302)");
    assert_eq!(host.lines().len(), 1);
}

#[tokio::test]
async fn an_answer_that_does_not_come_times_out() {
    let host = Host::new(|_| Reaction::Hang).await;
    let mut settings = host.settings(token("root@pam!admin=s"));
    settings.request_timeout = Duration::from_secs(1);
    let client = CachedClient::new(settings);
    let read = client.version(&Context::default()).await.unwrap_err();
    assert!(
        matches!(
            read.kind,
            ErrorKind::Timeout {
                phase: Phase::Response,
                ..
            }
        ) && !read.may_have_taken_effect(),
        "{read}"
    );
    let write = client
        .delete_token(&id("demo@pve!t1"), &Context::default())
        .await
        .unwrap_err();
    assert!(write.may_have_taken_effect(), "{write}");
}

#[tokio::test]
async fn a_port_that_accepts_and_stays_silent_is_no_connection_for_its_handshake() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Settings::new(
        silent.local_addr().unwrap().to_string().parse().unwrap(),
        token("root@pam!admin=s"),
    );
    settings.request_timeout = Duration::from_millis(400);
    let error = CachedClient::new(settings)
        .delete_token(&id("demo@pve!t1"), &Context::default())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.kind,
            ErrorKind::Timeout {
                phase: Phase::Connect(Step::Handshake),
                ..
            }
        ) && !error.may_have_taken_effect(),
        "{error}"
    );
    assert!(error.is_unreachable());
}

#[tokio::test]
async fn a_port_where_nothing_listens_refuses() {
    let free = closed_port().unwrap();
    let client = CachedClient::new(Settings::new(
        free.to_string().parse().unwrap(),
        Credentials::None,
    ));
    let error = client.version(&Context::default()).await.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Refused) && error.is_unreachable(),
        "{error}"
    );
}

struct NoSuchName;

impl Resolve for NoSuchName {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err("Name or service not known".into()) })
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_with_what_the_resolver_says() {
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(TlsPolicy::default().client_config(None).unwrap())
        .dns_resolver(NoSuchName)
        .build()
        .unwrap();
    let failed = http
        .get("https://pve1.test:8006/")
        .send()
        .await
        .unwrap_err();
    let request = RequestInfo {
        kind: RequestKind::Read,
        method: http::Method::GET,
        endpoint: "https://pve1.test:8006".to_owned(),
        path: "/version".to_owned(),
        tried: Vec::new(),
    };
    let direct = classify::Way {
        connect_timeout: Duration::ZERO,
        min_version: TlsVersion::Tls12,
        proxy: None,
    };
    let kind = classify::transport(&request, &failed, &direct);
    let error = Error::new(request, kind);
    assert!(matches!(error.kind, ErrorKind::Dns { .. }) && error.is_unreachable());
    assert_eq!(
        error.to_string(),
        "GET /version at https://pve1.test:8006: the host name cannot be resolved (Name or service not known)"
    );
}

#[tokio::test]
async fn requests_in_a_row_share_one_connection() {
    let host = Host::new(|_| version()).await;
    let client = host.client();
    for _ in 0..3 {
        client.version(&Context::default()).await.unwrap();
    }
    assert_eq!(host.connections(), 1);
}

#[tokio::test]
async fn a_read_can_be_cancelled() {
    let host = Host::new(|_| Reaction::Hang).await;
    let context = Context::default();
    context.cancel.cancel();
    let error = host.client().version(&context).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Cancelled), "{error}");
}

#[tokio::test]
async fn a_read_ends_at_its_deadline() {
    let host = Host::new(|_| Reaction::Hang).await;
    let context = Context {
        deadline: Some(tokio::time::Instant::now()),
        ..Context::default()
    };
    let error = host.client().version(&context).await.unwrap_err();
    assert!(
        matches!(
            error.kind,
            ErrorKind::Timeout {
                phase: Phase::Deadline,
                ..
            }
        ),
        "{error}"
    );
}

/// Proxmox VE sends none of these: a gateway in front of it does, while the host is away or the
/// limit of requests is reached.
#[tokio::test]
async fn a_read_that_a_gateway_refuses_for_now_is_repeated_and_a_write_is_not() {
    let busy = |status: u16| {
        let head = format!("HTTP/1.1 {status} Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\n");
        Reaction::Answer(format!("{head}Content-Type: text/html\r\n\r\nbusy").into_bytes())
    };
    for status in [429, 502, 503, 504] {
        let asked = AtomicBool::new(false);
        let host = Host::new(move |_| match asked.swap(true, Ordering::SeqCst) {
            false => busy(status),
            true => version(),
        })
        .await;
        let client = CachedClient::new(host.settings(token("demo@pve!t1=s3cr3t")));
        assert!(
            client.version(&Context::default()).await.is_ok(),
            "{status}"
        );
        assert_eq!(host.received().len(), 2);

        let host = Host::new(move |_| busy(status)).await;
        let client = CachedClient::new(host.settings(token("demo@pve!t1=s3cr3t")));
        let new = NewToken {
            comment: None,
            expire: Expiry::Never,
            privsep: true,
        };
        let (ci, context) = (id("demo@pve!ci"), Context::default());
        let error = client.create_token(&ci, &new, &context).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Gateway { .. }), "{error}");
        assert!(error.may_have_taken_effect());
        assert_eq!(host.received().len(), 1, "{status}");
    }
}
