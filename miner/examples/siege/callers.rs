//! Callers who behave: each asks once in a while, at moments set beforehand, so that an answer that
//! comes late is late by all that its caller waited.

use crate::{miner, wire};
use assay_protocol::{
    sign_request, Clock as _, Keypair, Nonce, RequestParams, Scheme, SystemClock,
};
use http::{HeaderMap, Method};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    task::JoinSet,
    time::{sleep_until, timeout, Instant},
};

/// Where queries go.
pub const PATH: &str = "/v2/models/model/infer";

/// Callers, of which every second one calls anew for each request.
const CALLERS: u32 = 8;
/// Time from one request of a caller to its next.
const PACE: Duration = Duration::from_millis(100);
/// After this long a caller gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Milliseconds.
pub struct Figures {
    pub asked: usize,
    pub unanswered: usize,
    pub median: f64,
    pub p99: f64,
    pub worst: f64,
}

/// A blank image, and the query about it.
pub fn body() -> Vec<u8> {
    let pixels = vec!["0"; 64].join(",");
    format!(r#"{{"inputs":[{{"name":"X","datatype":"FP32","shape":[1,64],"data":[{pixels}]}}]}}"#)
        .into_bytes()
}

/// Signed headers for a body.
pub fn signed(key: &Keypair, path: &str, body: &[u8]) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    sign(key, path, body, &mut headers)?;
    Ok(headers)
}

/// Adds a signature over a body to headers, which it covers as far as they count.
pub fn sign(key: &Keypair, path: &str, body: &[u8], headers: &mut HeaderMap) -> anyhow::Result<()> {
    let params = RequestParams {
        miner: miner::hotkey()?,
        created: SystemClock.now(),
        lifetime: 60,
        nonce: Nonce::random(),
    };
    sign_request(key, &Method::POST, path, headers, body, &params)?;
    Ok(())
}

/// A whole request, signed.
pub fn request(key: &Keypair, address: SocketAddr) -> anyhow::Result<Vec<u8>> {
    let body = body();
    let headers = signed(key, PATH, &body)?;
    let mut request = wire::head(PATH, &address.to_string(), &headers, body.len());
    request.extend_from_slice(&body);
    Ok(request)
}

/// Lets the callers ask for so long.
pub async fn measure(address: SocketAddr, seconds: f64) -> anyhow::Result<Figures> {
    let mut callers = JoinSet::new();
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    for number in 0..CALLERS {
        let key = Keypair::from_suri(&format!("//Siege//caller{number}"), Scheme::Sr25519)?;
        let first = start + PACE * number / CALLERS;
        callers.spawn(ask(key, address, first, end, number % 2 == 0));
    }
    let (mut took, mut unanswered) = (Vec::new(), 0);
    while let Some(caller) = callers.join_next().await {
        for outcome in caller?? {
            match outcome {
                Some(time) => took.push(time),
                None => unanswered += 1,
            }
        }
    }
    took.sort_unstable();
    let at = |share: f64| {
        let index = (took.len() as f64 * share) as usize;
        let time = took.get(index.min(took.len().saturating_sub(1)));
        time.map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
    };
    Ok(Figures {
        asked: took.len() + unanswered,
        unanswered,
        median: at(0.5),
        p99: at(0.99),
        worst: at(1.0),
    })
}

/// Asks at set moments; None for what was not answered with 200 in time.
async fn ask(
    key: Keypair,
    address: SocketAddr,
    first: Instant,
    end: Instant,
    anew: bool,
) -> anyhow::Result<Vec<Option<Duration>>> {
    let (mut outcomes, mut kept, mut buffer) = (Vec::new(), None, Vec::new());
    let mut due = first;
    while due < end {
        sleep_until(due).await;
        let request = request(&key, address)?;
        let one = exchange(&mut kept, address, &request, &mut buffer);
        let answered = timeout(PATIENCE, one).await;
        let good = matches!(answered, Ok(Ok(200)));
        if !good {
            eprintln!(
                "a caller got {answered:?}: {}",
                String::from_utf8_lossy(&buffer)
            );
        }
        outcomes.push(good.then(|| due.elapsed()));
        if anew || !good {
            kept = None;
        }
        due = (due + PACE).max(Instant::now());
    }
    Ok(outcomes)
}

/// One request on the connection that is there, or on a new one.
async fn exchange(
    kept: &mut Option<TcpStream>,
    address: SocketAddr,
    request: &[u8],
    buffer: &mut Vec<u8>,
) -> anyhow::Result<u16> {
    let stream = match kept {
        Some(stream) => stream,
        None => kept.insert(TcpStream::connect(address).await?),
    };
    stream.set_nodelay(true)?;
    stream.write_all(request).await?;
    wire::answer(stream, buffer).await
}
