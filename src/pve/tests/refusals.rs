//! Recorded refusals, and what the client makes of them.

use http::Method;

use crate::pve::error::request::{RequestInfo, RequestKind};
use crate::pve::error::{Error, ErrorKind};
use crate::pve::id::TokenId;
use crate::pve::net::classify;
use crate::pve::net::request::About;
use crate::pve::net::response::RawResponse;
use crate::pve::tests::recordings::recorded;

fn refusal(method: Method, case: &str, exchange: usize) -> Error {
    let recorded = recorded(case, exchange);
    let token: TokenId = "demo@pve!t1".parse().unwrap();
    let about = About {
        user: Some(token.user.clone()),
        token: Some(token),
        role: Some("NoSuchRole".to_owned()),
    };
    let kind = match method {
        Method::GET => RequestKind::Read,
        _ => RequestKind::Write,
    };
    let request = RequestInfo {
        kind,
        method,
        endpoint: "https://pve1:8006".to_owned(),
        path: "/access/users/demo%40pve/token/t1".to_owned(),
        tried: Vec::new(),
    };
    let raw = RawResponse::of(recorded.status, &recorded.reason, recorded.body);
    Error::new(request, classify::refused(&raw, &about))
}

/// The variant's name, and whether the write may have taken effect.
fn kind(error: &Error) -> (String, bool) {
    let name = format!("{:?}", error.kind)
        .split([' ', '{'])
        .next()
        .unwrap()
        .to_owned();
    (name, error.may_have_taken_effect())
}

#[test]
fn every_recorded_refusal_of_a_write_is_told_apart() {
    for (case, exchange, expected, may_have_taken_effect) in [
        ("9.1.1/036-token-create-duplicate", 0, "TokenExists", false),
        ("8.2.2-http5.1.2/002-create-dup", 0, "TokenExists", false),
        ("9.1.1/096-token-get-missing", 0, "NoSuchToken", false),
        ("8.2.2-http5.1.2/004-get-missing", 0, "NoSuchToken", false),
        ("9.1.1/283-acl-token-missing", 0, "NoSuchToken", false),
        ("9.1.1/107-user-get-missing", 0, "NoSuchUser", false),
        ("9.1.1/284-acl-token-user-missing", 0, "NoSuchUser", false),
        ("9.1.1/288-acl-role-missing", 0, "NoSuchRole", false),
        ("9.1.1/291-acl-path-invalid", 0, "ParameterErrors", false),
        (
            "8.2.2-http5.1.2/012-update-regenerate",
            0,
            "ParameterErrors",
            false,
        ),
        ("9.1.1/099-token-get-user-missing", 0, "Forbidden", false),
        ("8.2.2-http5.1.2/030-user-missing", 0, "Forbidden", false),
        (
            "9.1.1/180-use-cluster-status-unprivileged",
            0,
            "Forbidden",
            false,
        ),
        ("9.1.1/438-lock-held", 0, "LockTimeout", false),
        ("9.1.1/440-pvedaemon-down", 0, "ProxyHop", false),
        ("9.1.1/441-pvedaemon-hung", 0, "ProxyHop", true),
        ("9.1.1/442-pmxcfs-down", 1, "Api", false),
        ("9.1.1/400-unknown-path", 0, "Api", false),
        ("9.1.1/424-plain-http-get", 0, "NotProxmox", true),
    ] {
        let error = refusal(Method::POST, case, exchange);
        assert_eq!(
            kind(&error),
            (expected.to_owned(), may_have_taken_effect),
            "{case}: {error}"
        );
    }
}

#[test]
fn a_read_never_takes_effect() {
    let error = refusal(Method::GET, "9.1.1/441-pvedaemon-hung", 0);
    assert_eq!(kind(&error), ("ProxyHop".to_owned(), false));
}

#[test]
fn a_server_without_message_in_the_body_is_understood_by_its_status_line() {
    let Error {
        kind: ErrorKind::Forbidden { refusal },
        ..
    } = refusal(Method::POST, "8.2.2-http5.1.2/030-user-missing", 0)
    else {
        panic!("not classified as forbidden");
    };
    assert_eq!(refusal.message, "Permission check failed");
}

#[test]
fn a_parameter_that_the_server_is_too_old_for_is_named() {
    let error = refusal(Method::PUT, "8.2.2-http5.1.2/012-update-regenerate", 0);
    assert!(error.is_unknown_parameter("regenerate"));
    assert!(!error.is_unknown_parameter("comment"));
    assert!(!refusal(Method::PUT, "9.1.1/291-acl-path-invalid", 0).is_unknown_parameter("path"));
}

#[test]
fn lost_quorum_changes_nothing_and_unclear_errors_may_have() {
    let about = About::default();
    let request = |path: &str| RequestInfo {
        kind: RequestKind::Write,
        method: Method::PUT,
        endpoint: "https://pve1:8006".to_owned(),
        path: path.to_owned(),
        tried: Vec::new(),
    };
    let answer = |status, reason, body: &str| {
        let raw = RawResponse::of(status, reason, body.to_owned());
        Error::new(request("/access/acl"), classify::refused(&raw, &about))
    };
    let refusal = |status, reason| answer(status, reason, "");
    let no_quorum = refusal(
        500,
        "ACL update failed: cfs-lock 'file-user_cfg' error: no quorum!",
    );
    assert_eq!(kind(&no_quorum), ("NoQuorum".to_owned(), false));
    assert_eq!(
        kind(&refusal(500, "something broke")),
        ("Api".to_owned(), true)
    );
    assert_eq!(
        kind(&refusal(504, "Gateway Timeout")),
        ("Gateway".to_owned(), true)
    );
    assert_eq!(
        kind(&refusal(404, "Not Found")),
        ("NotProxmox".to_owned(), true)
    );
    // A gateway's own refusals have no `data`.
    for status in [400, 401, 403] {
        assert_eq!(
            kind(&answer(
                status,
                "Forbidden",
                r#"{"message":"denied by policy"}"#
            )),
            ("NotProxmox".to_owned(), true)
        );
    }
    for status in [408, 429] {
        assert_eq!(kind(&refusal(status, "Busy")), ("Gateway".to_owned(), true));
    }
}

#[test]
fn an_error_names_the_request_the_object_and_the_reason() {
    let error = refusal(Method::POST, "9.1.1/096-token-get-missing", 0);
    assert_eq!(
        error.to_string(),
        "POST /access/users/demo%40pve/token/t1 at https://pve1:8006: the token demo@pve!t1 does not exist"
    );
    let error = refusal(Method::POST, "9.1.1/291-acl-path-invalid", 0);
    assert_eq!(
        error.to_string(),
        "POST /access/users/demo%40pve/token/t1 at https://pve1:8006 answered 400: Parameter verification failed. (path: invalid ACL path '/nonsense')"
    );
}
