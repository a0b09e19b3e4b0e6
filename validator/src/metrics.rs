//! What Prometheus reads, by subnet. No label names a miner: there is no bound on how many there
//! are. docs/validating.md says which of it to be woken for.

use crate::{
    chain::Snapshot,
    round::{RequestOutcome, RoundOutcome},
    store::State,
};
use assay_primitives::{BlockNumber, NetUid, Uid};
use metrics::{
    counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, Unit,
};

/// Tells the recorder what each number means.
pub fn describe() {
    describe_gauge!(
        "assay_validator_finalized_block",
        "The newest finalized block seen"
    );
    describe_gauge!("assay_validator_epoch", "The open epoch of the subnet");
    describe_gauge!(
        "assay_validator_permitted",
        "1 while the hotkey may validate, else 0"
    );
    describe_gauge!(
        "assay_validator_blocks_since_weights",
        "Blocks since the weights in force were committed"
    );
    describe_gauge!(
        "assay_validator_trust",
        "Validator trust in the last epoch, within 0 and 1"
    );
    describe_counter!("assay_validator_rounds_total", "Rounds finished");
    describe_gauge!(
        "assay_validator_round_finished_seconds",
        Unit::Seconds,
        "When the latest round ended, in seconds since 1970"
    );
    describe_gauge!(
        "assay_validator_round_seconds",
        Unit::Seconds,
        "How long the latest round took"
    );
    describe_gauge!(
        "assay_validator_miners",
        "Miners of the latest round, by whether any answer of theirs counted"
    );
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
        Unit::Seconds,
        "From a request to the last byte of its answer"
    );
    describe_counter!(
        "assay_validator_submissions_total",
        "Commits and reveals, by state reached"
    );
    describe_counter!(
        "assay_validator_chain_errors_total",
        "Times the chain could not be asked"
    );
    describe_counter!(
        "assay_validator_disk_errors_total",
        "Times the state could not be written"
    );
}

/// The figures of one subnet.
#[derive(Clone, Debug)]
pub struct Metrics {
    netuid: String,
}

impl Metrics {
    /// The figures of a subnet.
    pub fn new(netuid: NetUid) -> Self {
        Self {
            netuid: netuid.to_string(),
        }
    }

    fn gauge(&self, name: &'static str, value: f64) {
        gauge!(name, "netuid" => self.netuid.clone()).set(value);
    }

    fn count(&self, name: &'static str) {
        counter!(name, "netuid" => self.netuid.clone()).increment(1);
    }

    pub(crate) fn reached(&self, block: BlockNumber) {
        self.gauge("assay_validator_finalized_block", f64::from(block));
    }

    pub(crate) fn snapshot(&self, snapshot: &Snapshot) {
        self.gauge("assay_validator_epoch", f64::from(snapshot.epoch().0));
    }

    /// What the chain says about our own neuron.
    pub(crate) fn own(&self, snapshot: &Snapshot, own: Option<Uid>, permitted: bool) {
        self.gauge("assay_validator_permitted", f64::from(u8::from(permitted)));
        let Some(own) = own else { return };
        if let Some(last) = snapshot.last_update_of(own) {
            let passed = snapshot.block().saturating_sub(last);
            self.gauge("assay_validator_blocks_since_weights", f64::from(passed));
        }
        let trust = &snapshot.metagraph.validator_trust;
        let trust = trust.get(usize::from(own.0)).copied().unwrap_or_default();
        let one = f64::from(u32::MAX) + 1.0;
        self.gauge("assay_validator_trust", f64::from(trust) / one);
    }

    pub(crate) fn round(&self, outcome: &RoundOutcome) {
        self.count("assay_validator_rounds_total");
        if outcome.own_failure.is_some() {
            self.count("assay_validator_own_failures_total");
        }
        let finished = outcome.finished_ms as f64 / 1000.0;
        self.gauge("assay_validator_round_finished_seconds", finished);
        let took = outcome.finished_ms.saturating_sub(outcome.start.started_ms);
        self.gauge("assay_validator_round_seconds", took as f64 / 1000.0);
        let answered = outcome
            .miners
            .iter()
            .filter(|miner| miner.requests.iter().any(|request| request.result.is_ok()))
            .count();
        for (state, count) in [
            ("answered", answered),
            ("silent", outcome.miners.len() - answered),
        ] {
            gauge!("assay_validator_miners", "netuid" => self.netuid.clone(), "state" => state)
                .set(count as f64);
        }
        for miner in &outcome.miners {
            miner.requests.iter().for_each(|it| self.request(it));
        }
    }

    fn request(&self, request: &RequestOutcome) {
        let kind = match &request.result {
            Ok(judged) => {
                histogram!("assay_validator_answer_seconds", "netuid" => self.netuid.clone())
                    .record(judged.took.as_secs_f64());
                "answered"
            }
            Err(failure) => failure.kind(),
        };
        counter!("assay_validator_requests_total", "netuid" => self.netuid.clone(), "outcome" => kind)
            .increment(1);
    }

    pub(crate) fn submission(&self, state: State) {
        counter!(
            "assay_validator_submissions_total",
            "netuid" => self.netuid.clone(), "state" => state.name()
        )
        .increment(1);
    }

    pub(crate) fn chain_error(&self) {
        self.count("assay_validator_chain_errors_total");
    }

    pub(crate) fn disk_error(&self) {
        self.count("assay_validator_disk_errors_total");
    }
}
