//! Asking a server, on one thread.

use crate::{axon::Dendrite, processor_time, wire, Clocked, Flags, Measured};
use anyhow::{ensure, Context as _};
use assay_protocol::{
    sign_request, Clock as _, Keypair, Nonce, RequestParams, Scheme, SystemClock,
};
use http::{HeaderMap, Method};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// Seconds for which a request is valid: short, so that few nonces are remembered.
const LIFETIME: u64 = 10;

pub async fn run(flags: Flags, body: Vec<u8>) -> anyhow::Result<Measured> {
    let clocked = Clocked::new(flags.seconds);
    let before = processor_time()?;
    let asked = Arc::new(Asked {
        key: Keypair::from_suri("//Alice", Scheme::Sr25519)?,
        flags: flags.clone(),
        body,
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..flags.concurrency {
        tasks.spawn(connection(Arc::clone(&asked), clocked));
    }
    let mut all = Measured::default();
    while let Some(ended) = tasks.join_next().await {
        all.add(ended??);
    }
    all.client = processor_time()?.saturating_sub(before);
    Ok(all)
}

/// What is sent over and over.
struct Asked {
    flags: Flags,
    key: Keypair,
    body: Vec<u8>,
}

impl Asked {
    /// A whole request, signed anew if it is to be.
    fn request(&self, dendrite: Option<&Dendrite>) -> anyhow::Result<Vec<u8>> {
        let mut headers = HeaderMap::new();
        let Flags { path, address, .. } = &self.flags;
        if let Some(miner) = self.flags.sign_for {
            let params = RequestParams {
                miner,
                created: SystemClock.now(),
                lifetime: LIFETIME,
                nonce: Nonce::random(),
            };
            let key = &self.key;
            sign_request(key, &Method::POST, path, &mut headers, &self.body, &params)?;
        }
        if let Some(dendrite) = dendrite {
            dendrite.sign(&self.key, &mut headers)?;
        }
        let mut request = wire::head(path, address, &headers, self.body.len());
        request.extend_from_slice(&self.body);
        Ok(request)
    }
}

/// Asks over one connection until the time is over. What it takes to make a request counts: it is
/// part of what signing costs a caller.
async fn connection(asked: Arc<Asked>, clocked: Clocked) -> anyhow::Result<Measured> {
    let dendrite = asked.flags.axon.map(Dendrite::new);
    let mut stream = TcpStream::connect(&asked.flags.address).await?;
    stream.set_nodelay(true)?;
    let (mut all, mut buffer) = (Measured::default(), Vec::with_capacity(64 * 1024));
    while clocked.goes_on() {
        let started = Instant::now();
        stream.write_all(&asked.request(dendrite.as_ref())?).await?;
        let left = clocked.to.saturating_duration_since(Instant::now());
        // An answer that would come after the end is not waited for long.
        let patience = left + Duration::from_secs(5);
        let answered = tokio::time::timeout(patience, wire::answer(&mut stream, &mut buffer));
        let status = answered.await.context("no answer")??;
        ensure!(status == 200, "{}", String::from_utf8_lossy(&buffer));
        all.runs += 1;
        clocked.note(started, &mut all.took);
    }
    Ok(all)
}
