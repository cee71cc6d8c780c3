//! Ephemeral resources.

use rmpv::Value;
use serde_json::json;
use terraform_provider_proxmox::plugin::proto::provider_server::Provider;
use terraform_provider_proxmox::plugin::proto::*;

use super::support::*;
use crate::provider::RENEW_AT;

tests! {
    a_key_is_opened_renewed_and_closed,
}

async fn a_key_is_opened_renewed_and_closed(toy: Toy) {
    let type_name = || "toy_key".to_owned();
    let validate = validate_ephemeral_resource_config::Request {
        type_name: type_name(),
        config: dynamic(&json!({ "name": "" })),
    };
    let refused = call!(toy.validate_ephemeral_resource_config, validate);
    assert_eq!(refused.diagnostics[0].summary, "Invalid name");

    let open = || open_ephemeral_resource::Request {
        type_name: type_name(),
        config: dynamic(&json!({ "name": "k" })),
        ..Default::default()
    };
    let opened = call!(toy.open_ephemeral_resource, open());
    assert_eq!(tree(opened.result)["value"], Value::from("value of k"));
    let renew_at = u64::try_from(opened.renew_at.unwrap().seconds).unwrap();
    assert_eq!(renew_at, RENEW_AT.as_secs());
    assert_eq!(opened.diagnostics[0].summary, "Key written");
    assert!(toy.store.read("k").is_some());
    let refused = call!(toy.open_ephemeral_resource, open());
    assert_eq!(refused.diagnostics[0].summary, "Key exists");
    assert!(refused.result.is_none());

    let renew = |private| renew_ephemeral_resource::Request {
        type_name: type_name(),
        private,
    };
    let renewed = call!(toy.renew_ephemeral_resource, renew(opened.private.clone()));
    assert!(renewed.diagnostics.is_empty());
    assert_ne!(renewed.private, opened.private);

    let close = close_ephemeral_resource::Request {
        type_name: type_name(),
        private: renewed.private.clone(),
    };
    let closed = call!(toy.close_ephemeral_resource, close);
    assert!(closed.diagnostics.is_empty());
    assert!(toy.store.read("k").is_none());

    // OpenTofu closes with the private state of a failed renewal.
    let lost = call!(toy.renew_ephemeral_resource, renew(renewed.private.clone()));
    assert_eq!(lost.diagnostics[0].summary, "Key lost");
    assert_eq!(lost.private, renewed.private);

    let config = Value::Map(vec![("name".into(), unknown())]);
    let deferred = open_ephemeral_resource::Request {
        type_name: type_name(),
        config: encoded(&config),
        client_capabilities: deferral_allowed(),
    };
    let deferred = call!(toy.open_ephemeral_resource, deferred).deferred;
    assert!(deferred.is_some());
}
