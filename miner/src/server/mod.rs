//! Connections: accepted within a bound, read within a time, and drained at the end.

mod connection;
mod opening;

use crate::{http::Limits, metrics::Gauged, tls::Identity};
use assay_telemetry::Shutdown;
use axum::Router;
use connection::Connections;
use std::{io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{watch, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// Wait after the system gave no connection, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The certificate to show; it may change. Without one, connections are in clear.
pub type Shown = Option<watch::Receiver<Identity>>;

/// Serves `router` on `listener`, over HTTP/1.1 and HTTP/2, until `shutdown` is tripped; then takes
/// no more connections, and ends when the requests under way are answered or the drain's time is
/// over.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    shown: Shown,
    shutdown: Shutdown,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let idle = Duration::from_secs(limits.head_seconds);
    let drain = Duration::from_secs(limits.drain_seconds);
    let connections = Connections::new(router, idle, shutdown.clone());
    while let Some((stream, peer, place)) = accept(&listener, &places, &shutdown).await {
        let connections = connections.clone();
        let identity = shown.as_ref().map(|shown| shown.borrow().clone());
        tokio::spawn(async move {
            let _counted = Gauged::connection();
            let outcome = match identity {
                None => connections.serve(stream, peer).await,
                Some(identity) => {
                    let accepted = TlsAcceptor::from(identity.config).accept(stream);
                    match timeout(idle, accepted).await {
                        Ok(Ok(stream)) => connections.serve(stream, peer).await,
                        Ok(Err(why)) => Err(why.into()),
                        Err(_) => Err("no TLS handshake in time".into()),
                    }
                }
            };
            if let Err(why) = outcome {
                tracing::debug!(%why, "connection broken");
            }
            drop(place);
        });
    }
    drop(listener);
    // Every connection holds a place until it is closed.
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    if tokio::time::timeout(drain, places.acquire_many(all))
        .await
        .is_err()
    {
        let seconds = drain.as_secs();
        tracing::warn!(
            seconds,
            "some requests were not answered in time and are dropped"
        );
    }
}

/// The next connection; None when it is time to end.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    shutdown: &Shutdown,
) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    // Waiting for a place before accepting leaves the surplus in the system's own bounded queue.
    let next = async {
        let place = Arc::clone(connections).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Answers are written at once and whole; waiting for more only adds latency.
                    let _ = stream.set_nodelay(true);
                    return Some((stream, peer.ip(), place));
                }
                Err(why) if is_the_peers(&why) => {}
                Err(why) => {
                    tracing::warn!(%why, "no connection can be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        next = next => next,
        () = shutdown.tripped() => None,
    }
}

/// Whether accepting failed because of the one who called, and not for want of anything here.
fn is_the_peers(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
