//! When a round starts, and who is asked how much.

use super::Validator;
use crate::{
    chain::{Miner, Snapshot},
    error::Error,
    round::RoundStart,
    store::KnownMiner,
};
use assay_primitives::BlockNumber;

/// Rounds between two clean-ups of the store.
const CLEAN_EVERY: u64 = 50;

impl Validator {
    pub(super) async fn start_round_when_due(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let block = snapshot.block();
        let store = &self.parts.store;
        if self.last_round_at.is_none() {
            // From before the last start: a restart is no reason to ask again.
            let generation = snapshot.metagraph.generation;
            self.last_round_at = store.last_round_at(generation).await?;
        }
        let settled = self
            .permitted_since
            .is_some_and(|since| block >= since.saturating_add(self.parts.config.settle_blocks));
        let due = self
            .last_round_at
            .is_none_or(|last| block >= last.saturating_add(self.parts.config.round_every));
        if !settled || !due || !self.round.is_empty() {
            return Ok(());
        }
        let (_, known) = store.known().await?;
        let miners: Vec<(Miner, u32)> = snapshot
            .miners(&self.parts.hotkey)
            .into_iter()
            .map(|miner| {
                let asked = KnownMiner::about(known.get(&miner.serial), miner.artifact).asked;
                let left = self.rounds_of_immunity(snapshot, &miner);
                (miner, self.parts.runner.share(asked, left))
            })
            .collect();
        if miners.is_empty() {
            return Ok(());
        }
        let mut start = RoundStart::new(snapshot, 0, self.parts.clock.now_ms());
        let fresh = self.parts.entropy.secret();
        let secret = store.secret(start.generation, start.epoch, fresh).await?;
        let number = store.begin_round(&start).await?;
        self.last_round_at = Some(block);
        if let Some(number) = number {
            start.round = number;
            self.run_round(start, secret, miners);
        }
        Ok(())
    }

    /// Runs a round beside the loop.
    fn run_round(&mut self, start: RoundStart, secret: [u8; 32], miners: Vec<(Miner, u32)>) {
        let (runner, store) = (self.parts.runner.clone(), self.parts.store.clone());
        let (rules, metrics) = (self.parts.folder.score, self.parts.metrics.clone());
        let keep = self.parts.config.keep_rounds;
        self.round.spawn(async move {
            let deadline = runner.deadline;
            let round = start.round;
            let outcome = runner.run(start, &secret, miners).await;
            metrics.round(&outcome);
            if let Some(reason) = &outcome.own_failure {
                tracing::warn!(
                    round,
                    reason,
                    "our own network failed: silences don't count"
                );
            }
            tracing::debug!(round, miners = outcome.miners.len(), "round finished");
            store.record_round(outcome, rules, deadline).await?;
            if round.is_multiple_of(CLEAN_EVERY) {
                store.forget_before(keep).await?;
            }
            Ok(())
        });
    }

    /// The rounds until a miner may be pruned; `None` where it may be now.
    fn rounds_of_immunity(&self, snapshot: &Snapshot, miner: &Miner) -> Option<u32> {
        let graph = &snapshot.metagraph;
        let at = usize::from(miner.uid.0);
        let immune = graph.immune.get(at).copied().unwrap_or(false);
        let registered: BlockNumber = graph.registered_at.get(at).copied().unwrap_or_default();
        let ends = registered.saturating_add(graph.hyperparameters.immunity_period);
        let left = ends.saturating_sub(graph.block) / self.parts.config.round_every.max(1);
        immune.then_some(left)
    }
}
