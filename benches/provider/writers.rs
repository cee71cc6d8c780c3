//! Writers without a common write lock: the effect of the server's lock on independent clients,
//! compared with the provider, whose writes to a cluster are serialized.

use std::error::Error;
use std::time::Instant;

use futures_util::future::try_join_all;
use proxmox_simulator::Simulator;
use terraform_provider_proxmox::pve::{self, Client, Context, Expiry, NewToken, TokenId};

use crate::host::client;

/// How many seconds so many writers need to create so many tokens of one user. Each has a client
/// of its own, and so a write lock of its own. The tokens are removed again.
pub fn create(simulator: &Simulator, tokens: usize, writers: usize) -> Result<f64, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let names: Vec<TokenId> = (0..tokens)
        .map(|number| format!("owner0@pve!tf-benchmark-raw-{number}").parse())
        .collect::<Result<_, _>>()?;
    let clients = (0..writers).map(|_| client(simulator));
    let clients: Vec<Client> = clients.collect::<Result<_, _>>()?;
    let share = tokens.div_ceil(writers);
    let begin = Instant::now();
    runtime.block_on(async {
        let work = clients.iter().zip(names.chunks(share));
        try_join_all(work.map(|(client, names)| create_all(client, names))).await
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    simulator.state(|state| {
        for name in &names {
            state.remove_token(&name.user.to_string(), name.name.as_str());
        }
    });
    Ok(seconds)
}

async fn create_all(client: &Client, names: &[TokenId]) -> Result<(), pve::Error> {
    let token = NewToken {
        comment: None,
        expire: Expiry::Never,
        privsep: true,
    };
    for name in names {
        client
            .create_token(name, &token, &Context::default())
            .await?;
    }
    Ok(())
}
