//! What the miner counts and times. Callers are never labels: there may be any number of them.

use crate::backend::ModelInfo;
use assay_primitives::Digest;
use metrics::{
    counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, Gauge, Unit,
};
use std::time::Duration;

const ANSWERS: &str = "assay_miner_answers_total";
const ANSWER_SECONDS: &str = "assay_miner_answer_seconds";
const REFUSALS: &str = "assay_miner_refusals_total";
const INFERENCES: &str = "assay_miner_inferences_total";
const INFERENCE_SECONDS: &str = "assay_miner_inference_seconds";
const QUEUE_SECONDS: &str = "assay_miner_queue_seconds";
const SIGNING_SECONDS: &str = "assay_miner_signing_seconds";
const WAITING: &str = "assay_miner_queries_waiting";
const MODEL: &str = "assay_miner_model_info";
const FALLBACK: &str = "assay_miner_fallback_info";
const BATCH_ROWS: &str = "assay_miner_batch_rows";
const MODELS_WAITING: &str = "assay_miner_models_waiting";
const IN_FLIGHT: &str = "assay_miner_requests_in_flight";
const CONNECTIONS: &str = "assay_miner_connections";
const CHAIN: &str = "assay_miner_chain_in_sync";
const ON_FILE: &str = "assay_miner_answered_on_file";
const CERTIFICATE: &str = "assay_miner_certificate_info";

/// Tells the recorder what each metric is.
pub fn describe() {
    describe_counter!(ANSWERS, "Answers to POST requests, by endpoint and status");
    describe_histogram!(
        ANSWER_SECONDS,
        Unit::Seconds,
        "Time from a request's head to its answer"
    );
    describe_counter!(REFUSALS, "Requests refused, by reason");
    describe_histogram!(
        QUEUE_SECONDS,
        Unit::Seconds,
        "Time that a query waited until it was run, by model"
    );
    describe_histogram!(
        SIGNING_SECONDS,
        Unit::Seconds,
        "Time that checking a request's signature and signing its receipt took together"
    );
    describe_gauge!(
        WAITING,
        "Queries waiting for their turn, by model and version"
    );
    describe_counter!(INFERENCES, "Queries run, by model and outcome");
    describe_histogram!(
        INFERENCE_SECONDS,
        Unit::Seconds,
        "Time that a model took, by model"
    );
    describe_gauge!(MODEL, "Models served, with the execution provider in use");
    describe_gauge!(
        FALLBACK,
        "Models served that are not on the GPU although that was tried, with the reason"
    );
    describe_histogram!(
        BATCH_ROWS,
        "Rows of the runs that answered several queries, by model"
    );
    describe_gauge!(
        MODELS_WAITING,
        "Loaded models that wait until the chain knows what will be served"
    );
    describe_gauge!(IN_FLIGHT, "Requests being answered");
    describe_gauge!(CONNECTIONS, "Open connections");
    describe_gauge!(
        CHAIN,
        "1 if the chain knows this miner's endpoint and model, else 0"
    );
    describe_gauge!(
        ON_FILE,
        "0 if what is answered can't be written to the state folder, else 1"
    );
    describe_gauge!(CERTIFICATE, "The TLS certificate that is shown");
}

pub(crate) fn answer(endpoint: &'static str, status: u16, took: Duration) {
    counter!(ANSWERS, "endpoint" => endpoint, "status" => status.to_string()).increment(1);
    histogram!(ANSWER_SECONDS, "endpoint" => endpoint).record(took.as_secs_f64());
}

pub(crate) fn refusal(reason: &'static str) {
    counter!(REFUSALS, "reason" => reason).increment(1);
}

/// Where it is told how many queries wait for a model.
pub(crate) fn waiting(model: &str, version: u32) -> Gauge {
    gauge!(WAITING, "model" => model.to_owned(), "version" => version.to_string())
}

/// A query that waited so long is run now.
pub(crate) fn queued(model: &str, took: Duration) {
    histogram!(QUEUE_SECONDS, "model" => model.to_owned()).record(took.as_secs_f64());
}

pub(crate) fn signing(took: Duration) {
    histogram!(SIGNING_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn certificate(sha256: &Digest, shown: bool) {
    gauge!(CERTIFICATE, "sha256" => sha256.to_string()).set(if shown { 1.0 } else { 0.0 });
}

pub(crate) fn on_file(written: bool) {
    gauge!(ON_FILE).set(if written { 1.0 } else { 0.0 });
}

/// One run of a model that answered so many queries.
pub(crate) fn inference(model: &str, queries: usize, took: Duration, good: bool) {
    let outcome = if good { "good" } else { "failed" };
    counter!(INFERENCES, "model" => model.to_owned(), "outcome" => outcome)
        .increment(queries as u64);
    histogram!(INFERENCE_SECONDS, "model" => model.to_owned()).record(took.as_secs_f64());
}

pub(crate) fn batch(model: &str, rows: usize) {
    histogram!(BATCH_ROWS, "model" => model.to_owned()).record(rows as f64);
}

/// Says of a model that it is served now, or that it is not any more.
pub(crate) fn model_served(model: &ModelInfo, served: bool) {
    if let Some(reason) = &model.fallback {
        gauge!(FALLBACK,
            "model" => model.name.clone(),
            "version" => model.version.to_string(),
            "reason" => reason.clone()
        )
        .set(if served { 1.0 } else { 0.0 });
    }
    gauge!(MODEL,
        "model" => model.name.clone(),
        "version" => model.version.to_string(),
        "provider" => model.provider.clone(),
        "sha256" => model.sha256.to_string()
    )
    .set(if served { 1.0 } else { 0.0 });
}

pub(crate) fn models_waiting(number: usize) {
    gauge!(MODELS_WAITING).set(number as f64);
}

/// Counts one more of something for as long as it lives.
pub(crate) struct Gauged(&'static str);

impl Gauged {
    pub(crate) fn request() -> Self {
        Self::new(IN_FLIGHT)
    }

    pub(crate) fn connection() -> Self {
        Self::new(CONNECTIONS)
    }

    fn new(name: &'static str) -> Self {
        gauge!(name).increment(1.0);
        Self(name)
    }
}

impl Drop for Gauged {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1.0);
    }
}

pub(crate) fn chain_in_sync(in_sync: bool) {
    gauge!(CHAIN).set(if in_sync { 1.0 } else { 0.0 });
}
