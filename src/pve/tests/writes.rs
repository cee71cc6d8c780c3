//! Writes one after another, reads that are shared, and refusals that need a second look.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Notify;

use crate::pve::api::tokens::{Deletion, TokenChange};
use crate::pve::auth::credentials::Credentials;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::id::{TokenId, UserId};
use crate::pve::secret::Secret;
use crate::pve::tests::script::{Host, Reaction, data, replay, token};

fn id(text: &str) -> TokenId {
    text.parse().unwrap()
}

fn user(text: &str) -> UserId {
    text.parse().unwrap()
}

#[tokio::test]
async fn writes_of_one_client_never_overlap() {
    let (running, overlaps) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&overlaps);
    let host = Host::waiting(move |_| {
        let (running, overlaps) = (Arc::clone(&running), Arc::clone(&overlaps));
        Box::pin(async move {
            overlaps.fetch_max(running.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
            data(&json!(null))
        })
    })
    .await;
    let (first, second) = (host.client(), host.client());
    second.share_write_lock(first.write_lock());
    let context = Context::default();
    let tokens: Vec<TokenId> = (0..10)
        .map(|number| id(&format!("demo@pve!t{number}")))
        .collect();
    let deletions = tokens.iter().enumerate().map(|(index, token)| {
        let client = if index % 2 == 0 { &first } else { &second };
        client.delete_token(token, &context)
    });
    for deletion in join_all(deletions).await {
        assert_eq!(deletion, Ok(Deletion::Deleted));
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_read_does_not_wait_for_a_write_and_a_waiting_write_can_be_cancelled() {
    let gate = Arc::new(Notify::new());
    let arrived = Arc::new(Notify::new());
    let (opened, knocked) = (Arc::clone(&gate), Arc::clone(&arrived));
    let host = Host::waiting(move |received| {
        let (gate, arrived) = (Arc::clone(&opened), Arc::clone(&knocked));
        Box::pin(async move {
            if received.line.starts_with("DELETE") {
                arrived.notify_one();
                gate.notified().await;
            }
            data(&json!({"version": "9.2.11"}))
        })
    })
    .await;
    let client = host.client();
    let first = tokio::spawn({
        let client = client.clone();
        async move {
            client
                .delete_token(&id("demo@pve!t1"), &Context::default())
                .await
        }
    });
    arrived.notified().await;
    client.version(&Context::default()).await.unwrap();
    let cancelled = Context::default();
    let waiting = client.clone();
    let second = tokio::spawn({
        let context = cancelled.clone();
        async move { waiting.delete_token(&id("demo@pve!t2"), &context).await }
    });
    cancelled.cancel.cancel();
    let error = second.await.unwrap().unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Cancelled) && !error.may_have_taken_effect(),
        "{error}"
    );
    gate.notify_one();
    assert_eq!(first.await.unwrap(), Ok(Deletion::Deleted));
}

#[tokio::test]
async fn a_write_that_was_sent_is_not_given_up() {
    let context = Context::default();
    let cancel = context.cancel.clone();
    let host = Host::new(move |_| {
        cancel.cancel();
        data(&json!(null))
    })
    .await;
    assert_eq!(
        host.client()
            .delete_token(&id("demo@pve!t1"), &context)
            .await,
        Ok(Deletion::Deleted)
    );
}

#[tokio::test]
async fn a_write_that_met_a_held_lock_is_tried_again() {
    let attempts = AtomicUsize::new(0);
    let host = Host::new(move |_| match attempts.fetch_add(1, Ordering::SeqCst) {
        0 => replay("9.1.1/438-lock-held", 1),
        _ => data(&json!({"expire": 0, "privsep": 1, "comment": "x"})),
    })
    .await;
    let change = TokenChange {
        comment: Some("x".to_owned()),
        ..TokenChange::default()
    };
    let changed = host
        .client()
        .update_token(&id("demo@pve!t01"), &change, &Context::default())
        .await
        .unwrap();
    assert_eq!(changed.comment.as_deref(), Some("x"));
    assert_eq!(host.lines().len(), 2);
}

#[tokio::test]
async fn a_lock_that_stays_held_is_reported_in_the_end() {
    let host = Host::new(|_| replay("9.1.1/438-lock-held", 1)).await;
    let error = host
        .client()
        .update_token(
            &id("demo@pve!t01"),
            &TokenChange::default(),
            &Context::default(),
        )
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::LockTimeout { .. }),
        "{error}"
    );
    assert_eq!(host.lines().len(), 3);
}

#[tokio::test]
async fn a_token_that_is_gone_before_is_no_error_of_its_deletion() {
    let host = Host::new(|_| replay("9.1.1/096-token-get-missing", 0)).await;
    let deletion = host
        .client()
        .delete_token(&id("demo@pve!nosuch"), &Context::default())
        .await;
    assert_eq!(deletion, Ok(Deletion::AlreadyGone));
}

#[tokio::test]
async fn a_refusal_because_the_owner_is_missing_says_so() {
    let host = Host::new(|received| match received.line.as_str() {
        "GET /api2/json/access/users/nobody%40pve" => replay("9.1.1/107-user-get-missing", 0),
        _ => replay("9.1.1/099-token-get-user-missing", 0),
    })
    .await;
    let error = host
        .client()
        .regenerate_token(
            &id("nobody@pve!t1"),
            &TokenChange::default(),
            &Context::default(),
        )
        .await
        .unwrap_err();
    assert!(
        matches!(&error.kind, ErrorKind::NoSuchUser { user, .. } if user.to_string() == "nobody@pve"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refusal_although_the_owner_exists_stays_one() {
    let host = Host::new(|received| match received.line.starts_with("GET") {
        true => replay("9.1.1/105-user-get-with-tokens", 0),
        false => replay("9.1.1/099-token-get-user-missing", 0),
    })
    .await;
    let error = host
        .client()
        .regenerate_token(
            &id("audit@pve!t1"),
            &TokenChange::default(),
            &Context::default(),
        )
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Forbidden { .. }), "{error}");
}

#[tokio::test]
async fn one_answer_serves_all_reads_of_a_user_until_the_next_write() {
    let host = Host::new(|received| match received.line.starts_with("GET") {
        true => replay("9.1.1/105-user-get-with-tokens", 0),
        false => data(&json!(null)),
    })
    .await;
    let client = host.client();
    let (audit, context) = (user("audit@pve"), Context::default());
    for owner in join_all((0..10).map(|_| client.user(&audit, &context))).await {
        assert!(owner.unwrap().unwrap().tokens.contains_key("bymgr"));
    }
    client.user(&audit, &context).await.unwrap();
    assert_eq!(host.lines().len(), 1);
    client
        .delete_token(&id("demo@pve!other"), &context)
        .await
        .unwrap();
    client.user(&audit, &context).await.unwrap();
    assert_eq!(host.lines().len(), 3);
}

#[tokio::test]
async fn an_answer_from_before_a_write_is_not_kept_after_it() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let host = Host::waiting(move |received| {
        let gate = Arc::clone(&opened);
        Box::pin(async move {
            if received.line.starts_with("GET") {
                gate.notified().await;
                replay("9.1.1/105-user-get-with-tokens", 0)
            } else {
                data(&json!(null))
            }
        })
    })
    .await;
    let client = host.client();
    let (audit, context) = (user("audit@pve"), Context::default());
    let mut early = Box::pin(client.user(&audit, &context));
    assert!((&mut early).now_or_never().is_none());
    client
        .delete_token(&id("audit@pve!bymgr"), &context)
        .await
        .unwrap();
    gate.notify_one();
    early.await.unwrap();
    gate.notify_one();
    client.user(&audit, &context).await.unwrap();
    assert_eq!(
        host.lines()
            .iter()
            .filter(|line| line.starts_with("GET"))
            .count(),
        2
    );
}

#[tokio::test]
async fn a_missing_user_is_an_answer_and_a_failed_read_is_not_kept() {
    let host = Host::new(|_| replay("9.1.1/107-user-get-missing", 0)).await;
    assert_eq!(
        host.client()
            .user(&user("nobody@pve"), &Context::default())
            .await,
        Ok(None)
    );
    let host = Host::new(|_| {
        Reaction::Answer(b"HTTP/1.1 596 Connection timed out\r\nConnection: close\r\n\r\n".to_vec())
    })
    .await;
    let client = host.client();
    for requests in 1..=2 {
        assert!(matches!(
            client.user(&user("demo@pve"), &Context::default()).await,
            Err(Error {
                kind: ErrorKind::ProxyHop { .. },
                ..
            })
        ));
        assert_eq!(host.lines().len(), requests);
    }
}

#[tokio::test]
async fn a_user_s_own_ticket_still_gets_its_tokens() {
    let host = Host::new(|received| match received.line.as_str() {
        "POST /api2/json/access/ticket" => {
            data(&json!({"ticket": "PVE:audit@pve:6B::x", "CSRFPreventionToken": "6B:y"}))
        }
        "GET /api2/json/access/users/audit%40pve/token" => replay("9.1.1/101-token-list", 0),
        _ => replay("9.1.1/099-token-get-user-missing", 0),
    })
    .await;
    let own = Credentials::Password {
        user: user("audit@pve"),
        password: Secret::new("x"),
        totp: None,
        otp: None,
    };
    let owner = CachedClient::new(host.settings(own))
        .user(&user("audit@pve"), &Context::default())
        .await
        .unwrap()
        .unwrap();
    assert!(owner.tokens.contains_key("bymgr") && !owner.details_known);
    let stranger = CachedClient::new(host.settings(token("demo@pve!t1=s")));
    let error = stranger
        .user(&user("audit@pve"), &Context::default())
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Forbidden { .. }), "{error}");
}

#[tokio::test]
async fn an_acl_change_names_a_normalised_path() {
    let host = Host::new(|_| data(&json!(null))).await;
    let client = host.client();
    let (token, context) = (id("demo@pve!acl1"), Context::default());
    client
        .grant_acl(&token, "vms/200/", "PVEVMUser", false, &context)
        .await
        .unwrap();
    client
        .revoke_acl(&token, "/", "PVEVMUser", &context)
        .await
        .unwrap();
    let bodies: Vec<String> = host
        .received()
        .into_iter()
        .map(|received| received.body)
        .collect();
    assert_eq!(
        bodies,
        [
            "path=%2Fvms%2F200&tokens=demo%40pve%21acl1&roles=PVEVMUser&propagate=0",
            "path=%2F&tokens=demo%40pve%21acl1&roles=PVEVMUser&delete=1",
        ]
    );
}
