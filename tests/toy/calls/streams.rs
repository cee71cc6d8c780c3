//! Lists and actions, which respond with a stream.

use futures_util::StreamExt;
use rmpv::Value;
use serde_json::json;
use terraform_provider_proxmox::plugin::proto::provider_server::Provider;
use terraform_provider_proxmox::plugin::proto::*;

use super::support::*;

tests! {
    a_list_ends_at_its_limit,
    a_list_ends_with_its_error,
    an_action_reports_progress_and_completion,
    a_panic_in_a_stream_is_its_last_event,
    a_stop_cancels_a_running_stream,
    the_work_of_a_stream_goes_on_without_its_caller,
}

fn list(limit: i64) -> list_resource::Request {
    list_resource::Request {
        type_name: NOTE.to_owned(),
        config: dynamic(&json!({})),
        include_resource_object: true,
        limit,
    }
}

async fn a_list_ends_at_its_limit(toy: Toy) {
    for name in ["a", "b", "c"] {
        toy.store.write(name, "hello", false);
    }
    let all = events!(toy.list_resource, list(0));
    assert_eq!(all.len(), 3);
    let two = events!(toy.list_resource, list(2));
    assert_eq!(two.len(), 2);
    let first = two.into_iter().next().unwrap();
    assert_eq!(first.display_name, "Note a");
    assert_eq!(name_in(first.identity), Value::from("a"));
    assert_eq!(tree(first.resource_object)["text"], Value::from("hello"));

    let validate = validate_list_resource_config::Request {
        type_name: NOTE.to_owned(),
        config: dynamic(&json!({ "prefix": "" })),
        ..Default::default()
    };
    let refused = call!(toy.validate_list_resource_config, validate);
    assert_eq!(refused.diagnostics[0].summary, "Invalid prefix");
}

async fn a_list_ends_with_its_error(toy: Toy) {
    toy.store.write("a", "hello", false);
    std::fs::write(toy.store.path("b"), "no note").unwrap();
    toy.store.write("c", "hello", false);
    let events = events!(toy.list_resource, list(0));
    assert_eq!(events.len(), 2);
    assert!(events[0].diagnostic.is_empty());
    assert_eq!(events[1].diagnostic[0].summary, "Unreadable note");
}

fn invoke(word: &str) -> invoke_action::Request {
    invoke_action::Request {
        action_type: "toy_stamp".to_owned(),
        config: dynamic(&json!({ "name": "a", "word": word })),
        ..Default::default()
    }
}

/// The lines of progress, and the summaries of the last event's diagnostics.
fn course(events: Vec<invoke_action::Event>) -> (Vec<String>, Vec<String>) {
    use invoke_action::event::Type;
    let mut lines = Vec::new();
    let mut summaries = None;
    for event in events {
        assert_eq!(summaries, None, "an event after the completion");
        match event.r#type.unwrap() {
            Type::Progress(progress) => lines.push(progress.message),
            Type::Completed(completed) => {
                let diagnostics = completed.diagnostics.into_iter();
                summaries = Some(diagnostics.map(|one| one.summary).collect());
            }
        }
    }
    (lines, summaries.unwrap())
}

async fn an_action_reports_progress_and_completion(toy: Toy) {
    toy.store.write("a", "hello", false);
    let (lines, summaries) = course(events!(toy.invoke_action, invoke(" world")));
    assert_eq!(lines, ["Stamping a", "Stamped"]);
    assert_eq!(summaries, ["Note changed"]);
    assert_eq!(toy.store.read("a").unwrap().text, "hello world");

    toy.store.remove("a");
    let (_, summaries) = course(events!(toy.invoke_action, invoke("!")));
    assert_eq!(summaries, ["Note not found"]);

    let validate = validate_action_config::Request {
        action_type: "toy_stamp".to_owned(),
        config: invoke("refused at validation").config,
    };
    let refused = call!(toy.validate_action_config, validate);
    assert_eq!(refused.diagnostics[0].summary, "Refused word");

    let plan = |config, client_capabilities| plan_action::Request {
        action_type: "toy_stamp".to_owned(),
        config,
        client_capabilities,
    };
    let config = invoke("refused at plan").config;
    let refused = call!(toy.plan_action, plan(config, None));
    assert_eq!(refused.diagnostics[0].summary, "Refused word");
    let config = Value::Map(vec![("name".into(), unknown())]);
    let later = call!(toy.plan_action, plan(encoded(&config), deferral_allowed()));
    assert!(later.deferred.is_some());
}

async fn a_panic_in_a_stream_is_its_last_event(toy: Toy) {
    let (lines, summaries) = course(events!(toy.invoke_action, invoke("panic")));
    assert_eq!(lines, ["Stamping a"]);
    assert_eq!(summaries, ["The provider failed"]);
}

async fn a_stop_cancels_a_running_stream(toy: Toy) {
    toy.store.write("a", "hello", false);
    let mut events = call!(toy.invoke_action, invoke("wait"));
    let stamping = events.next().await.unwrap().unwrap();
    call!(toy.stop_provider, stop_provider::Request {});
    let rest = events.map(Result::unwrap).collect::<Vec<_>>().await;
    let (lines, _) = course([vec![stamping], rest].concat());
    assert_eq!(lines, ["Stamping a", "Stamped"]);
}

async fn the_work_of_a_stream_goes_on_without_its_caller(toy: Toy) {
    toy.store.write("a", "hello", false);
    let mut events = call!(toy.invoke_action, invoke("wait"));
    events.next().await.unwrap().unwrap();
    drop(events);
    call!(toy.stop_provider, stop_provider::Request {});
    while toy.store.read("a").is_none_or(|note| note.text == "hello") {
        tokio::task::yield_now().await;
    }
}
