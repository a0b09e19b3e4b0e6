//! Which protocol a connection speaks, told by its first bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

/// How every HTTP/2 connection starts. No request of HTTP/1.1 starts like its first three bytes.
const HTTP2: &[u8; 3] = b"PRI";

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Bytes after which whoever reads lets others go first. Thousands of frames that mean nothing come
/// at once, and would be looked at to the last before anybody else has a turn.
const TURN: usize = 8 * 1024;

/// A stream of which the first bytes were read already; they are read again.
pub(super) struct Opened<S> {
    first: [u8; HTTP2.len()],
    /// Which part of `first` was not given out yet.
    start: usize,
    end: usize,
    /// Bytes read since others had their turn.
    read: usize,
    stream: S,
}

/// Reads as much as it takes to tell the protocol. None: the peer closed before it said anything.
pub(super) async fn open<S: AsyncRead + Unpin>(
    mut stream: S,
) -> io::Result<Option<(Protocol, Opened<S>)>> {
    let (mut first, mut end) = ([0; HTTP2.len()], 0);
    let protocol = loop {
        let read = stream.read(&mut first[end..]).await?;
        if read == 0 && end == 0 {
            return Ok(None);
        }
        end += read;
        if first[..end] != HTTP2[..end] || read == 0 {
            break Protocol::Http1;
        }
        if end == HTTP2.len() {
            break Protocol::Http2;
        }
    };
    let opened = Opened {
        first,
        start: 0,
        end,
        read: 0,
        stream,
    };
    Ok(Some((protocol, opened)))
}

impl<S: AsyncRead + Unpin> AsyncRead for Opened<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.start == this.end {
            if this.read >= TURN {
                this.read = 0;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let before = buffer.filled().len();
            let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
            this.read += buffer.filled().len() - before;
            return polled;
        }
        let left = &this.first[this.start..this.end];
        let taken = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..taken]);
        this.start += taken;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opened<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn open_tells_the_protocol_and_gives_every_byte_back() {
        for (sent, protocol) in [
            (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], Protocol::Http2),
            (b"POST / HTTP/1.1\r\n\r\n", Protocol::Http1),
            (b"PROPFIND / HTTP/1.1\r\n\r\n", Protocol::Http1),
            (b"GET / HTTP/1.1\r\n\r\n", Protocol::Http1),
            (b"PR", Protocol::Http1),
        ] {
            // A small pipe: the first bytes arrive one by one.
            let (mut peer, stream) = tokio::io::duplex(1);
            let sending = tokio::spawn(async move { peer.write_all(sent).await });
            let (found, mut opened) = open(stream).await.unwrap().unwrap();
            assert_eq!(found, protocol);
            let mut received = Vec::new();
            opened.read_to_end(&mut received).await.unwrap();
            assert_eq!(received, sent);
            sending.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn opened_lets_others_go_first_when_it_has_read_much() {
        let (mut peer, stream) = tokio::io::duplex(4 * TURN);
        peer.write_all(&vec![b'x'; 3 * TURN]).await.unwrap();
        let (_, mut opened) = open(stream).await.unwrap().unwrap();
        let mut buffer = vec![0; TURN];
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut polls = Vec::new();
        for _ in 0..4 {
            let mut read = ReadBuf::new(&mut buffer);
            polls.push(
                Pin::new(&mut opened)
                    .poll_read(&mut context, &mut read)
                    .is_ready(),
            );
        }
        // What opened it, as much as is read in one turn, and whoever has waited.
        assert_eq!(polls, [true, true, false, true]);
    }

    #[tokio::test]
    async fn open_finds_nothing_when_the_peer_leaves() {
        let (peer, stream) = tokio::io::duplex(1);
        drop(peer);
        assert!(open(stream).await.unwrap().is_none());
    }
}
