//! Attacks on the miner's memory: much that is sent or asked for and left half done.

use crate::{
    attacks::{held, Outcome},
    callers::{self, PATH},
    wire,
};
use assay_protocol::{oip::HEADER_LENGTH, Keypair, Scheme};
use std::net::SocketAddr;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// The length of a body that never comes to its end.
pub const UNFINISHED: usize = 16_000_000;

/// Rows of a query whose answer is large.
const ROWS: usize = 50_000;

/// As much of a head as is taken, and not its end.
pub async fn large_head(stream: TcpStream) -> Outcome {
    let line = format!("x: {}\r\n", "y".repeat(1_000));
    let head = format!("POST / HTTP/1.1\r\n{}", line.repeat(60));
    held(stream, head.as_bytes(), None).await
}

/// All of a body but its last byte.
pub async fn unfinished(mut stream: TcpStream, head: &[u8]) -> Outcome {
    stream.write_all(head).await?;
    let part = vec![b' '; 100_000];
    for _ in 1..UNFINISHED / part.len() {
        stream.write_all(&part).await?;
    }
    held(stream, &part[1..], None).await
}

/// A body in chunks of one byte, each of which costs six on the way.
pub async fn scattered(mut stream: TcpStream, head: &[u8]) -> Outcome {
    stream.write_all(head).await?;
    let part = b"1\r\n \r\n".repeat(10_000);
    for _ in 0..200 {
        stream.write_all(&part).await?;
    }
    held(stream, b"", None).await
}

/// A query with a parameter of millions of values.
pub async fn parameters(mut stream: TcpStream, address: SocketAddr) -> Outcome {
    let key = Keypair::from_suri("//Siege//talker", Scheme::Sr25519)?;
    let values = "0,".repeat(7_500_000);
    let body = format!(r#"{{"parameters":{{"a":[{values}0]}},"inputs":[]}}"#).into_bytes();
    let mut buffer = Vec::new();
    loop {
        let headers = callers::signed(&key, PATH, &body)?;
        let head = wire::head(PATH, &address.to_string(), &headers, body.len());
        stream.write_all(&head).await?;
        stream.write_all(&body).await?;
        wire::answer(&mut stream, &mut buffer).await?;
    }
}

/// Asks for an answer of megabytes and reads none of it.
pub async fn unread(mut stream: TcpStream, address: SocketAddr) -> Outcome {
    let key = Keypair::from_suri("//Siege//deaf", Scheme::Sr25519)?;
    let bytes = ROWS * 64 * 4;
    let head = format!(
        r#"{{"inputs":[{{"name":"X","datatype":"FP32","shape":[{ROWS},64],"parameters":{{"binary_data_size":{bytes}}}}}]}}"#
    );
    let length = head.len();
    let mut body = head.into_bytes();
    body.resize(length + bytes, 0);
    let mut headers = http::HeaderMap::new();
    headers.insert(HEADER_LENGTH, length.into());
    callers::sign(&key, PATH, &body, &mut headers)?;
    let head = wire::head(PATH, &address.to_string(), &headers, body.len());
    stream.write_all(&head).await?;
    stream.write_all(&body).await?;
    std::future::pending().await
}
