//! The client of `cargo xtask bench miner`: asks one server as fast as it answers, over a number of
//! connections, and prints what that came to as one line of JSON. Or it runs the model itself, in a
//! loop, which is the limit.
//!
//! It speaks HTTP/1.1 by hand: on a machine of few cores whatever the client takes is missing to the
//! server, and every server gets the same bytes.

mod wire;

use anyhow::{bail, ensure, Context as _};
use assay_protocol::{
    oip, sign_request, Clock as _, Hotkey, Keypair, Nonce, RequestParams, Scheme, SystemClock,
};
use clap::Parser;
use http::{HeaderMap, Method};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// Seconds for which a request is valid: short, so that few nonces are remembered.
const LIFETIME: u64 = 10;

#[derive(Clone, Parser)]
struct Flags {
    /// File with the query's body as JSON
    #[arg(long)]
    body: PathBuf,
    /// Connections, or threads
    #[arg(long)]
    concurrency: usize,
    /// Seconds that count, after one in five of them has passed
    #[arg(long)]
    seconds: f64,
    /// Run this model instead of asking a server
    #[arg(long)]
    model: Option<PathBuf>,
    /// The server
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: String,
    /// Where to post to
    #[arg(long, default_value = "/v2/models/model/infer")]
    path: String,
    /// Sign, for the miner with this hotkey
    #[arg(long)]
    sign_for: Option<Hotkey>,
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let body = std::fs::read(&flags.body).context("the query's body")?;
    let Measured {
        mut took,
        runs,
        processor,
    } = match &flags.model {
        Some(model) => bare(&flags, model, &body)?,
        None => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(ask(flags.clone(), body))?,
    };
    ensure!(!took.is_empty(), "nothing was answered in time");
    took.sort_unstable();
    let at = |share: f64| {
        let index = (took.len() as f64 * share) as usize;
        took[index.min(took.len() - 1)].as_secs_f64() * 1_000.0
    };
    println!(
        r#"{{"per_second":{:.1},"median_ms":{:.4},"p99_ms":{:.4},"runs":{runs},"processor_ms":{:.1}}}"#,
        took.len() as f64 / flags.seconds,
        at(0.5),
        at(0.99),
        processor.as_secs_f64() * 1_000.0
    );
    Ok(())
}

#[derive(Default)]
struct Measured {
    /// Times of those that count.
    took: Vec<Duration>,
    /// All that there were.
    runs: usize,
    /// What the loop took of the processor for all of them; of a server, nothing is known here.
    processor: Duration,
}

impl Measured {
    fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        self.runs += other.runs;
        self.processor += other.processor;
    }
}

/// What counts and what goes before.
#[derive(Clone, Copy)]
struct Clocked {
    from: Instant,
    to: Instant,
}

impl Clocked {
    fn new(seconds: f64) -> Self {
        let from = Instant::now() + Duration::from_secs_f64(seconds / 5.0);
        Self {
            from,
            to: from + Duration::from_secs_f64(seconds),
        }
    }

    /// Repeats until the time is over.
    fn goes_on(self) -> bool {
        Instant::now() < self.to
    }

    fn note(self, started: Instant, took: &mut Vec<Duration>) {
        let ended = Instant::now();
        if started >= self.from && ended <= self.to {
            took.push(ended - started);
        }
    }
}

/// Runs the model in a loop on as many threads, each with a session of one thread, and on no more
/// than there are cores: more would only be in each other's way.
fn bare(flags: &Flags, model: &PathBuf, body: &[u8]) -> anyhow::Result<Measured> {
    let query = oip::InferRequest::decode(body, None)?;
    let environment = assay_miner::onnx::load_library(None)?;
    let cores = std::thread::available_parallelism()?.get();
    let sessions = (0..flags.concurrency.min(cores)).map(|_| {
        let builder = ort::session::Session::builder(&environment)?;
        let mut builder = builder
            .with_intra_threads(1)
            .map_err(|why| anyhow::anyhow!("{why}"))?;
        Ok(builder.commit_from_file(model)?)
    });
    let sessions = sessions.collect::<anyhow::Result<Vec<_>>>()?;
    // Loading took its time; only now does it count.
    let clocked = Clocked::new(flags.seconds);
    std::thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .into_iter()
            .map(|session| scope.spawn(|| bare_loop(session, &query, clocked)))
            .collect();
        let mut all = Measured::default();
        for thread in threads {
            match thread.join() {
                Ok(measured) => all.add(measured?),
                Err(_) => bail!("a thread panicked"),
            }
        }
        Ok(all)
    })
}

fn bare_loop(
    mut session: ort::session::Session,
    query: &oip::InferRequest,
    clocked: Clocked,
) -> anyhow::Result<Measured> {
    let mut all = Measured::default();
    let before = processor_time()?;
    while clocked.goes_on() {
        let started = Instant::now();
        let mut inputs = Vec::new();
        for tensor in &query.inputs {
            let shape = tensor.shape().to_vec();
            let value = match tensor.data() {
                oip::TensorData::Fp32(values) => {
                    ort::value::Tensor::from_array((shape, values.clone()))?.into_dyn()
                }
                oip::TensorData::Int64(values) => {
                    ort::value::Tensor::from_array((shape, values.clone()))?.into_dyn()
                }
                _ => bail!("the query must be of FP32 or INT64"),
            };
            inputs.push((tensor.name().to_owned(), value));
        }
        session.run(inputs)?;
        all.runs += 1;
        clocked.note(started, &mut all.took);
    }
    all.processor = processor_time()?.saturating_sub(before);
    Ok(all)
}

/// What this thread took of the processor so far.
fn processor_time() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split(' ').next().unwrap_or_default();
    Ok(Duration::from_nanos(first.parse()?))
}

async fn ask(flags: Flags, body: Vec<u8>) -> anyhow::Result<Measured> {
    let clocked = Clocked::new(flags.seconds);
    let asked = Arc::new(Asked::new(flags.clone(), body)?);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..flags.concurrency {
        tasks.spawn(connection(Arc::clone(&asked), clocked));
    }
    let mut all = Measured::default();
    while let Some(ended) = tasks.join_next().await {
        all.add(ended??);
    }
    Ok(all)
}

/// What is sent over and over.
struct Asked {
    flags: Flags,
    key: Keypair,
    body: Vec<u8>,
}

impl Asked {
    fn new(flags: Flags, body: Vec<u8>) -> anyhow::Result<Self> {
        let key = Keypair::from_suri("//Alice", Scheme::Sr25519)?;
        Ok(Self { flags, key, body })
    }

    /// A whole request, signed anew if it is to be.
    fn request(&self) -> anyhow::Result<Vec<u8>> {
        let mut headers = HeaderMap::new();
        if let Some(miner) = self.flags.sign_for {
            let params = RequestParams {
                miner,
                created: SystemClock.now(),
                lifetime: LIFETIME,
                nonce: Nonce::random(),
            };
            let path = &self.flags.path;
            let key = &self.key;
            sign_request(key, &Method::POST, path, &mut headers, &self.body, &params)?;
        }
        let Flags { path, address, .. } = &self.flags;
        let mut request = wire::head(path, address, &headers, self.body.len());
        request.extend_from_slice(&self.body);
        Ok(request)
    }
}

/// Asks over one connection until the time is over. What it takes to make a request counts: it is
/// part of what signing costs a caller.
async fn connection(asked: Arc<Asked>, clocked: Clocked) -> anyhow::Result<Measured> {
    let mut stream = TcpStream::connect(&asked.flags.address).await?;
    stream.set_nodelay(true)?;
    let (mut all, mut buffer) = (Measured::default(), Vec::with_capacity(64 * 1024));
    while clocked.goes_on() {
        let started = Instant::now();
        stream.write_all(&asked.request()?).await?;
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
