//! A failing call does not affect others: panics, callers that disconnect, and requests to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use terraform_provider_proxmox::framework::Context;
use terraform_provider_proxmox::plugin::Service;
use terraform_provider_proxmox::plugin::proto::provider_server::Provider;
use terraform_provider_proxmox::plugin::proto::{
    apply_resource_change, get_metadata, stop_provider,
};
use tokio::sync::{Notify, oneshot};
use tonic::Request;

use crate::support::catalog::{SCRIPTED, catalog};
use crate::support::client::in_process;
use crate::support::process::Launch;
use crate::support::within_limit;

fn apply() -> apply_resource_change::Request {
    apply_resource_change::Request {
        type_name: SCRIPTED.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_panic_becomes_a_diagnostic_of_its_call_and_shows_no_payload() {
    let mut provider = in_process(catalog(|| async { panic!("secret {}", "hunter2") })).await;
    let answer = within_limit(provider.apply_resource_change(apply())).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(answer.diagnostics.len(), 1);
    let diagnostic = &answer.diagnostics[0];
    assert_eq!(diagnostic.summary, "The provider failed");
    assert!(diagnostic.detail.contains("isolation.rs:"));
    assert!(!diagnostic.detail.contains("hunter2"));
    assert!(answer.new_state.is_none());

    let alive = provider.get_metadata(get_metadata::Request {});
    assert!(within_limit(alive).await.is_ok());
}

#[tokio::test]
async fn work_goes_on_when_its_caller_has_gone() {
    let (started, proceed, done) = (
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
    );
    let script = {
        let (started, proceed, done) = (started.clone(), proceed.clone(), done.clone());
        move || {
            let (started, proceed, done) = (started.clone(), proceed.clone(), done.clone());
            async move {
                started.notify_one();
                proceed.notified().await;
                done.notify_one();
                Vec::new()
            }
        }
    };
    // A caller that goes away makes the server drop the handler; so does this.
    let service = Service::new(catalog(script));
    tokio::select! {
        _ = service.apply_resource_change(Request::new(apply())) => panic!("it cannot be done yet"),
        () = within_limit(started.notified()) => (),
    }
    proceed.notify_one();
    within_limit(done.notified()).await;
}

#[tokio::test]
async fn stop_ends_the_waiting_of_a_running_call_and_its_answer_arrives() {
    let started = Arc::new(Notify::new());
    let script = {
        let started = started.clone();
        move || {
            let started = started.clone();
            async move {
                started.notify_one();
                Context::current().cancel.cancelled().await;
                b"what was done".to_vec()
            }
        }
    };
    let provider = in_process(catalog(script)).await;
    let mut running = provider.clone();
    let call = tokio::spawn(async move { running.apply_resource_change(apply()).await });
    within_limit(started.notified()).await;

    let stopped = { provider }.stop_provider(stop_provider::Request {}).await;
    assert!(stopped.is_ok());
    let answer = within_limit(call).await.unwrap().unwrap().into_inner();
    assert_eq!(answer.private, b"what was done");
}

#[tokio::test]
async fn calls_after_a_stop_are_not_cancelled() {
    let cancelled = Arc::new(AtomicBool::new(true));
    let script = {
        let cancelled = cancelled.clone();
        move || {
            let now = Context::current().cancel.is_cancelled();
            cancelled.store(now, Ordering::SeqCst);
            std::future::ready(Vec::new())
        }
    };
    let mut provider = in_process(catalog(script)).await;
    provider
        .stop_provider(stop_provider::Request {})
        .await
        .unwrap();
    provider.apply_resource_change(apply()).await.unwrap();
    assert!(!cancelled.load(Ordering::SeqCst));
}

#[tokio::test]
async fn calls_run_beside_each_other() {
    // Each of the two waits for the other's word.
    let (to_second, at_second) = oneshot::channel::<()>();
    let (to_first, at_first) = oneshot::channel::<()>();
    let ends = Arc::new(Mutex::new(vec![
        (to_second, at_first),
        (to_first, at_second),
    ]));
    let script = move || {
        let end = ends.lock().unwrap().pop();
        async move {
            let (word, other) = end.unwrap();
            word.send(()).unwrap();
            other.await.unwrap();
            Vec::new()
        }
    };
    let provider = in_process(catalog(script)).await;
    let (mut one, mut other) = (provider.clone(), provider);
    let both = async {
        tokio::join!(
            one.apply_resource_change(apply()),
            other.apply_resource_change(apply())
        )
    };
    let (one, other) = within_limit(both).await;
    assert!(one.unwrap().into_inner().diagnostics.is_empty());
    assert!(other.unwrap().into_inner().diagnostics.is_empty());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_memory_of_the_process_is_not_for_core_dumps_or_other_processes() {
    use std::os::unix::fs::MetadataExt;

    let process = Launch::like_terraform().start();
    let proc = std::path::PathBuf::from(format!("/proc/{}", process.id()));
    let limits = std::fs::read_to_string(proc.join("limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let limit: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(limit[4..6], ["0", "0"]);
    // The files of a process that cannot be dumped belong to root.
    assert_eq!(proc.join("environ").metadata().unwrap().uid(), 0);
}
