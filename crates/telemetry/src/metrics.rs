//! Metrics in Prometheus' text format, on a port of their own.

use crate::Shutdown;
use axum::{extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::net::TcpListener;

/// Upper bounds, in seconds, of the buckets of histograms: from a signature to the longest deadline
/// that a task may set.
const SECONDS: [f64; 17] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];

/// The same of histograms that count rows, whose names end so.
const ROWS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
const ROWS_SUFFIX: &str = "_rows";

/// How often histograms are tidied, so that they don't grow when nobody reads them.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why metrics can't be served.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The recorder can't be installed.
    #[error("metrics can't be recorded: {0}")]
    Recorder(#[from] metrics_exporter_prometheus::BuildError),
    /// The port can't be had.
    #[error("metrics can't listen on {address} ({why}): name another address in `metrics`")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's error.
        why: std::io::Error,
    },
}

/// Starts recording for the whole process. A second call returns the first one's handle.
pub fn install_recorder() -> Result<PrometheusHandle, MetricsError> {
    static HANDLE: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut handle = HANDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*handle {
        return Ok(handle.clone());
    }
    let installed = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix(ROWS_SUFFIX.to_owned()), &ROWS)?
        .install_recorder()?;
    *handle = Some(installed.clone());
    Ok(installed)
}

/// The endpoint that Prometheus reads.
#[derive(Debug)]
pub struct MetricsServer {
    listener: TcpListener,
    handle: PrometheusHandle,
}

impl MetricsServer {
    /// Binds `address`; port 0 takes any free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, MetricsError> {
        let handle = install_recorder()?;
        let listen = |why| MetricsError::Listen { address, why };
        Ok(Self {
            listener: TcpListener::bind(address).await.map_err(listen)?,
            handle,
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers `GET /metrics` until `shutdown` is tripped.
    pub async fn serve(self, shutdown: Shutdown) -> std::io::Result<()> {
        let upkeep = tokio::spawn({
            let (handle, shutdown) = (self.handle.clone(), shutdown.clone());
            async move {
                while tokio::time::timeout(UPKEEP, shutdown.tripped())
                    .await
                    .is_err()
                {
                    handle.run_upkeep();
                }
            }
        });
        let router = axum::Router::new()
            .route("/metrics", get(render))
            .with_state(self.handle);
        // Scrapes are short and hold nothing: no connection is waited for.
        let result = tokio::select! {
            served = async { axum::serve(self.listener, router).await } => served,
            () = shutdown.tripped() => Ok(()),
        };
        upkeep.abort();
        result
    }
}

async fn render(State(handle): State<PrometheusHandle>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        handle.render(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn serve_shows_what_was_recorded_and_ends_when_tripped() {
        let server = MetricsServer::bind(([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let address = server.local_addr().unwrap();
        ::metrics::counter!("assay_test_total").increment(3);
        ::metrics::histogram!("assay_test_rows").record(24.0);
        ::metrics::histogram!("assay_test_seconds").record(0.000_07);
        let shutdown = Shutdown::new();
        let serving = tokio::spawn(server.serve(shutdown.clone()));

        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        for line in [
            "assay_test_total 3",
            r#"assay_test_rows_bucket{le="16"} 0"#,
            r#"assay_test_rows_bucket{le="32"} 1"#,
            r#"assay_test_seconds_bucket{le="0.00005"} 0"#,
            r#"assay_test_seconds_bucket{le="0.0001"} 1"#,
        ] {
            assert!(answer.contains(line), "{line} is not in {answer}");
        }

        shutdown.trip();
        serving.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn bind_names_the_address_when_it_is_taken() {
        let first = MetricsServer::bind(([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let address = first.local_addr().unwrap();
        let error = MetricsServer::bind(address).await.unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}
