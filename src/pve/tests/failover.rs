//! Which node is asked when one cannot be, and which never is.

use std::time::Duration;

use proxmox_simulator::closed_port;
use serde_json::json;

use crate::pve::api::tokens::{CreatedToken, NewToken};
use crate::pve::auth::credentials::Credentials;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::id::TokenId;
use crate::pve::net::endpoint::Endpoint;
use crate::pve::net::retry::Retries;
use crate::pve::secret::Secret;
use crate::pve::settings::Settings;
use crate::pve::tests::script::{Host, Reaction, data, replay, token};
use crate::pve::timestamp::Expiry;

/// An address at which nothing listens.
fn nobody() -> Endpoint {
    closed_port().unwrap().to_string().parse().unwrap()
}

fn minted() -> Reaction {
    data(&json!({"value": "573e8a06-e698-427c-acd8-738410c8ee7f"}))
}

async fn healthy() -> Host {
    Host::new(|received| match received.line.starts_with("GET") {
        true => data(&json!({"version": "9.2.11"})),
        false => minted(),
    })
    .await
}

fn answering(status: &'static str) -> impl Fn(&crate::pve::tests::script::Received) -> Reaction {
    move |_| {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        Reaction::Answer(answer.into_bytes())
    }
}

fn lost() -> Reaction {
    Reaction::AnswerAndClose(Vec::new())
}

/// A client whose first node is at `first` and whose others are these hosts.
fn client(first: Endpoint, known: &[&Host], others: &[&Host]) -> CachedClient {
    let mut settings = Settings::new(first, token("root@pam!admin=s3cr3t"));
    settings.request_timeout = Duration::from_secs(2);
    settings.other_endpoints = others.iter().map(|host| host.endpoint()).collect();
    settings.tls.fingerprints = known
        .iter()
        .chain(others)
        .map(|host| host.fingerprint)
        .collect();
    CachedClient::new(settings)
}

async fn mint(client: &CachedClient, token: &str) -> Result<CreatedToken, Error> {
    let new = NewToken {
        comment: None,
        expire: Expiry::Never,
        privsep: true,
    };
    let token: TokenId = token.parse().unwrap();
    client.create_token(&token, &new, &Context::default()).await
}

async fn create(client: &CachedClient) -> Result<CreatedToken, Error> {
    mint(client, "demo@pve!tdef").await
}

#[tokio::test]
async fn a_node_that_cannot_be_reached_is_passed_over_and_not_asked_again() {
    let second = healthy().await;
    let client = client(nobody(), &[], &[&second]);
    client.version(&Context::default()).await.unwrap();
    assert_eq!(client.endpoint(), &second.endpoint());
    create(&client).await.unwrap();
    assert_eq!(second.lines().len(), 2);
}

#[tokio::test]
async fn when_no_node_answers_the_error_names_them_all() {
    let nodes = [nobody(), nobody()];
    let mut settings = Settings::new(nodes[0].clone(), Credentials::None);
    settings.other_endpoints = vec![nodes[1].clone()];
    let error = CachedClient::new(settings)
        .version(&Context::default())
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Refused), "{error}");
    let [first, second] = nodes.map(|node| node.to_string());
    let expected = format!("at {second} (after {first} could not be asked)");
    assert!(error.to_string().contains(&expected), "{error}");
}

#[tokio::test]
async fn a_read_goes_on_to_the_next_node_from_every_kind_of_no_answer() {
    for first in [
        Host::new(answering("595 Connection refused")).await,
        Host::new(answering("596 Connection timed out")).await,
        Host::new(|_| lost()).await,
        Host::new(|_| Reaction::Hang).await,
    ] {
        let second = healthy().await;
        let client = client(first.endpoint(), &[&first], &[&second]);
        client.version(&Context::default()).await.unwrap();
        assert_eq!(second.lines().len(), 1);
    }
}

#[tokio::test]
async fn a_write_goes_on_only_where_it_certainly_changed_nothing() {
    let first = Host::new(answering("595 Connection refused")).await;
    let second = healthy().await;
    create(&client(first.endpoint(), &[&first], &[&second]))
        .await
        .unwrap();
    assert_eq!((first.lines().len(), second.lines().len()), (1, 1));

    for first in [
        Host::new(answering("596 Connection timed out")).await,
        Host::new(|_| lost()).await,
        Host::new(|_| Reaction::Hang).await,
    ] {
        let second = healthy().await;
        let client = client(first.endpoint(), &[&first], &[&second]);
        let error = create(&client).await.unwrap_err();
        assert!(error.may_have_taken_effect(), "{error}");
        assert_eq!((first.lines().len(), second.lines().len()), (1, 0));
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_not_asked_of_another() {
    let first = Host::new(|_| replay("9.1.1/036-token-create-duplicate", 0)).await;
    let second = healthy().await;
    let client = client(first.endpoint(), &[&first], &[&second]);
    assert!(matches!(
        create(&client).await,
        Err(Error {
            kind: ErrorKind::TokenExists { .. },
            ..
        })
    ));
    let untrusted = crate::pve::tests::failover::client(first.endpoint(), &[], &[&second]);
    let read = untrusted.version(&Context::default()).await;
    assert!(
        matches!(
            read,
            Err(Error {
                kind: ErrorKind::Tls { .. },
                ..
            })
        ),
        "{read:?}"
    );
    assert_eq!(second.lines().len(), 0);
}

#[tokio::test]
async fn after_a_write_everything_stays_with_the_node_that_took_it() {
    for answers in [true, false] {
        let first = Host::new(
            move |received| match (received.line.starts_with("GET"), answers) {
                (true, _) => answering("595 Connection refused")(received),
                (false, true) => minted(),
                (false, false) => lost(),
            },
        )
        .await;
        let second = healthy().await;
        let client = client(first.endpoint(), &[&first], &[&second]);
        assert_eq!(create(&client).await.is_ok(), answers);
        let read = client.version(&Context::default()).await;
        assert!(
            matches!(
                read,
                Err(Error {
                    kind: ErrorKind::ProxyHop { .. },
                    ..
                })
            ),
            "{read:?}"
        );
        assert_eq!(second.lines().len(), 0);
    }
}

#[tokio::test]
async fn a_login_goes_on_and_a_one_time_code_does_not() {
    let first = Host::new(answering("596 Connection timed out")).await;
    let second = Host::new(|received| match received.body.contains("tfa-challenge") {
        true => lost(),
        false => crate::pve::tests::login::challenge(),
    })
    .await;
    let third = healthy().await;
    let mut settings = Settings::new(
        first.endpoint(),
        Credentials::Password {
            user: "demo@pve".parse().unwrap(),
            password: Secret::new("s3cr3t"),
            totp: None,
            otp: Some(Secret::new("123456")),
        },
    );
    settings.other_endpoints = vec![second.endpoint(), third.endpoint()];
    settings.tls.fingerprints = [&first, &second, &third]
        .map(|host| host.fingerprint)
        .into();
    let login = CachedClient::new(settings)
        .log_in(&Context::default())
        .await;
    assert!(
        matches!(
            login,
            Err(Error {
                kind: ErrorKind::Lost { .. },
                ..
            })
        ),
        "{login:?}"
    );
    assert_eq!(first.lines().len(), 1);
    assert_eq!(second.lines().len(), 2);
    assert_eq!(third.lines().len(), 0);
}

#[tokio::test]
async fn a_read_whose_connection_breaks_is_repeated_as_often_as_is_set() {
    let host = Host::new(|_| lost()).await;
    let mut settings = host.settings(token("root@pam!admin=s3cr3t"));
    settings.retries = Retries::from(0);
    let lost = CachedClient::new(settings)
        .version(&Context::default())
        .await;
    assert!(matches!(
        lost,
        Err(Error {
            kind: ErrorKind::Lost { .. },
            ..
        })
    ));
    assert_eq!(host.lines().len(), 1);
}

#[tokio::test]
async fn a_token_that_was_just_minted_is_tried_again_before_its_refusal_is_believed() {
    let first = healthy().await;
    let created = mint(&first.client(), "demo@pve!young").await;
    let secret = created.unwrap().secret;
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let second = Host::new(move |received| {
        let before = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match before {
            0 => answering("401 Authentication failed!")(received),
            _ => data(&json!({"version": "9.2.11"})),
        }
    })
    .await;
    let as_token = |secret: &str| token(&format!("demo@pve!young={secret}"));
    let known = CachedClient::new(second.settings(as_token(secret.expose())));
    known.version(&Context::default()).await.unwrap();
    assert_eq!(second.lines().len(), 2);

    let refusing = Host::new(answering("401 Authentication failed!")).await;
    let other_secret = CachedClient::new(refusing.settings(as_token("another")));
    assert!(other_secret.version(&Context::default()).await.is_err());
    assert_eq!(refusing.lines().len(), 1);
}
