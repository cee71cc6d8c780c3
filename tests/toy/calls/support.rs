//! What the tests share.

use std::time::Duration;

use rmpv::Value;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use terraform_provider_proxmox::plugin::Service;
use terraform_provider_proxmox::plugin::proto::*;

use crate::provider::{Store, catalog};

/// Longer than any test takes. Only one that hangs reaches it.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Makes a list of the tests, each run to its end.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        /// Every test with its name.
        pub const TESTS: &[(&str, fn())] = &[$(
            (concat!(module_path!(), "::", stringify!($name)), || {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                runtime.block_on(async {
                    let test = $name($crate::calls::support::Toy::new());
                    tokio::time::timeout($crate::calls::support::LIMIT, test)
                        .await
                        .expect("the test ends in time");
                });
            }),
        )*];
    };
}

/// The service of the toy provider, and the directory of its notes.
pub struct Toy {
    pub service: Service,
    pub store: Store,
    _notes: TempDir,
}

impl Toy {
    pub fn new() -> Self {
        let notes = TempDir::new().unwrap();
        let store = Store::default();
        store.open(notes.path().to_owned());
        Self {
            service: Service::new(catalog(&store)),
            store,
            _notes: notes,
        }
    }
}

/// Makes a call with one message each way.
macro_rules! call {
    ($toy:ident.$call:ident, $request:expr) => {
        $toy.service
            .$call(tonic::Request::new($request))
            .await
            .unwrap()
            .into_inner()
    };
}

/// Makes a call and collects its stream.
macro_rules! events {
    ($toy:ident.$call:ident, $request:expr) => {{
        let events: Vec<_> = futures_util::StreamExt::collect(call!($toy.$call, $request)).await;
        let events = events.into_iter().map(Result::unwrap);
        events.collect::<Vec<_>>()
    }};
}

pub const NOTE: &str = "toy_note";

pub fn dynamic(value: &Json) -> Option<DynamicValue> {
    Some(DynamicValue {
        json: value.to_string().into_bytes(),
        ..Default::default()
    })
}

pub fn encoded(value: &Value) -> Option<DynamicValue> {
    let mut msgpack = Vec::new();
    rmpv::encode::write_value(&mut msgpack, value).unwrap();
    Some(DynamicValue {
        msgpack,
        ..Default::default()
    })
}

pub fn raw(value: &Json) -> Option<RawState> {
    Some(RawState {
        json: value.to_string().into_bytes(),
        ..Default::default()
    })
}

pub fn tree(value: Option<DynamicValue>) -> Value {
    let bytes = value.unwrap().msgpack;
    rmpv::decode::read_value(&mut bytes.as_slice()).unwrap()
}

pub fn identity(name: &str) -> Option<ResourceIdentityData> {
    Some(ResourceIdentityData {
        identity_data: dynamic(&json!({ "name": name })),
    })
}

pub fn name_in(identity: Option<ResourceIdentityData>) -> Value {
    tree(identity.unwrap().identity_data)["name"].clone()
}

pub fn unknown() -> Value {
    Value::Ext(0, Vec::new())
}

pub fn note(name: &str) -> Json {
    json!({ "name": name, "text": "hello", "author": null, "length": 5, "signed": false })
}

pub fn deferral_allowed() -> Option<ClientCapabilities> {
    Some(ClientCapabilities {
        deferral_allowed: true,
        ..Default::default()
    })
}
