//! Ephemeral resources, call by call: what no command line does on demand, such as a renewal, or a
//! close after a stop.

use std::collections::BTreeMap;

use proxmox_simulator::{Fault, RawResponse, Simulator, State};
use rmpv::Value;
use serde_json::{Value as Json, json};
use terraform_provider_proxmox::plugin::proto::provider_client::ProviderClient;
use terraform_provider_proxmox::plugin::proto::*;
use terraform_provider_proxmox::provider::catalog;
use tonic::transport::Channel;

use crate::support::client::in_process;

const TOKEN: &str = "proxmox_api_token";
const HOUR: u64 = 60 * 60;

/// A provider that is configured for a simulator, with a user that can own tokens.
struct Given {
    sim: Simulator,
    provider: ProviderClient<Channel>,
}

impl Given {
    async fn new() -> Self {
        let sim = Simulator::builder().spawn().unwrap();
        let secret = sim.state(|state| {
            state.add_user("demo@pve", "demo-pass-1");
            state.add_token("root@pam!admin", false, None, 0)
        });
        let credential = json!({ "api_token": format!("root@pam!admin={secret}") });
        Self::with(sim, credential).await
    }

    async fn with(sim: Simulator, credential: Json) -> Self {
        let mut provider = in_process(catalog()).await;
        let mut config = json!({
            "endpoint": sim.endpoint(),
            "certificate_fingerprints": [sim.certificate_fingerprint()],
        });
        let attributes = config.as_object_mut().unwrap();
        attributes.extend(credential.as_object().unwrap().clone());
        let request = configure_provider::Request {
            config: dynamic(&config),
            ..Default::default()
        };
        let configured = provider.configure_provider(request).await.unwrap();
        assert_eq!(configured.into_inner().diagnostics, []);
        Self { sim, provider }
    }

    async fn open(&mut self, type_name: &str, config: Json) -> open_ephemeral_resource::Response {
        let request = open_ephemeral_resource::Request {
            type_name: type_name.to_owned(),
            config: dynamic(&config),
            ..Default::default()
        };
        let opened = self.provider.open_ephemeral_resource(request).await;
        opened.unwrap().into_inner()
    }

    async fn renew(&mut self, private: &Option<Vec<u8>>) -> renew_ephemeral_resource::Response {
        let request = renew_ephemeral_resource::Request {
            type_name: TOKEN.to_owned(),
            private: private.clone(),
        };
        let renewed = self.provider.renew_ephemeral_resource(request).await;
        renewed.unwrap().into_inner()
    }

    async fn close(&mut self, private: &Option<Vec<u8>>) -> Vec<Diagnostic> {
        let request = close_ephemeral_resource::Request {
            type_name: TOKEN.to_owned(),
            private: private.clone(),
        };
        let closed = self.provider.close_ephemeral_resource(request).await;
        closed.unwrap().into_inner().diagnostics
    }

    /// The names and expiries of the tokens of `demo@pve`.
    fn tokens(&self) -> BTreeMap<String, u64> {
        let tokens = |state: &mut State| {
            let tokens = &state.user("demo@pve").unwrap().tokens;
            let each = tokens.iter();
            each.map(|(name, token)| (name.clone(), token.expire))
                .collect()
        };
        self.sim.state(tokens)
    }

    fn now(&self) -> u64 {
        self.sim.state(|state| state.now().unsigned_abs())
    }
}

fn dynamic(value: &Json) -> Option<DynamicValue> {
    Some(DynamicValue {
        json: value.to_string().into_bytes(),
        ..Default::default()
    })
}

/// The attributes of a result.
fn attributes(result: Option<DynamicValue>) -> BTreeMap<String, String> {
    let bytes = result.unwrap().msgpack;
    let tree = rmpv::decode::read_value(&mut bytes.as_slice()).unwrap();
    let Value::Map(entries) = tree else {
        panic!("{tree}")
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = entries.iter();
    entries
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn detail(diagnostics: &[Diagnostic]) -> String {
    let texts = diagnostics.iter();
    let texts = texts.map(|one| format!("{}: {}", one.summary, one.detail));
    texts.collect::<Vec<_>>().join("\n")
}

fn with_grant() -> Json {
    json!({ "user_id": "demo@pve", "acl": [{ "path": "/vms", "role": "PVEAuditor" }] })
}

#[tokio::test]
async fn a_token_is_opened_extended_and_revoked() {
    let mut given = Given::new().await;
    let opened = given.open(TOKEN, with_grant()).await;
    assert_eq!(opened.diagnostics, []);
    let token = attributes(opened.result);
    let (id, secret) = (&token["token_id"], &token["secret"]);
    assert_eq!(token["api_token"], format!("{id}={secret}"));
    let name = id.strip_prefix("demo@pve!").unwrap();
    assert!(name.starts_with("tf-ephemeral-"), "{id}");
    let first = given.tokens()[name];
    assert!((HOUR - 5..=HOUR + 5).contains(&(first - given.now())));
    assert!(!String::from_utf8_lossy(opened.private.as_deref().unwrap()).contains(secret));
    let acl = given.sim.state(|state| state.acl());
    assert!(acl.iter().any(|entry| entry.1 == "PVEAuditor"), "{acl:?}");
    // Long before its expiry.
    let renew_at = u64::try_from(opened.renew_at.unwrap().seconds).unwrap();
    assert!(renew_at < first - 10 * 60, "{renew_at} {first}");

    // As if most of its life were over.
    let soon = given.now() + 60;
    given
        .sim
        .state(|state| state.token_mut("demo@pve", name).unwrap().expire = soon);
    let renewed = given.renew(&opened.private).await;
    assert_eq!(renewed.diagnostics, []);
    assert!(renewed.renew_at.is_some());
    assert!(given.tokens()[name] >= first);
    let second = given.open(TOKEN, with_grant()).await;
    assert_eq!(given.tokens().len(), 2);

    assert_eq!(given.close(&renewed.private).await, []);
    assert_eq!(given.close(&second.private).await, []);
    assert_eq!(given.tokens(), BTreeMap::new());
    // Of the two private states, Terraform passes the first one.
    assert_eq!(given.close(&opened.private).await, []);
}

#[tokio::test]
async fn a_token_is_revoked_after_a_stop_and_when_it_is_gone() {
    let mut given = Given::new().await;
    let opened = given.open(TOKEN, with_grant()).await;
    let gone = given.open(TOKEN, with_grant()).await;
    let id = attributes(gone.result)["token_id"].clone();
    let (_, name) = id.split_once('!').unwrap();
    given
        .sim
        .state(|state| state.remove_token("demo@pve", name));
    let renewed = given.renew(&gone.private).await;
    assert!(detail(&renewed.diagnostics).contains(&id));
    // OpenTofu closes with the private state of a failed renewal.
    assert_eq!(renewed.private, gone.private);
    let stop = stop_provider::Request::default();
    given.provider.stop_provider(stop).await.unwrap();
    assert_eq!(given.close(&gone.private).await, []);
    assert_eq!(given.close(&opened.private).await, []);
    assert_eq!(given.tokens(), BTreeMap::new());
}

#[tokio::test]
async fn an_open_that_fails_leaves_nothing_behind() {
    type Strike = fn() -> Fault;
    let refused = || {
        let body = r#"{"data":null,"message":"Permission check failed\n"}"#;
        Fault::response(RawResponse::json(403, body)).on("PUT", "/access/acl")
    };
    let strikes: [(Strike, &str); 3] = [
        (refused, "Permissions.Modify"),
        (|| Fault::no_quorum().on("PUT", "/access/acl"), "quorum"),
        (
            || Fault::response(RawResponse::json(403, "{}")).on("POST", "*/token/*"),
            "403",
        ),
    ];
    for (strike, reason) in strikes {
        let mut given = Given::new().await;
        given.sim.fault(strike());
        let opened = given.open(TOKEN, with_grant()).await;
        let text = detail(&opened.diagnostics);
        assert!(text.contains(reason), "{text}");
        assert!(opened.result.is_none());
        assert_eq!(given.tokens(), BTreeMap::new());
    }
}

#[tokio::test]
async fn a_response_that_is_lost_costs_no_token() {
    let mut given = Given::new().await;
    let lost = Fault::dropped_after_commit();
    given.sim.fault(lost.on("POST", "*/token/*").times(1));
    let opened = given.open(TOKEN, with_grant()).await;
    assert_eq!(
        opened.diagnostics[0].summary,
        "No response to token creation"
    );
    assert!(opened.result.is_some());
    let lost = Fault::dropped_after_commit();
    given.sim.fault(lost.on("DELETE", "*/token/*").times(1));
    assert_eq!(given.close(&opened.private).await, []);
    assert_eq!(given.tokens(), BTreeMap::new());
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_with_its_attribute() {
    type Change = fn(&mut State);
    let with = |name: &str, value: Json| {
        let mut config = with_grant();
        config[name] = value;
        config
    };
    let cases: [(Json, Change, &str, &str); 7] = [
        (
            with("user_id", json!("nobody@pve")),
            |_| (),
            "user_id",
            "has no user nobody@pve",
        ),
        (
            with_grant(),
            |state| state.user_mut("demo@pve").enabled = false,
            "user_id",
            "is disabled",
        ),
        (
            with_grant(),
            |state| state.user_mut("demo@pve").expire = 1,
            "user_id",
            "has expired",
        ),
        (
            with("expires_in", json!("25h")),
            |_| (),
            "expires_in",
            "at most",
        ),
        (
            with("expires_in", json!("soon")),
            |_| (),
            "expires_in",
            "duration",
        ),
        (
            with("acl", json!([{ "path": "/vms", "role": "NoSuchRole" }])),
            |_| (),
            "acl",
            "no role",
        ),
        (
            with("privilege_separation", json!(false)),
            |_| (),
            "acl",
            "privilege_separation",
        ),
    ];
    for (config, change, attribute, reason) in cases {
        let mut given = Given::new().await;
        given.sim.state(change);
        let opened = given.open(TOKEN, config).await;
        let text = detail(&opened.diagnostics);
        assert!(text.contains(reason), "{text}");
        let path = format!("{:?}", opened.diagnostics[0].attribute);
        assert!(path.contains(attribute), "{text} {path}");
        assert_eq!(given.tokens(), BTreeMap::new());
        assert_eq!(given.sim.count(|request| request.method == "POST"), 0);
    }
}

#[tokio::test]
async fn a_ticket_is_made_with_the_second_factor() {
    let sim = Simulator::builder().spawn().unwrap();
    let seed = sim.state(|state| {
        state.add_user("demo@pve", "demo-pass-1");
        state.enable_totp("demo@pve")
    });
    let login = json!({
        "username": "demo@pve",
        "password": "demo-pass-1",
        "totp_secret": seed,
    });
    let mut given = Given::with(sim, login).await;
    let opened = given.open("proxmox_ticket", json!({})).await;
    assert_eq!(opened.diagnostics, []);
    let ticket = attributes(opened.result);
    assert_eq!(ticket["username"], "demo@pve");
    assert!(ticket["ticket"].starts_with("PVE:demo@pve:"));
    assert!(ticket["csrf_prevention_token"].contains(':'));
    assert!(ticket["expires_at"].ends_with('Z'));
    assert!(opened.renew_at.is_none());

    let mut given = Given::new().await;
    let refused = given.open("proxmox_ticket", json!({})).await;
    let text = detail(&refused.diagnostics);
    assert!(text.contains("`username` and `password`"), "{text}");
}
