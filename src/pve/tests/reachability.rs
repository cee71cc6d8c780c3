//! One attempt stands for all reads of a host that cannot be reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpListener;

use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::settings::Settings;
use crate::pve::tests::script::token;

/// A port that takes connections and never says anything, and how many it has taken.
async fn black_hole() -> (CachedClient, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap().to_string();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    let settings = Settings {
        request_timeout: Duration::from_millis(400),
        ..Settings::new(
            endpoint.parse().unwrap(),
            token("demo@pve!t1=573e8a06-e698-427c-acd8-738410c8ee7f"),
        )
    };
    (CachedClient::new(settings), taken)
}

#[tokio::test]
async fn reads_of_a_host_that_is_down_share_one_attempt_and_a_write_makes_another() {
    let (client, taken) = black_hole().await;
    let context = Context::default();
    let reads = (0..5).map(|_| client.version(&context));
    for read in join_all(reads).await {
        assert!(read.unwrap_err().is_unreachable());
    }
    assert!(client.nodes(&context).await.unwrap_err().is_unreachable());
    assert_eq!(taken.load(Ordering::SeqCst), 1);

    let id = "demo@pve!t1".parse().unwrap();
    let written = client.delete_token(&id, &context).await;
    assert!(written.unwrap_err().is_unreachable());
    assert_eq!(taken.load(Ordering::SeqCst), 2);
}
