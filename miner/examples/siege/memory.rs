//! Attacks on the miner's memory: much that is sent or asked for and left half done.

use crate::{
    attacks::{held, Outcome},
    callers::{self, PATH},
    wire,
};
use assay_miner::grpc::{
    inference::{model_infer_request::InferInputTensor, InferTensorContents, ModelInferRequest},
    INFER_PATH,
};
use assay_protocol::{oip::HEADER_LENGTH, Keypair, Scheme};
use prost::Message as _;
use std::net::SocketAddr;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// The length of a body that never comes to its end.
pub const UNFINISHED: usize = 16_000_000;

/// Rows of a query whose answer is large.
const ROWS: usize = 50_000;

/// Empty strings in one message.
const STRINGS: usize = 7_500_000;

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
    let (length, body) = rows(ROWS);
    send_raw(&mut stream, address, "//Siege//deaf", length, &body).await?;
    std::future::pending().await
}

/// Asks over and over for as many rows as a body can hold, so that most of what was let in waits.
pub async fn waiting(mut stream: TcpStream, address: SocketAddr) -> Outcome {
    let ((length, body), mut buffer) = (rows(60_000), Vec::new());
    loop {
        send_raw(&mut stream, address, "//Siege//rows", length, &body).await?;
        wire::answer(&mut stream, &mut buffer).await?;
    }
}

/// A query of blank rows: the length of its head, and all of it.
fn rows(rows: usize) -> (usize, Vec<u8>) {
    let bytes = rows * 64 * 4;
    let head = format!(
        r#"{{"inputs":[{{"name":"X","datatype":"FP32","shape":[{rows},64],"parameters":{{"binary_data_size":{bytes}}}}}]}}"#
    );
    let length = head.len();
    let mut body = head.into_bytes();
    body.resize(length + bytes, 0);
    (length, body)
}

async fn send_raw(
    stream: &mut TcpStream,
    address: SocketAddr,
    suri: &str,
    length: usize,
    body: &[u8],
) -> Outcome {
    let key = Keypair::from_suri(suri, Scheme::Sr25519)?;
    let mut headers = http::HeaderMap::new();
    headers.insert(HEADER_LENGTH, length.into());
    callers::sign(&key, PATH, body, &mut headers)?;
    let head = wire::head(PATH, &address.to_string(), &headers, body.len());
    stream.write_all(&head).await?;
    stream.write_all(body).await?;
    Ok(())
}

/// A message of gRPC with strings that take two bytes each, and many times that once they are read.
pub fn crowd() -> anyhow::Result<Vec<u8>> {
    let contents = InferTensorContents {
        bytes_contents: vec![Default::default(); STRINGS],
        ..InferTensorContents::default()
    };
    let message = ModelInferRequest {
        model_name: "model".into(),
        inputs: vec![InferInputTensor {
            contents: Some(contents),
            ..InferInputTensor::default()
        }],
        ..ModelInferRequest::default()
    };
    let mut body = vec![0];
    body.extend_from_slice(&u32::try_from(message.encoded_len())?.to_be_bytes());
    message.encode(&mut body)?;
    Ok(body)
}

/// Asks over gRPC with the same content over and over.
pub async fn crowded(mut stream: TcpStream, address: SocketAddr, body: &[u8]) -> Outcome {
    let key = Keypair::from_suri("//Siege//crowd", Scheme::Sr25519)?;
    let mut buffer = Vec::new();
    loop {
        let headers = callers::signed(&key, INFER_PATH, body)?;
        let head = wire::head(INFER_PATH, &address.to_string(), &headers, body.len());
        stream.write_all(&head).await?;
        stream.write_all(body).await?;
        wire::answer(&mut stream, &mut buffer).await?;
    }
}
