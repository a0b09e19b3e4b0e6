//! The attacks. Each goes on until its process is killed.

use crate::{
    callers::{self, PATH},
    memory, streams, wire,
};
use assay_protocol::{Keypair, Scheme};
use clap::ValueEnum;
use http::HeaderMap;
use std::{
    convert::Infallible,
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// Addresses of attackers: 127.0.0.2 and those that follow.
const ADDRESSES: u8 = 8;
/// Connections of those who hold many.
const MANY: usize = 5_000;
/// Connections of those who send as fast as they can.
const FAST: usize = 64;
/// Time from a slow attacker's byte to its next.
const SLOWLY: Duration = Duration::from_secs(1);
/// Time until an attacker whose connection was closed calls again.
const AGAIN: Duration = Duration::from_millis(100);

/// In the order in which they are tried; the first one is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Attack {
    None,
    IdleConnections,
    SlowHeads,
    SlowBodies,
    OversizedBodies,
    TruncatedBodies,
    LyingTensors,
    Unsigned,
    ForgedSignatures,
    Replays,
    EndlessRuns,
    LargeHeads,
    UnfinishedBodies,
    ScatteredBodies,
    FullParameters,
    UnreadAnswers,
    ResetStreams,
    Continuations,
    Pings,
    NewHotkeys,
    WaitingQueries,
    CrowdedMessages,
}

pub type Outcome = anyhow::Result<()>;

impl Attack {
    /// For tables.
    pub const fn words(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::IdleConnections => "5,000 idle connections",
            Self::SlowHeads => "5,000 heads, a byte a second",
            Self::SlowBodies => "1,000 bodies, a byte a second",
            Self::OversizedBodies => "64 callers with bodies of 17 MiB",
            Self::TruncatedBodies => "64 callers who hang up in the middle of a body",
            Self::LyingTensors => "64 callers whose tensors lie about their size, signed",
            Self::Unsigned => "64 callers without signatures",
            Self::ForgedSignatures => "64 callers with forged signatures",
            Self::Replays => "64 callers who send again what another sent",
            Self::EndlessRuns => "8 callers who ask for runs that never end",
            Self::LargeHeads => "1,000 heads of 60 KB that never end",
            Self::UnfinishedBodies => "64 callers who leave out the last byte of 16 MB",
            Self::ScatteredBodies => "64 callers whose bodies come as single bytes",
            Self::FullParameters => "8 callers with 15 MB of parameters, signed",
            Self::UnreadAnswers => "256 callers who don't read answers of megabytes, signed",
            Self::ResetStreams => "64 callers who take back what they ask, over HTTP/2",
            Self::Continuations => "64 callers whose heads go on and on, over HTTP/2",
            Self::Pings => "64 callers with nothing but pings, over HTTP/2",
            Self::NewHotkeys => "64 callers with a new hotkey each time, signed",
            Self::WaitingQueries => "128 callers whose queries of 15 MB wait for a model, signed",
            Self::CrowdedMessages => "64 callers with millions of empty strings over gRPC, signed",
        }
    }

    /// Attacks without end.
    pub async fn run(self, address: SocketAddr) -> anyhow::Result<()> {
        let forged = Arc::new(forged(address)?);
        match self {
            Self::None => std::future::pending().await,
            Self::IdleConnections => each(MANY, address, |stream| held(stream, b"", None)).await,
            Self::SlowHeads => {
                each(MANY, address, |stream| held(stream, b"POST ", Some(b'x'))).await
            }
            Self::SlowBodies => {
                let head: &'static [u8] = head_of_much(address)?.leak();
                each(1_000, address, move |stream| held(stream, head, Some(b' '))).await
            }
            Self::OversizedBodies => {
                let head: &'static [u8] = head_of_chunks(address)?.leak();
                each(FAST, address, move |stream| endless_body(stream, head)).await
            }
            Self::TruncatedBodies => {
                let part: &'static [u8] = forged[..forged.len() - 40].to_vec().leak();
                each(FAST, address, move |stream| cut_off(stream, part)).await
            }
            Self::LyingTensors => each(FAST, address, move |stream| lies(stream, address)).await,
            Self::Unsigned => {
                let mut request = wire::head(PATH, "x", &HeaderMap::new(), 2);
                request.extend_from_slice(b"{}");
                let request: &'static [u8] = request.leak();
                each(FAST, address, move |stream| over_and_over(stream, request)).await
            }
            Self::ForgedSignatures => {
                let request: &'static [u8] = forged.to_vec().leak();
                each(FAST, address, move |stream| over_and_over(stream, request)).await
            }
            Self::Replays => {
                let key = Keypair::from_suri("//Siege//overheard", Scheme::Sr25519)?;
                let request: &'static [u8] = callers::request(&key, address)?.leak();
                each(FAST, address, move |stream| over_and_over(stream, request)).await
            }
            Self::EndlessRuns => each(8, address, move |stream| endless_run(stream, address)).await,
            Self::LargeHeads => each(1_000, address, memory::large_head).await,
            Self::UnfinishedBodies => {
                let head: &'static [u8] = head_of(address, memory::UNFINISHED)?.leak();
                each(FAST, address, move |stream| {
                    memory::unfinished(stream, head)
                })
                .await
            }
            Self::ScatteredBodies => {
                let head: &'static [u8] = head_of_chunks(address)?.leak();
                each(FAST, address, move |stream| memory::scattered(stream, head)).await
            }
            Self::FullParameters => {
                each(8, address, move |stream| {
                    memory::parameters(stream, address)
                })
                .await
            }
            Self::UnreadAnswers => {
                each(256, address, move |stream| memory::unread(stream, address)).await
            }
            Self::ResetStreams => each(FAST, address, streams::reset).await,
            Self::Continuations => each(FAST, address, streams::continued).await,
            Self::Pings => each(FAST, address, streams::pings).await,
            Self::NewHotkeys => each(FAST, address, move |stream| newcomers(stream, address)).await,
            Self::WaitingQueries => {
                each(128, address, move |stream| memory::waiting(stream, address)).await
            }
            Self::CrowdedMessages => {
                let body: &'static [u8] = memory::crowd()?.leak();
                each(FAST, address, move |stream| {
                    memory::crowded(stream, address, body)
                })
                .await
            }
        }
    }
}

/// So many attackers, each of whom calls again whenever it is hung up on.
async fn each<F, Fut>(number: usize, miner: SocketAddr, attack: F) -> anyhow::Result<()>
where
    F: Fn(TcpStream) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Outcome> + Send,
{
    let mut attackers: JoinSet<Infallible> = JoinSet::new();
    for index in 0..number {
        let from = IpAddr::from([127, 0, 0, 2 + (index % usize::from(ADDRESSES)) as u8]);
        let attack = attack.clone();
        attackers.spawn(async move {
            loop {
                if let Ok(stream) = call(from, miner).await {
                    // Whatever it was that ended it, it goes on.
                    let _ = attack(stream).await;
                }
                sleep(AGAIN).await;
            }
        });
    }
    while let Some(ended) = attackers.join_next().await {
        ended?;
    }
    Ok(())
}

async fn call(from: IpAddr, miner: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0))?;
    let stream = socket.connect(miner).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Says something, and then a byte from time to time or nothing.
pub async fn held(mut stream: TcpStream, first: &[u8], then: Option<u8>) -> Outcome {
    stream.write_all(first).await?;
    loop {
        tokio::select! {
            read = stream.read_u8() => {
                read?;
            }
            () = sleep(SLOWLY) => if let Some(byte) = then {
                stream.write_all(&[byte]).await?;
            },
        }
    }
}

async fn over_and_over(mut stream: TcpStream, request: &[u8]) -> Outcome {
    let mut buffer = Vec::new();
    loop {
        stream.write_all(request).await?;
        wire::answer(&mut stream, &mut buffer).await?;
    }
}

async fn cut_off(mut stream: TcpStream, part: &[u8]) -> Outcome {
    stream.write_all(part).await?;
    Ok(())
}

/// More than the miner takes, in chunks, so that no length is told beforehand.
async fn endless_body(mut stream: TcpStream, head: &[u8]) -> Outcome {
    stream.write_all(head).await?;
    let mut chunk = b"10000\r\n".to_vec();
    chunk.resize(chunk.len() + 0x10000, b' ');
    chunk.extend_from_slice(b"\r\n");
    for _ in 0..17 * 16 {
        stream.write_all(&chunk).await?;
    }
    wire::answer(&mut stream, &mut Vec::new()).await?;
    Ok(())
}

/// Signs what can't be true: a shape of more elements than there is memory in the world.
async fn lies(mut stream: TcpStream, address: SocketAddr) -> Outcome {
    const SHAPES: [&str; 3] = [
        "[4294967296,4294967296]",
        "[1,18446744073709551615]",
        "[1000000000,64]",
    ];
    let key = Keypair::from_suri("//Siege//liar", Scheme::Sr25519)?;
    let mut buffer = Vec::new();
    for shape in SHAPES.iter().cycle() {
        let body = format!(
            r#"{{"inputs":[{{"name":"X","datatype":"FP32","shape":{shape},"data":[0]}}]}}"#
        );
        let headers = callers::signed(&key, PATH, body.as_bytes())?;
        let mut request = wire::head(PATH, &address.to_string(), &headers, body.len());
        request.extend_from_slice(body.as_bytes());
        stream.write_all(&request).await?;
        wire::answer(&mut stream, &mut buffer).await?;
    }
    Ok(())
}

/// Asks for a run that never ends, and waits for it for half a second.
async fn endless_run(mut stream: TcpStream, address: SocketAddr) -> Outcome {
    const PATH: &str = "/v2/models/endless/infer";
    let key = Keypair::from_suri("//Siege//patient", Scheme::Sr25519)?;
    let body = format!(
        r#"{{"inputs":[{{"name":"turns","datatype":"INT64","shape":[1],"data":[{}]}}]}}"#,
        i64::MAX
    );
    let mut buffer = Vec::new();
    loop {
        let mut headers = callers::signed(&key, PATH, body.as_bytes())?;
        headers.insert(assay_protocol::TIMEOUT_HEADER, "500".parse()?);
        let mut request = wire::head(PATH, &address.to_string(), &headers, body.len());
        request.extend_from_slice(body.as_bytes());
        stream.write_all(&request).await?;
        wire::answer(&mut stream, &mut buffer).await?;
    }
}

/// A request whose signature is somebody else's: well-formed, and a digest that fits.
fn forged(address: SocketAddr) -> anyhow::Result<Vec<u8>> {
    let key = Keypair::from_suri("//Siege//forger", Scheme::Sr25519)?;
    let body = callers::body();
    let mut headers = callers::signed(&key, PATH, &body)?;
    let others = callers::signed(&key, PATH, &body)?;
    headers.insert("signature", others["signature"].clone());
    let mut request = wire::head(PATH, &address.to_string(), &headers, body.len());
    request.extend_from_slice(&body);
    Ok(request)
}

/// Asks each time with a key that nobody has seen.
async fn newcomers(mut stream: TcpStream, address: SocketAddr) -> Outcome {
    let mut buffer = Vec::new();
    loop {
        let name = format!("//Siege//{}", assay_protocol::Nonce::random().as_str());
        let key = Keypair::from_suri(&name, Scheme::Sr25519)?;
        stream.write_all(&callers::request(&key, address)?).await?;
        wire::answer(&mut stream, &mut buffer).await?;
    }
}

/// A head that passes for a good one and announces a large body.
fn head_of_much(address: SocketAddr) -> anyhow::Result<Vec<u8>> {
    head_of(address, 1_000_000)
}

fn head_of(address: SocketAddr, length: usize) -> anyhow::Result<Vec<u8>> {
    let key = Keypair::from_suri("//Siege//slow", Scheme::Sr25519)?;
    let headers = callers::signed(&key, PATH, b"")?;
    Ok(wire::head(PATH, &address.to_string(), &headers, length))
}

/// The same without a length.
fn head_of_chunks(address: SocketAddr) -> anyhow::Result<Vec<u8>> {
    let head = String::from_utf8(head_of_much(address)?)?;
    let chunked = head.replace("content-length: 1000000", "transfer-encoding: chunked");
    Ok(chunked.into_bytes())
}
