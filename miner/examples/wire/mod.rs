//! HTTP/1.1 by hand, for clients whose own work must not be in the figures.

use anyhow::ensure;
use http::HeaderMap;
use tokio::{io::AsyncReadExt as _, net::TcpStream};

/// The head of a POST whose body is so long.
pub fn head(path: &str, host: &str, headers: &HeaderMap, length: usize) -> Vec<u8> {
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n",
    )
    .into_bytes();
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Reads one answer to its last byte and gives its status.
pub async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    let head = loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the server hung up");
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
    let status = text.split(' ').nth(1).unwrap_or_default().parse()?;
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    match length {
        Some(length) => {
            let whole = head + length.trim().parse::<usize>()?;
            while buffer.len() < whole {
                ensure!(stream.read_buf(buffer).await? > 0, "the server hung up");
            }
        }
        None => {
            while !buffer.ends_with(b"0\r\n\r\n") {
                ensure!(stream.read_buf(buffer).await? > 0, "the server hung up");
            }
        }
    }
    Ok(status)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
