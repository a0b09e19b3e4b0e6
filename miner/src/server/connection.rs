//! One connection, from its first byte to its end.

use super::{
    opening::{open, Opened, Protocol},
    places::Standing,
};
use crate::http::Peer;
use assay_telemetry::Shutdown;
use axum::{body::Body, Router};
use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    service::{service_fn, Service},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{convert::Infallible, future::Future, io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

/// Streams that one HTTP/2 connection may have open. More wait with the caller.
const STREAMS: u32 = 128;
/// How much of a body may be on its way before it is read: of one stream, and of all.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 2 * STREAM_WINDOW;
/// Largest head of an HTTP/2 request, in bytes.
const HEAD_BYTES: u32 = 16 * 1024;
/// How much of a stream's answer may be on its way, besides what its caller has taken. What is here
/// counts no longer among the bodies, and one connection has many streams.
const STREAM_SENDS: usize = 16 * 1024;
/// Of HTTP/1, the largest head, and how much of a body is read or written at once.
const HTTP1_BYTES: usize = 64 * 1024;

pub(super) type Broken = Box<dyn std::error::Error + Send + Sync>;

/// How connections are served.
#[derive(Clone)]
pub(super) struct Connections {
    router: Router,
    idle: Duration,
    shutdown: Shutdown,
}

impl Connections {
    /// `idle` bounds the time in which a request's head must arrive, and that a connection may
    /// pass without any request.
    pub(super) const fn new(router: Router, idle: Duration, shutdown: Shutdown) -> Self {
        Self {
            router,
            idle,
            shutdown,
        }
    }

    /// Serves a connection until its peer closes it, it was idle too long, or `shutdown` is tripped
    /// and its requests are answered.
    pub(super) async fn serve<S>(&self, stream: S, peer: Peer) -> Result<(), Broken>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        match self.greeted(open(stream)).await?.flatten() {
            None => Ok(()),
            Some((Protocol::Http1, stream)) => self.http1(stream, peer).await,
            Some((Protocol::Http2, stream)) => self.http2(stream, peer).await,
        }
    }

    /// Waits for what a peer has to say first; None if `shutdown` is tripped before.
    pub(super) async fn greeted<T>(
        &self,
        greeting: impl Future<Output = io::Result<T>>,
    ) -> Result<Option<T>, Broken> {
        let greeting = tokio::select! {
            greeting = timeout(self.idle, greeting) => greeting,
            () = self.shutdown.tripped() => return Ok(None),
        };
        Ok(Some(greeting.map_err(|_| "it said nothing for too long")??))
    }

    async fn http1<S>(&self, stream: Opened<S>, peer: Peer) -> Result<(), Broken>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let standing = Arc::clone(&peer.standing);
        let service = counted(&self.router, peer);
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.idle)
            .max_buf_size(HTTP1_BYTES);
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            done = connection.as_mut() => return done.map_err(Into::into),
            () = self.is_over(&standing) => {}
        }
        connection.as_mut().graceful_shutdown();
        self.last_words(connection).await
    }

    async fn http2<S>(&self, stream: Opened<S>, peer: Peer) -> Result<(), Broken>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let standing = Arc::clone(&peer.standing);
        let service = counted(&self.router, peer);
        let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(STREAM_SENDS)
            .max_header_list_size(HEAD_BYTES);
        let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            done = connection.as_mut() => return done.map_err(Into::into),
            () = self.is_over(&standing) => {}
        }
        connection.as_mut().graceful_shutdown();
        self.last_words(connection).await
    }

    async fn is_over(&self, standing: &Standing) {
        tokio::select! {
            () = standing.idle_for(self.idle) => {}
            () = self.shutdown.tripped() => {}
        }
    }

    /// Waits for a connection that was told to end. One that was merely idle gets as long again;
    /// at the end of the process, the drain's time bounds it.
    async fn last_words<E: Into<Broken>>(
        &self,
        connection: impl Future<Output = Result<(), E>>,
    ) -> Result<(), Broken> {
        let mut connection = pin!(connection);
        tokio::select! {
            done = connection.as_mut() => return done.map_err(Into::into),
            () = tokio::time::sleep(self.idle) => {}
        }
        if self.shutdown.is_tripped() {
            return connection.await.map_err(Into::into);
        }
        Err("it did not close after it was idle for too long".into())
    }
}

type Answer = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// The router, its requests counted and told where they come from.
fn counted(
    router: &Router,
    peer: Peer,
) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future = Answer>
{
    let router = TowerToHyperService::new(router.clone());
    service_fn(move |mut request: Request<Incoming>| -> Answer {
        let under_way = peer.standing.request();
        request.extensions_mut().insert(peer.clone());
        let answer = router.call(request);
        Box::pin(async move {
            let answer = answer.await;
            drop(under_way);
            answer
        })
    })
}
