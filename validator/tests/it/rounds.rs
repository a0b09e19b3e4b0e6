//! Rounds: what is asked, how it is judged, and what becomes of it.

use crate::common::{digits, runner, Conduct, FakeChain, FakePeers};
use assay_primitives::{Digest, MinerScore, Serial, SCORE_ONE};
use assay_validator::{
    chain::Chain,
    round::{RoundOutcome, RoundRunner, RoundStart},
    score::Posterior,
    task::TaskFolder,
    weights::linear,
};
use std::{collections::BTreeMap, sync::Arc};

struct Bench {
    folder: TaskFolder,
    chain: FakeChain,
    peers: Arc<FakePeers>,
    runner: RoundRunner,
}

impl Bench {
    fn new(conducts: &[Conduct]) -> Self {
        let folder = TaskFolder::load(&digits()).unwrap();
        let chain = FakeChain::new(conducts.len() as u16, 100, folder.spec().unwrap());
        let peers = Arc::new(FakePeers::new(conducts.to_vec()));
        let runner = runner(&folder, peers.clone());
        Self {
            folder,
            chain,
            peers,
            runner,
        }
    }

    async fn round(&self, number: u64, items: u32) -> RoundOutcome {
        self.chain.advance();
        let snapshot = self.chain.snapshot().await.unwrap();
        let start = RoundStart::new(&snapshot, number, 0);
        let miners = snapshot
            .miners(&crate::common::OWN)
            .into_iter()
            .map(|miner| (miner, items));
        self.runner.run(start, &[5; 32], miners.collect()).await
    }

    /// Scores by uid after `rounds` rounds.
    async fn scores(&self, rounds: u64) -> Vec<u32> {
        let mut known: BTreeMap<u16, Posterior> = BTreeMap::new();
        for number in 1..=rounds {
            for outcome in self
                .round(number, self.folder.queries.items_per_round)
                .await
                .miners
            {
                let tally = outcome.tally(self.runner.deadline);
                let posterior = known.entry(outcome.miner.uid.0).or_default();
                posterior.update(&tally, &self.folder.score);
            }
        }
        let chance = self.runner.task.chance();
        known
            .values()
            .map(|posterior| posterior.score(&self.folder.score, chance))
            .collect()
    }
}

#[tokio::test]
async fn run_asks_the_same_again_when_it_starts_from_the_same_seed() {
    let first = Bench::new(&[Conduct::Quality(0.8), Conduct::Random]);
    let second = Bench::new(&[Conduct::Quality(0.8), Conduct::Random]);
    let outcomes = [first.round(1, 64).await, second.round(1, 64).await];
    let leaves = outcomes.map(|outcome| {
        let miners = outcome.miners.into_iter().flat_map(|miner| miner.requests);
        miners
            .map(|request| request.result.unwrap().leaf)
            .collect::<Vec<_>>()
    });
    assert_eq!(leaves[0], leaves[1]);
    assert_eq!(leaves[0].len(), 4);
}

#[tokio::test]
async fn run_varies_the_same_items_for_each_miner() {
    let bench = Bench::new(&[Conduct::Quality(1.0), Conduct::Quality(1.0)]);
    let outcome = bench.round(1, 32).await;
    // Every answer is right, though no miner was asked what another was, nor a published row.
    for miner in &outcome.miners {
        let judged = miner.requests[0].result.as_ref().unwrap();
        assert_eq!(judged.score, 32 * u64::from(SCORE_ONE));
        assert_eq!(judged.leaf.score, SCORE_ONE);
    }
    let asked = bench.peers.asked.lock().unwrap();
    assert_ne!(asked[0].1.inputs, asked[1].1.inputs);
}

#[tokio::test]
async fn run_gives_newcomers_the_same_items_and_more() {
    let bench = Bench::new(&[Conduct::Quality(1.0)]);
    let snapshot = bench.chain.snapshot().await.unwrap();
    let start = RoundStart::new(&snapshot, 1, 0);
    let seeds = start.seeds(&[5; 32], Serial(1));
    let (few, many) = (
        bench.runner.task.queries(&seeds, 64).unwrap(),
        bench.runner.task.queries(&seeds, 128).unwrap(),
    );
    assert_eq!(few[..], many[..64]);
    assert_eq!(bench.runner.share(0, None), 128);
    assert_eq!(bench.runner.share(512, Some(0)), 64);
    // Little time is left until it may be pruned: more, but not without end.
    assert_eq!(bench.runner.share(112, Some(2)), 200);
    assert_eq!(bench.runner.share(0, Some(100)), 128);
    assert_eq!(bench.runner.share(0, Some(0)), 256);
}

#[tokio::test]
async fn score_recovers_the_order_of_quality() {
    // What the task's example models reach on varied items.
    let qualities = [0.468, 0.725, 0.800, 0.958, 0.989];
    let bench = Bench::new(&qualities.map(Conduct::Quality));
    let scores = bench.scores(16).await;
    assert!(
        scores.windows(2).all(|pair| pair[0] < pair[1]),
        "{scores:?}"
    );
    for (score, quality) in scores.iter().zip(qualities) {
        let skill = (quality - 0.1) / 0.9;
        let score = f64::from(*score) / f64::from(SCORE_ONE);
        assert!((skill - score).abs() < 0.08, "{score} for {skill}");
    }
}

#[tokio::test]
async fn score_is_little_or_nothing_when_answers_are_not_earned() {
    let bench = Bench::new(&[
        Conduct::Quality(0.468),
        Conduct::LookUp,
        Conduct::Random,
        Conduct::Late,
        Conduct::Unreachable,
        Conduct::WrongType,
        Conduct::NoReceipt,
    ]);
    let scores = bench.scores(16).await;
    let miners: Vec<MinerScore> = (0..)
        .zip(&scores)
        .map(|(uid, &score)| MinerScore {
            uid: assay_primitives::Uid(uid),
            serial: Serial(uid.into()),
            score,
        })
        .collect();
    let row = linear(miners.iter()).unwrap();
    let sum: f64 = row.values.iter().map(|&value| f64::from(value)).sum();
    let others = sum - f64::from(row.values[0]);
    assert!(others / sum < 0.03, "{scores:?}");
    assert_eq!(&scores[3..], [0; 4]);
}

#[tokio::test]
async fn run_counts_silence_as_wrong_unless_our_own_network_is_down() {
    let bench = Bench::new(&[Conduct::Quality(1.0), Conduct::Unreachable]);
    let outcome = bench.round(1, 32).await;
    assert_eq!(outcome.own_failure, None);
    let silent = outcome.miners[1].tally(bench.runner.deadline);
    assert_eq!((silent.items, silent.score), (32, 0));

    bench
        .peers
        .cut_off
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let outcome = bench.round(2, 32).await;
    assert!(outcome.own_failure.is_some());
    for miner in &outcome.miners {
        assert_eq!(miner.tally(bench.runner.deadline).items, 0);
    }
}

#[tokio::test]
async fn run_puts_silence_down_to_our_network_when_nobody_at_all_is_heard_of() {
    let bench = Bench::new(&[Conduct::Unreachable, Conduct::Late, Conduct::Unreachable]);
    let outcome = bench.round(1, 32).await;
    assert!(outcome.own_failure.is_some(), "the probe says otherwise");
    let counted = outcome.miners.iter().flat_map(|miner| &miner.requests);
    assert!(counted.into_iter().all(|request| !request.counted));

    let bench = Bench::new(&[Conduct::Unreachable, Conduct::Late, Conduct::NoReceipt]);
    let outcome = bench.round(1, 32).await;
    assert_eq!(outcome.own_failure, None, "one was heard of");
    let tally = outcome.miners[1].tally(bench.runner.deadline);
    assert_eq!((tally.items, tally.absent), (32, 32));
    let tally = outcome.miners[2].tally(bench.runner.deadline);
    assert_eq!((tally.items, tally.absent), (32, 0));
}

#[tokio::test]
async fn run_does_not_count_lateness_when_our_own_program_could_not_run() {
    let bench = Bench::new(&[Conduct::LateByOurs, Conduct::Quality(1.0)]);
    let outcome = bench.round(1, 32).await;
    let late = &outcome.miners[0].requests[0];
    assert!(!late.counted);
    let failure = late.result.as_ref().unwrap_err();
    assert_eq!(failure.kind(), "own_failure", "{failure}");
}

#[tokio::test]
async fn run_shows_what_was_asked_and_what_came_back() {
    let bench = Bench::new(&[Conduct::Quality(1.0)]);
    let outcome = bench.round(1, 32).await;
    let shown = outcome.miners[0].requests[0].shown.as_ref().unwrap();
    assert_eq!(shown.asked[0].shape, [32, 64]);
    assert_eq!(shown.came_back[0].name, "label");
    assert_eq!(shown.scores, [SCORE_ONE; 32]);
}

#[tokio::test]
async fn leaves_name_what_the_round_was() {
    let bench = Bench::new(&[Conduct::Quality(1.0)]);
    let outcome = bench.round(7, 64).await;
    let leaves: Vec<_> = outcome.miners[0]
        .requests
        .iter()
        .map(|request| request.result.as_ref().unwrap().leaf.clone())
        .collect();
    assert_eq!(
        leaves.iter().map(|leaf| leaf.item).collect::<Vec<_>>(),
        [0, 32]
    );
    assert!(leaves
        .iter()
        .all(|leaf| leaf.round == 7 && leaf.artifact == Digest([1; 32])));
    assert!(leaves
        .iter()
        .all(|leaf| leaf.genesis == bench.chain.genesis()));
}
