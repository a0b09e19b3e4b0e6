//! Connections: accepted within a bound, read within a time, and drained at the end.

mod connection;
mod opening;
mod places;

pub(crate) use places::Standing;

use crate::{
    http::{Limits, Peer},
    metrics::Gauged,
    tls::Identity,
};
use assay_telemetry::Shutdown;
use axum::Router;
use connection::{Broken, Connections};
use places::{NoPlace, Place, Places};
use std::{io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// Wait after the system gave no connection, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

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
    let places = Places::new(limits.connections, limits.per_address);
    let idle = Duration::from_secs(limits.head_seconds);
    let drain = Duration::from_secs(limits.drain_seconds);
    let connections = Connections::new(router, idle, shutdown.clone());
    while let Some((stream, address)) = accept(&listener, &places, &shutdown).await {
        let place = match places.take(address) {
            Ok(place) => place,
            Err(why) => {
                refused(why);
                continue;
            }
        };
        let connections = connections.clone();
        let identity = shown.as_ref().map(|shown| shown.borrow().clone());
        tokio::spawn(async move {
            let _counted = Gauged::connection();
            let outcome = tokio::select! {
                outcome = talk(&connections, identity, stream, address, &place) => outcome,
                () = place.standing.gives_way() => Err("it gave way to another".into()),
            };
            if let Err(why) = outcome {
                tracing::debug!(%why, "connection broken");
            }
        });
    }
    drop(listener);
    if timeout(drain, places.all_left()).await.is_err() {
        let seconds = drain.as_secs();
        tracing::warn!(
            seconds,
            "some requests were not answered in time and are dropped"
        );
    }
}

async fn talk(
    connections: &Connections,
    identity: Option<Identity>,
    stream: TcpStream,
    address: IpAddr,
    place: &Place,
) -> Result<(), Broken> {
    let peer = Peer {
        address,
        standing: Arc::clone(&place.standing),
    };
    let Some(identity) = identity else {
        return connections.serve(stream, peer).await;
    };
    let accepted = TlsAcceptor::from(identity.config).accept(stream);
    match connections.greeted(accepted).await? {
        Some(stream) => connections.serve(stream, peer).await,
        None => Ok(()),
    }
}

/// Counts a connection that is closed before a word was said.
fn refused(why: NoPlace) {
    crate::metrics::refusal(match why {
        NoPlace::Address => "connections-of-address",
        NoPlace::Full => "connections",
    });
}

/// The next connection; None when it is time to end.
async fn accept(
    listener: &TcpListener,
    places: &Places,
    shutdown: &Shutdown,
) -> Option<(TcpStream, IpAddr)> {
    let next = async {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Answers are written at once and whole; waiting for more only adds latency.
                    let _ = stream.set_nodelay(true);
                    return (stream, peer.ip());
                }
                Err(why) if is_the_peers(&why) => {}
                Err(why) => {
                    tracing::warn!(%why, "no connection can be accepted; another one gives way");
                    places.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        next = next => Some(next),
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
