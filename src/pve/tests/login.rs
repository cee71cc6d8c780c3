//! Logging in with a password and a second factor.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::pve::auth::credentials::{Credentials, LoginTicket};
use crate::pve::auth::totp::TotpSeed;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::error::failure::AuthFailure;
use crate::pve::error::{Error, ErrorKind};
use crate::pve::secret::Secret;
use crate::pve::tests::script::{Host, Reaction, Received, data, replay};

const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn account(seed: Option<&str>) -> Credentials {
    Credentials::Password {
        user: "demo@pve".parse().unwrap(),
        password: Secret::new("demo-pass-1"),
        totp: seed.map(|seed| seed.parse().unwrap()),
        otp: None,
    }
}

fn is_login(received: &Received) -> bool {
    received.line == "POST /api2/json/access/ticket"
}

fn granted() -> Reaction {
    data(
        &json!({"username": "demo@pve", "ticket": "PVE:demo@pve:6B0482D5::KHg/w+==", "CSRFPreventionToken": "6B0482D5:OwkT"}),
    )
}

pub(crate) fn challenge() -> Reaction {
    data(
        &json!({"NeedTFA": 1, "ticket": "PVE:!tfa!{\"totp\"%3Atrue}:6B04830B::bJl/+==", "CSRFPreventionToken": "6B04830B:x"}),
    )
}

fn anything() -> Reaction {
    data(&json!({"version": "9.2.11"}))
}

/// A host that grants every login, after a challenge if it is one with a second factor.
async fn host(second_factor: bool) -> Host {
    Host::new(move |received| {
        match (is_login(received), received.body.contains("tfa-challenge=")) {
            (true, false) if second_factor => challenge(),
            (true, _) => granted(),
            (false, _) => anything(),
        }
    })
    .await
}

#[tokio::test]
async fn a_ticket_travels_as_a_cookie_and_a_write_also_carries_the_csrf_token() {
    let host = host(false).await;
    let client = CachedClient::new(host.settings(account(None)));
    client.version(&Context::default()).await.unwrap();
    client
        .delete_token(&"demo@pve!t1".parse().unwrap(), &Context::default())
        .await
        .unwrap();
    let [login, read, write] = <[Received; 3]>::try_from(host.received()).unwrap();
    assert_eq!(login.body, "username=demo%40pve&password=demo-pass-1");
    let cookie = "PVEAuthCookie=PVE%3Ademo%40pve%3A6B0482D5%3A%3AKHg%2Fw%2B%3D%3D";
    assert_eq!(
        (read.header("cookie"), read.header("csrfpreventiontoken")),
        (Some(cookie), None)
    );
    assert_eq!(
        (write.header("cookie"), write.header("csrfpreventiontoken")),
        (Some(cookie), Some("6B0482D5:OwkT"))
    );
}

#[tokio::test]
async fn a_login_can_be_handed_on_and_used_by_another_client() {
    let host = host(false).await;
    let first = CachedClient::new(host.settings(account(None)));
    let login = first.log_in(&Context::default()).await.unwrap().unwrap();
    assert_eq!(login.user.to_string(), "demo@pve");
    let second = CachedClient::new(host.settings(Credentials::Ticket(login)));
    second
        .delete_token(&"demo@pve!t1".parse().unwrap(), &Context::default())
        .await
        .unwrap();
    let write = &host.received()[1];
    assert!(write.line.starts_with("DELETE") && write.header("cookie").is_some());
    assert_eq!(write.header("csrfpreventiontoken"), Some("6B0482D5:OwkT"));
    let token = CachedClient::new(host.settings(crate::pve::tests::script::token("demo@pve!t1=s")));
    assert!(token.log_in(&Context::default()).await.unwrap().is_none());
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_login() {
    let host = host(false).await;
    let client = CachedClient::new(host.settings(account(None)));
    let context = Context::default();
    for version in join_all((0..10).map(|_| client.version(&context))).await {
        version.unwrap();
    }
    assert_eq!(
        host.received()
            .iter()
            .filter(|received| is_login(received))
            .count(),
        1
    );
}

#[tokio::test]
async fn a_refused_login_is_never_tried_again() {
    let host = Host::new(|_| replay("9.1.1/225-ticket-wrong-password", 0)).await;
    let client = CachedClient::new(host.settings(account(None)));
    for _ in 0..2 {
        let error = client.version(&Context::default()).await.unwrap_err();
        assert!(
            matches!(
                error.kind,
                ErrorKind::Unauthenticated {
                    failure: AuthFailure::Password,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("demo@pve"), "{error}");
    }
    assert_eq!(host.lines().len(), 1);
}

#[tokio::test]
async fn a_ticket_that_is_refused_is_replaced_at_the_next_call_and_not_before() {
    let host = Host::new(|received| {
        if is_login(received) {
            granted()
        } else {
            replay("9.1.1/247-ticket-expired-cookie", 0)
        }
    })
    .await;
    let client = CachedClient::new(host.settings(account(None)));
    for logins in 1..=2 {
        let error = client.version(&Context::default()).await.unwrap_err();
        assert!(
            matches!(
                error.kind,
                ErrorKind::Unauthenticated {
                    failure: AuthFailure::Ticket,
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(
            host.received()
                .iter()
                .filter(|received| is_login(received))
                .count(),
            logins
        );
    }
}

#[tokio::test]
async fn a_ticket_is_renewed_with_itself_and_no_second_factor() {
    let host = host(false).await;
    let client = CachedClient::new(host.settings(account(Some(SEED))));
    client.version(&Context::default()).await.unwrap();
    client.age_ticket();
    client.version(&Context::default()).await.unwrap();
    let renewal = &host.received()[2];
    assert!(is_login(renewal));
    assert_eq!(
        renewal.body,
        "username=demo%40pve&password=PVE%3Ademo%40pve%3A6B0482D5%3A%3AKHg%2Fw%2B%3D%3D"
    );
    assert_eq!(host.lines().len(), 4);
}

#[tokio::test]
async fn a_ticket_that_cannot_be_renewed_is_replaced_by_a_new_login() {
    let host = Host::new(|received| match is_login(received) {
        true if received.body.contains("password=PVE") => {
            replay("9.1.1/225-ticket-wrong-password", 0)
        }
        true => granted(),
        false => anything(),
    })
    .await;
    let client = CachedClient::new(host.settings(account(None)));
    client.version(&Context::default()).await.unwrap();
    client.age_ticket();
    client.version(&Context::default()).await.unwrap();
    assert_eq!(
        host.received()
            .iter()
            .filter(|received| is_login(received))
            .count(),
        3
    );
}

/// A login that was made so many seconds ago.
pub(crate) fn login_made_before(seconds: i64) -> Credentials {
    let issued = time::OffsetDateTime::now_utc().unix_timestamp() - seconds;
    let ticket = Secret::new(format!("PVE:demo@pve:{issued:08X}::x"));
    let csrf = Secret::new("6B0482D5:x");
    Credentials::Ticket(LoginTicket::new(ticket, csrf).unwrap())
}

#[tokio::test]
async fn a_ticket_that_was_given_is_renewed_once_it_is_old_enough_and_not_when_it_is_over() {
    for (age, logins) in [(60, 0), (5400, 1), (7300, 0)] {
        let host = host(false).await;
        let client = CachedClient::new(host.settings(login_made_before(age)));
        client.version(&Context::default()).await.unwrap();
        client.version(&Context::default()).await.unwrap();
        let made = host
            .received()
            .iter()
            .filter(|asked| is_login(asked))
            .count();
        assert_eq!(made, logins, "a ticket of {age} seconds");
        assert_eq!(host.lines().len(), 2 + logins);
    }
}

#[tokio::test]
async fn a_ticket_that_was_given_and_cannot_be_renewed_is_used_as_it_is() {
    let host = Host::new(|received| match is_login(received) {
        true => replay("9.1.1/225-ticket-wrong-password", 0),
        false => anything(),
    })
    .await;
    let client = CachedClient::new(host.settings(login_made_before(7000)));
    client.version(&Context::default()).await.unwrap();
    client.version(&Context::default()).await.unwrap();
    assert_eq!(host.lines().len(), 3, "one attempt to renew it");
}

#[tokio::test]
async fn a_challenge_is_answered_with_the_code_of_the_moment() {
    let host = host(true).await;
    let before = time::OffsetDateTime::now_utc().unix_timestamp();
    CachedClient::new(host.settings(account(Some(SEED))))
        .version(&Context::default())
        .await
        .unwrap();
    let after = time::OffsetDateTime::now_utc().unix_timestamp();
    let second = &host.received()[1];
    let seed: TotpSeed = SEED.parse().unwrap();
    let expected = [before, after].map(|at| {
        let code = seed.code_at(u64::try_from(at).unwrap());
        format!("username=demo%40pve&tfa-challenge=PVE%3A%21tfa%21%7B%22totp%22%253Atrue%7D%3A6B04830B%3A%3AbJl%2F%2B%3D%3D&password=totp%3A{}", code.expose())
    });
    assert!(expected.contains(&second.body), "{}", second.body);
}

#[tokio::test]
async fn the_code_is_that_of_the_server_s_clock() {
    let server = time::OffsetDateTime::now_utc() + time::Duration::minutes(4);
    let sent = codes_sent_at(server).await.unwrap();
    let seed: TotpSeed = SEED.parse().unwrap();
    let at = u64::try_from(server.unix_timestamp()).unwrap();
    let valid = [at, at + 30].map(|at| format!("password=totp%3A{}", seed.code_at(at).expose()));
    assert!(valid.iter().any(|code| sent.ends_with(code)), "{sent}");
}

#[tokio::test]
async fn no_code_is_sent_for_another_time_than_now() {
    let now = time::OffsetDateTime::now_utc();
    for server in [
        now + time::Duration::minutes(10),
        now - time::Duration::days(3),
        time::OffsetDateTime::UNIX_EPOCH,
    ] {
        let error = codes_sent_at(server).await.unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::ClocksDiffer { .. }),
            "{error}"
        );
    }
}

/// The body of the request with the code, sent to a host that shows this time.
async fn codes_sent_at(server: time::OffsetDateTime) -> Result<String, Error> {
    let date = server
        .format(&time::format_description::well_known::Rfc2822)
        .unwrap()
        .replace("+0000", "GMT");
    let host = Host::new(move |received| {
        if received.body.contains("tfa-challenge=") {
            return granted();
        }
        if !is_login(received) {
            return anything();
        }
        let Reaction::Answer(answer) = challenge() else {
            unreachable!()
        };
        let dated = String::from_utf8(answer).unwrap().replacen(
            "\r\n",
            &format!("\r\nDate: {date}\r\n"),
            1,
        );
        Reaction::Answer(dated.into_bytes())
    })
    .await;
    CachedClient::new(host.settings(account(Some(SEED))))
        .version(&Context::default())
        .await?;
    Ok(host.received()[1].body.clone())
}

#[tokio::test]
async fn a_code_that_was_used_is_not_used_again() {
    let host = host(true).await;
    let every_second = format!("otpauth://totp/x?secret={SEED}&period=1");
    for _ in 0..2 {
        CachedClient::new(host.settings(account(Some(&every_second))))
            .version(&Context::default())
            .await
            .unwrap();
    }
    let codes: Vec<String> = host
        .received()
        .into_iter()
        .filter_map(|received| Some(received.body.split_once("password=totp%3A")?.1.to_owned()))
        .collect();
    assert_eq!(codes.len(), 2);
    assert_ne!(codes[0], codes[1]);
}

#[tokio::test]
async fn waiting_for_the_next_code_can_be_cancelled() {
    let host = host(true).await;
    let once_an_hour = format!("otpauth://totp/x?secret={SEED}&period=3600");
    let client = |seed: &str| CachedClient::new(host.settings(account(Some(seed))));
    client(&once_an_hour)
        .version(&Context::default())
        .await
        .unwrap();
    let context = Context {
        deadline: Some(tokio::time::Instant::now() + Duration::from_millis(300)),
        ..Context::default()
    };
    let error = client(&once_an_hour).version(&context).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_second_factor_without_a_seed_is_told_with_the_factors_there_are() {
    let host = host(true).await;
    let error = CachedClient::new(host.settings(account(None)))
        .version(&Context::default())
        .await
        .unwrap_err();
    let Error {
        kind: ErrorKind::SecondFactorRequired { factors, user, .. },
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (factors.as_slice(), user.to_string().as_str()),
        (&["totp".to_owned()][..], "demo@pve")
    );
}

#[tokio::test]
async fn a_code_that_somebody_typed_in_logs_the_client_in() {
    for (typed, sent) in [
        ("123456", "totp%3A123456"),
        ("recovery:20a8-d210", "recovery%3A20a8-d210"),
    ] {
        let host = Host::new(move |received| match (is_login(received), typed) {
            (true, _) if received.body.contains("tfa-challenge=") => granted(),
            (true, "123456") => challenge(),
            (true, _) => {
                data(&json!({"NeedTFA": 1, "ticket": "PVE:!tfa!{\"recovery\"%3A[0]}:6B::x"}))
            }
            (false, _) => anything(),
        })
        .await;
        let client = CachedClient::new(host.settings(account(None)));
        let context = Context::default();
        let missing = client.version(&context).await.unwrap_err();
        assert!(
            matches!(missing.kind, ErrorKind::SecondFactorRequired { .. }),
            "{missing}"
        );
        client
            .log_in_with_code(&Secret::new(typed), &context)
            .await
            .unwrap();
        client.version(&context).await.unwrap();
        let answer = &host.received()[2].body;
        assert!(answer.ends_with(&format!("&password={sent}")), "{answer}");
        assert_eq!(host.lines().len(), 4);
    }
}

#[tokio::test]
async fn a_code_among_the_credentials_answers_the_first_challenge_and_no_other() {
    let host = Host::new(|received| {
        match (is_login(received), received.body.contains("tfa-challenge=")) {
            (true, false) => challenge(),
            (true, true) => granted(),
            (false, _) => replay("9.1.1/247-ticket-expired-cookie", 0),
        }
    })
    .await;
    let client = CachedClient::new(host.settings(Credentials::Password {
        user: "demo@pve".parse().unwrap(),
        password: Secret::new("demo-pass-1"),
        totp: None,
        otp: Some(Secret::new("123456")),
    }));
    let refused = client.version(&Context::default()).await.unwrap_err();
    assert!(
        matches!(refused.kind, ErrorKind::Unauthenticated { .. }),
        "{refused}"
    );
    let missing = client.version(&Context::default()).await.unwrap_err();
    assert!(
        matches!(missing.kind, ErrorKind::SecondFactorRequired { .. }),
        "{missing}"
    );
    let received = host.received();
    let codes = received.iter().filter(|it| it.body.contains("123456"));
    assert_eq!(codes.count(), 1);
}

#[tokio::test]
async fn a_wrong_code_is_never_repeated() {
    let host = Host::new(|received| {
        if received.body.contains("tfa-challenge=") {
            replay("9.1.1/225-ticket-wrong-password", 0)
        } else {
            challenge()
        }
    })
    .await;
    let client = CachedClient::new(host.settings(account(Some(SEED))));
    for _ in 0..2 {
        let error = client.version(&Context::default()).await.unwrap_err();
        assert!(
            matches!(
                error.kind,
                ErrorKind::Unauthenticated {
                    failure: AuthFailure::SecondFactor,
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(host.lines().len(), 2);
}
