//! What Prometheus reads. No label names a miner: there is no bound on how many there are.

use crate::{
    chain::Snapshot,
    round::{RequestOutcome, RoundOutcome},
    store::State,
};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Tells the recorder what each number means.
pub fn describe() {
    describe_gauge!(
        "assay_validator_finalized_block",
        "The newest finalized block seen"
    );
    describe_gauge!("assay_validator_epoch", "The open epoch of the subnet");
    describe_counter!("assay_validator_rounds_total", "Rounds finished");
    describe_counter!(
        "assay_validator_own_failures_total",
        "Rounds in which our network failed"
    );
    describe_counter!(
        "assay_validator_requests_total",
        "Requests to miners, by outcome"
    );
    describe_histogram!(
        "assay_validator_answer_seconds",
        "Seconds from a request to the last byte of its answer"
    );
    describe_counter!(
        "assay_validator_submissions_total",
        "Commits and reveals, by state reached"
    );
    describe_counter!(
        "assay_validator_chain_errors_total",
        "Times the chain could not be asked"
    );
}

pub(crate) fn snapshot(snapshot: &Snapshot) {
    gauge!("assay_validator_finalized_block").set(f64::from(snapshot.block()));
    gauge!("assay_validator_epoch").set(f64::from(snapshot.epoch().0));
}

pub(crate) fn round(outcome: &RoundOutcome) {
    counter!("assay_validator_rounds_total").increment(1);
    if outcome.own_failure.is_some() {
        counter!("assay_validator_own_failures_total").increment(1);
    }
    outcome
        .miners
        .iter()
        .flat_map(|miner| &miner.requests)
        .for_each(request);
}

fn request(request: &RequestOutcome) {
    let kind = match &request.result {
        Ok(judged) => {
            histogram!("assay_validator_answer_seconds").record(judged.took.as_secs_f64());
            "answered"
        }
        Err(failure) => failure.kind(),
    };
    counter!("assay_validator_requests_total", "outcome" => kind).increment(1);
}

pub(crate) fn submission(state: State) {
    counter!("assay_validator_submissions_total", "state" => state.name()).increment(1);
}

pub(crate) fn chain_error() {
    counter!("assay_validator_chain_errors_total").increment(1);
}
