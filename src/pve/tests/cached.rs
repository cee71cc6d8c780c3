//! What is read once for a whole run: roles, and the rights of users.

use futures_util::future::join_all;
use serde_json::json;

use crate::pve::auth::credentials::{Credentials, LoginTicket};
use crate::pve::auth::totp::TotpSeed;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::id::UserId;
use crate::pve::secret::Secret;
use crate::pve::tests::script::{Host, Reaction, data, replay, token};

fn demo() -> UserId {
    "demo@pve".parse().unwrap()
}

/// A host that has one role, and rights wherever somebody asks.
async fn host() -> Host {
    Host::new(|received| {
        let line = &received.line;
        if line.contains("/access/roles") {
            data(&json!([{ "roleid": "Auditor", "privs": "VM.Audit", "special": 0 }]))
        } else if line.contains("/access/permissions") {
            data(&json!({ "/vms": { "VM.Audit": 1 }, "/access": { "Sys.Audit": 1 } }))
        } else {
            data(&json!(null))
        }
    })
    .await
}

async fn write(client: &CachedClient) {
    let token = "demo@pve!ci".parse().unwrap();
    client
        .delete_token(&token, &Context::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn roles_are_read_once_for_all_and_outlast_a_write() {
    let host = host().await;
    let client = host.client();
    let context = Context::default();
    for roles in join_all((0..5).map(|_| client.known_roles(&context))).await {
        assert!(roles.unwrap()["Auditor"].contains("VM.Audit"));
    }
    write(&client).await;
    client.known_roles(&context).await.unwrap();
    assert_eq!(reads(&host), ["GET /api2/json/access/roles"]);
}

#[tokio::test]
async fn a_refusal_to_tell_the_roles_is_kept_too() {
    let host = Host::new(|_| replay("9.1.1/180-use-cluster-status-unprivileged", 0)).await;
    let client = host.client();
    let context = Context::default();
    let first = client.known_roles(&context).await.unwrap_err();
    assert_eq!(client.known_roles(&context).await.unwrap_err(), first);
    assert_eq!(reads(&host).len(), 1);
}

#[tokio::test]
async fn rights_are_read_once_for_a_user_and_a_path_and_outlast_a_write() {
    let host = host().await;
    let client = host.client();
    let context = Context::default();
    for _ in 0..2 {
        for path in [Some("/vms/"), None] {
            let rights = client.rights_of(&demo(), path, &context).await.unwrap();
            assert!(rights.at("/vms").contains("VM.Audit"));
        }
        write(&client).await;
    }
    let asked = [
        "GET /api2/json/access/permissions?userid=demo%40pve&path=%2Fvms",
        "GET /api2/json/access/permissions?userid=demo%40pve",
    ];
    assert_eq!(reads(&host), asked);
}

#[tokio::test]
async fn a_login_sees_the_rights_of_its_user_and_a_token_needs_to_be_an_auditor() {
    let host = host().await;
    let context = Context::default();
    let ticket = LoginTicket::new(Secret::new("PVE:demo@pve:6B04::x"), Secret::new("6B04:y"));
    let login = CachedClient::new(host.settings(Credentials::Ticket(ticket.unwrap())));
    assert_eq!(login.may_see_rights_of(&demo(), &context).await, Ok(true));
    assert_eq!(host.lines(), Vec::<String>::new());

    let auditor = host.client();
    assert_eq!(auditor.may_see_rights_of(&demo(), &context).await, Ok(true));
    let nobody = Host::new(|_| data(&json!({ "/access": {} }))).await;
    let plain = CachedClient::new(nobody.settings(token("demo@pve!ci=s3cr3t")));
    assert_eq!(plain.may_see_rights_of(&demo(), &context).await, Ok(false));
}

#[tokio::test]
async fn only_a_login_with_a_second_factor_spends_a_code() {
    let host = Host::new(|_| Reaction::Hang).await;
    let spends = |totp: Option<TotpSeed>, otp: Option<Secret>| {
        let credentials = Credentials::Password {
            user: demo(),
            password: Secret::new("s3cr3t"),
            totp,
            otp,
        };
        CachedClient::new(host.settings(credentials)).would_spend_a_code()
    };
    let seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".parse::<TotpSeed>();
    assert!(spends(seed.ok(), None));
    assert!(spends(None, Some(Secret::new("123456"))));
    assert!(!spends(None, None));
    assert!(!host.client().would_spend_a_code());
}

/// What was read, without the writes.
fn reads(host: &Host) -> Vec<String> {
    let lines = host.lines().into_iter();
    lines.filter(|line| line.starts_with("GET")).collect()
}
